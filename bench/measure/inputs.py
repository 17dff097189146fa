"""The frame that cost is measured on: the data set's first dark exposure, or a made-up one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.machine.address import local
from llpacknet.raw.frame import RawFrame
from llpacknet.raw.read import read_raw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.records.jobs import Job

MADE_UP_RATIO = 100.0
BLACK, WHITE = 512, 16383
_XYZ_TO_CAMERA = np.array([[0.5838, -0.1430, -0.0246], [-0.3497, 1.1477, 0.2297], [-0.0748, 0.1885, 0.5778]])
_CAMERA_TO_SRGB = np.array(
    [
        [1.9712269, -0.6789218, -0.2923051],
        [-0.2910482, 1.748401, -0.4573529],
        [0.0205128, -0.5380369, 1.5175241],
    ]
)


def cost_frame(job: Job) -> tuple[RawFrame, float]:
    """Return the frame that a latency or memory cell asks for, and the gain that goes with it."""
    height, width = job.cell.height, job.cell.width
    assert height is not None
    assert width is not None
    if not job.images:
        return made_up_frame(height, width), MADE_UP_RATIO
    image = job.images[0]
    return fit(read_raw(local(image.short)), height, width), image.ratio


def fit(frame: RawFrame, height: int, width: int) -> RawFrame:
    """Cut a frame to a size around its centre, or repeat it up to that size; the Bayer phase is kept."""
    rows, columns = frame.mosaic.shape
    repeats = (-(-height // rows), -(-width // columns))
    mosaic: NDArray[np.uint16] = np.tile(frame.mosaic, repeats) if max(repeats) > 1 else frame.mosaic
    return crop(replace(frame, mosaic=mosaic), height, width)


def crop(frame: RawFrame, height: int, width: int) -> RawFrame:
    """Cut the centre of a frame, at even rows and columns so that pixel (0, 0) stays red."""
    top, left = centre(frame.mosaic.shape, height, width)
    mosaic = np.ascontiguousarray(frame.mosaic[top : top + height, left : left + width])
    return replace(frame, mosaic=mosaic, path=None if mosaic.shape != frame.mosaic.shape else frame.path)


@dataclass(frozen=True)
class Part:
    """A part of a frame: its first row and column, all even, and how many of them."""

    top: int
    left: int
    height: int
    width: int

    @property
    def rows(self) -> slice:
        """Its rows."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """Its columns."""
        return slice(self.left, self.left + self.width)

    def of(self, image: NDArray[Any]) -> NDArray[Any]:
        """Cut it out of a mosaic or image."""
        return image[self.rows, self.columns]

    def sides(self) -> dict[str, int]:
        """Height and width, as results name them."""
        return {"height": self.height, "width": self.width}

    def within(self, outer: Part) -> Part:
        """Return its position in a part that contains it."""
        return replace(self, top=self.top - outer.top, left=self.left - outer.left)

    def widened(self, margin: int, multiple: int, shape: tuple[int, ...]) -> Part:
        """Add a margin within a frame, and extend it to rows and columns that are multiples of a number."""
        top, left = (max(first - margin, 0) // multiple * multiple for first in (self.top, self.left))
        bottom = min(-(-(self.top + self.height + margin) // multiple) * multiple, shape[0])
        right = min(-(-(self.left + self.width + margin) // multiple) * multiple, shape[1])
        return Part(top, left, bottom - top, right - left)


def central(shape: tuple[int, ...], part_of: int) -> Part:
    """Return the central part whose sides, even, are one such share of a frame's."""
    height, width = (side // part_of // 2 * 2 for side in shape[:2])
    return Part(*centre(shape, height, width), height, width)


def centre(shape: tuple[int, ...], height: int, width: int) -> tuple[int, int]:
    """Row and column, both even, at which a centred cut of that size begins."""
    return (shape[0] - height) // 4 * 2, (shape[1] - width) // 4 * 2


def made_up_frame(height: int, width: int, seed: int = 0) -> RawFrame:
    """Make a dark frame of smooth light and shot noise, only for measuring cost: nothing is scored on it."""
    rng = np.random.default_rng(seed)
    rows = np.linspace(0, np.pi, height, dtype=np.float32)[:, None]
    columns = np.linspace(0, 2 * np.pi, width, dtype=np.float32)
    light: NDArray[Any] = 6 + 5 * np.sin(rows) * np.cos(columns)
    mosaic = (rng.poisson(light) + BLACK).astype(np.uint16)
    return RawFrame(
        mosaic=mosaic,
        black=np.full(4, float(BLACK)),
        white=WHITE,
        white_balance=np.array([2.09, 1.0, 1.0, 2.43]),
        color_matrix=_CAMERA_TO_SRGB,
        xyz_to_camera=_XYZ_TO_CAMERA,
    )
