"""LIME's illumination map: first estimate, weights, and what a refinement returns (Guo et al., TIP 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from baselines.finite_differences import gradient

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.finite_differences import Boundary

Solver = Literal["fast", "exact"]


@dataclass(frozen=True)
class Refined:
    """A refined illumination map and how it was found.

    Attributes:
        illumination: (H, W) map T, floating point, in the range of the first estimate up to the tolerance.
        solver: "fast" or "exact".
        tolerance: what was asked for.
        residual: what was reached, of the same meaning as the tolerance (see the solver).
        iterations: of conjugate gradients (fast) or of the alternating scheme (exact).
        objective: the function that the solver minimises, before the first and after each recorded iteration.
    """

    illumination: NDArray[Any]
    solver: Solver
    tolerance: float
    residual: float
    iterations: int
    objective: tuple[float, ...]

    @property
    def converged(self) -> bool:
        """Whether the stated tolerance was reached within the allowed iterations."""
        return self.residual <= self.tolerance

    def __str__(self) -> str:
        state = "converged" if self.converged else "NOT converged"
        return (
            f"{self.solver} solver {state} in {self.iterations} iterations: residual {self.residual:.2e} "
            f"(tolerance {self.tolerance:g}), objective {self.objective[-1]:.6g}"
        )


def first_estimate(image: NDArray[Any]) -> NDArray[Any]:
    """T0, the largest of R, G and B at each pixel: (H, W) from (H, W, 3)."""
    brightest: NDArray[Any] = image.max(axis=2)
    return brightest


def weights(
    estimate: NDArray[Any], *, sigma: float, epsilon: float, boundary: Boundary
) -> tuple[NDArray[Any], NDArray[Any]]:
    """W_d = 1 / (|G_σ ∗ ∇_d T0| + ε) for d to the right and downwards (the paper's third strategy)."""
    mode: Literal["wrap", "nearest"] = "wrap" if boundary == "periodic" else "nearest"
    right, down = gradient(estimate, boundary)
    for part in (right, down):
        gaussian_filter(part, sigma, mode=mode, output=part)
        np.abs(part, out=part)
        np.add(part, epsilon, out=part)
        np.reciprocal(part, out=part)
    return right, down
