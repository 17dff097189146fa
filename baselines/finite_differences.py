"""Forward differences of an image, their adjoint, and soft thresholding.

Two boundaries, because the published methods use two: `periodic` where a step is solved by the Fourier
transform (the last row's neighbour is the first one), `neumann` where it is solved as a sparse system (the
difference across the border is zero).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Boundary = Literal["neumann", "periodic"]
Floats = TypeVar("Floats", np.float32, np.float64)


def gradient(image: NDArray[Floats], boundary: Boundary) -> tuple[NDArray[Floats], NDArray[Floats]]:
    """Forward differences (to the right, downwards) of an (H, W) image, each (H, W)."""
    horizontal, vertical = np.empty_like(image), np.empty_like(image)
    np.subtract(image[:, 1:], image[:, :-1], out=horizontal[:, :-1])
    np.subtract(image[1:], image[:-1], out=vertical[:-1])
    if boundary == "periodic":
        np.subtract(image[:, 0], image[:, -1], out=horizontal[:, -1])
        np.subtract(image[0], image[-1], out=vertical[-1])
    else:
        horizontal[:, -1] = 0
        vertical[-1] = 0
    return horizontal, vertical


def gradient_adjoint(
    horizontal: NDArray[Floats], vertical: NDArray[Floats], boundary: Boundary
) -> NDArray[Floats]:
    """Apply the adjoint of `gradient`, all (H, W): ⟨∇t, (h, v)⟩ is ⟨t, the result for (h, v)⟩."""
    image = np.empty_like(horizontal)
    if boundary == "periodic":
        np.add(horizontal, vertical, out=image)
        np.negative(image, out=image)
        image[:, 0] += horizontal[:, -1]
        image[0] += vertical[-1]
    else:
        image[...] = 0
        image[:, :-1] -= horizontal[:, :-1]
        image[:-1] -= vertical[:-1]
    image[:, 1:] += horizontal[:, :-1]
    image[1:] += vertical[:-1]
    return image


def shrink(values: NDArray[Floats], threshold: NDArray[Floats] | float) -> NDArray[Floats]:
    """Soft thresholding, the minimiser of threshold·|g| + (g − values)²/2 for each element."""
    clipped = np.clip(values, np.negative(threshold), threshold)
    return np.subtract(values, clipped, out=clipped)
