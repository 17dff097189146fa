"""Turns a scene into linear light: tracing in bands, focus, stray light of the lens, its blur."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter

from bench.data.scenes.columns import OPACITY
from bench.data.scenes.culling import direction_lists
from bench.data.scenes.tracing import trace_band
from bench.machine.compiling import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.data.scenes.scene import Scene

# Rows per task.
BAND = 32

# Frames of fewer pixels are traced with four rays per pixel, larger ones with one.
FINE = 1_500_000

# Rows of the small image that sets a scene's level and its stray light, whatever the size asked for.
PREVIEW_HEIGHT = 160

# Fraction of the light that lens and sensor scatter into a halo.
STRAY = 0.02


def preview(
    scene: Scene, size: tuple[int, int], threads: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Radiance of single rays and the lens's stray light, (160, W', 3) float32 both.

    They show the frame that `size` has the shape of, and depend on nothing else of it.
    """
    shape = (PREVIEW_HEIGHT, max(16, 2 * round(0.5 * PREVIEW_HEIGHT * size[1] / size[0])))
    rays = _trace(scene, shape, 1, np.inf, threads)
    return rays, _halo(rays)


def render(
    scene: Scene,
    size: tuple[int, int],
    threads: int = 1,
    ceiling: float = np.inf,
    stray: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Linear sRGB radiance of a scene, (H, W, 3) float32, unscaled; the number of threads changes nothing.

    Args:
        scene: what to render.
        size: height and width in pixels.
        threads: how many to use.
        ceiling: radiance to which light is limited before the lens blurs it.
        stray: the preview's stray light, if it is at hand.
    """
    halo = preview(scene, size, threads)[1] if stray is None else stray
    image = _trace(scene, size, 2 if size[0] * size[1] < FINE else 1, ceiling, threads)
    blurred = np.empty_like(image)

    def finish(first: int) -> None:
        lens_blur(image, blurred, first, first + BAND)
        add_enlarged(blurred, halo, first, first + BAND)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(finish, range(0, size[0], BAND)))
    return blurred


def _trace(
    scene: Scene, size: tuple[int, int], samples: int, ceiling: float, threads: int
) -> NDArray[np.float32]:
    height, width = size
    image = np.empty((height, width, 3), np.float32)
    view = np.array([*scene.view, float(height), float(width)])
    starts, items = _lists(scene)
    tables = (
        scene.bodies, scene.materials, scene.lamps, starts, items, scene.palette, scene.ambient, scene.sky,
    )  # fmt: skip

    def band(first: int) -> None:
        rows = slice(first, min(first + BAND, height))
        trace_band(image[rows], first, view, samples, *tables, float(ceiling))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(band, range(0, height, BAND)))
    return image


def _lists(scene: Scene) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Bodies by direction from the eye, and from every lamp those that cast shadows."""
    points = np.concatenate([scene.view[None, :3], scene.lamps[:, :3]])
    opaque = scene.materials[scene.bodies[:, 16].astype(np.int64), OPACITY] > 0
    return direction_lists(points, scene.bodies, [np.ones_like(opaque), *[opaque] * len(scene.lamps)])


def _halo(rays: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scatter light as a lens does: three box-blurred copies, the widest weakest."""
    light = rays.astype(np.float64)
    stray = np.zeros_like(light)
    for reach, weight in ((5, 0.5), (13, 0.3), (41, 0.2)):
        copy = light
        for _ in range(2):
            copy = uniform_filter(copy, (reach, reach, 0), mode="nearest")
        stray += weight * copy
    return (STRAY * stray).astype(np.float32)


@kernel
def add_enlarged(image: NDArray[np.float32], small: NDArray[np.float32], first: int, last: int) -> None:
    """Add `small`, bilinearly enlarged to all of `image`, to its rows first to last in place."""
    rows, columns = small.shape[0], small.shape[1]
    step_y, step_x = rows / image.shape[0], columns / image.shape[1]
    for i in range(first, min(last, image.shape[0])):
        y = min(max((i + 0.5) * step_y - 0.5, 0.0), rows - 1.0)
        i0 = min(int(y), rows - 2)
        a = y - i0
        for j in range(image.shape[1]):
            x = min(max((j + 0.5) * step_x - 0.5, 0.0), columns - 1.0)
            j0 = min(int(x), columns - 2)
            b = x - j0
            for k in range(3):
                above = small[i0, j0, k] * (1 - b) + small[i0, j0 + 1, k] * b
                below = small[i0 + 1, j0, k] * (1 - b) + small[i0 + 1, j0 + 1, k] * b
                image[i, j, k] += above * (1 - a) + below * a


@kernel
def lens_blur(image: NDArray[np.float32], out: NDArray[np.float32], first: int, last: int) -> None:
    """Convolve rows first to last with (1 2 1)/4 both ways, the edge repeated: lens and optical low-pass."""
    height, width = image.shape[0], image.shape[1]
    for i in range(first, min(last, height)):
        up, down = max(i - 1, 0), min(i + 1, height - 1)
        for j in range(width):
            left, right = max(j - 1, 0), min(j + 1, width - 1)
            for k in range(3):
                total = 4.0 * image[i, j, k]
                total += 2.0 * (image[up, j, k] + image[down, j, k] + image[i, left, k] + image[i, right, k])
                total += image[up, left, k] + image[up, right, k]
                total += image[down, left, k] + image[down, right, k]
                out[i, j, k] = total / 16.0
