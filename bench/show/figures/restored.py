"""Restored images that a run has kept, and where in them to look."""

from __future__ import annotations

import base64
import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import imagecodecs
import numpy as np
from PIL import Image, ImageDraw

from bench.judge.results import scene
from bench.records import protocols
from bench.show.tables import published
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.judge.results import Results

T = TypeVar("T")

FOLDER = "predictions"
# Images beside the methods' own, where a run has kept them: unamplified input and rendered truth.
ENDS = {"input": "Dark input", "truth": "Truth"}
# Side of a crop in pixels of the full frame.
CROP = 512
# Images that are read side by side, each 80 MB at full size; what surrounds a part in a frame of full size.
MOST_THREADS = 4
SURROUND = (40, 40, 40)
# Longer side in pixels, about, of a whole frame that shows where a crop lies.
OVERVIEW = 480


@dataclass(frozen=True)
class Shot:
    """One of the files kept for an image: a method's, the input or the truth.

    Attributes:
        model: the method's registered name, "input" or "truth".
        title: how it is called.
        score: PSNR and SSIM as recorded, empty if the record cannot be told.
        path: the file.
    """

    model: str
    title: str
    score: str
    path: Path

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, from the file's head alone; raises InputError as `open`."""
        try:
            with Image.open(self.path) as image:
                return image.size
        except (OSError, SyntaxError) as error:
            raise self._unreadable() from error

    def open(self) -> Image.Image:
        """Return the image as 8-bit RGB; raises InputError if the file is damaged."""
        return Image.fromarray(self.pixels())

    def pixels(self) -> NDArray[np.uint8]:
        """Return the image as (H, W, 3) uint8; raises InputError if the file is damaged."""
        try:
            return _pixels(self.path, self.path.stat().st_mtime_ns)
        except (OSError, imagecodecs.PngError, ValueError) as error:
            raise self._unreadable() from error

    def _unreadable(self) -> InputError:
        return InputError(
            f"{self.path} cannot be read as an image: delete it, or measure it again with --resume"
        )


# Whoever cuts a crop and shrinks the whole image in turn reads it once.
@lru_cache(maxsize=MOST_THREADS)
def _pixels(path: Path, changed: int) -> NDArray[np.uint8]:  # noqa: ARG001 - as in `_cut`
    # Pillow decodes the same file in twice the time, and does not know colours of 16 bits.
    image = imagecodecs.png_decode(path.read_bytes())
    image = image if image.dtype == np.uint8 else (image // 257).astype(np.uint8)
    if image.ndim != 3 or image.shape[2] != 3:
        image = np.asarray(Image.fromarray(image).convert("RGB"))
    return image


def kept(out: Path, results: Results, most: int) -> dict[str, list[Shot]]:
    """Images of which at least two versions were kept, each with its shots: input, methods, truth.

    Args:
        out: the results folder.
        results: its records, for the scores.
        most: at most this many images, of different scenes as long as there are any.
    """
    folder = out / FOLDER
    if not folder.is_dir():
        return {}
    files = _files(folder)
    shown = [image for image in sorted(files) if set(files[image].paths) - set(ENDS)]
    shown = [image for image in shown if len(files[image].paths) > 1]
    return {image: _shots(image, files[image], results) for image in _spread(shown, most)}


@dataclass(frozen=True)
class _Kept:
    """Files of one image, by the method's folder, and the protocol that compared them."""

    protocol: str | None
    paths: dict[str, Path]


def _files(folder: Path) -> dict[str, _Kept]:
    """Files of each image under one protocol: the default one where it has the image, else the first.

    Earlier releases kept one file per image and method, without a folder for the protocol.
    """
    ends = {path.stem: {"input": path} for path in sorted(folder.glob("input/*.png"))}
    names = sorted({path.parent.parent.name for path in folder.glob("*/*/*.png")})
    names.sort(key=lambda name: name != protocols.default().name)
    found: dict[str, _Kept] = {}
    for name, pattern in [*((name, f"{name}/*/*.png") for name in names), (None, "*/*.png")]:
        here: dict[str, dict[str, Path]] = {}
        for path in sorted(folder.glob(pattern)):
            if path.parent.name != "truth-part":
                here.setdefault(path.stem, dict(ends.get(path.stem, {})))[path.parent.name] = path
        for image, paths in here.items():
            if set(paths) - set(ENDS):
                found.setdefault(image, _Kept(name, paths))
    return found


def place(shots: list[Shot]) -> tuple[int, int, int, int]:
    """Where to look: row, column, height and width of the crop with the most detail near the middle.

    Detail is sought in the truth, else in the last method's image, in the middle quarter of the frame, or
    the smaller part that some method has restored alone.
    """
    return _surveyed(*_reference(shots))[0]


def overview(shots: list[Shot]) -> Image.Image:
    """Return the whole frame that `place` looks at, small, with that place outlined."""
    (row, column, high, wide), small = _surveyed(*_reference(shots))
    marked = small.copy()
    scale = small.width / shots[-1].size[0]
    left, top, right, bottom = scale * column, scale * row, scale * (column + wide), scale * (row + high)
    drawing = ImageDraw.Draw(marked)
    # Black around white: one of them stands out from any image.
    drawing.rectangle([left - 2, top - 2, right + 2, bottom + 2], outline="black", width=5)
    drawing.rectangle([left, top, right, bottom], outline="white", width=2)
    return marked


def _reference(shots: list[Shot]) -> tuple[Shot, int, tuple[int, int]]:
    smallest = (min(shot.size[0] for shot in shots), min(shot.size[1] for shot in shots))
    return shots[-1], shots[-1].path.stat().st_mtime_ns, smallest


@lru_cache(maxsize=16)
def _surveyed(
    shot: Shot,
    changed: int,  # noqa: ARG001 - as in `_cut`
    smallest: tuple[int, int],
) -> tuple[tuple[int, int, int, int], Image.Image]:
    """Find the place and shrink the frame at once: a whole image is slow to read."""
    reference = shot.open()
    width, height = reference.size
    across_all, down_all = min(smallest[0], width // 2), min(smallest[1], height // 2)
    top, left = (height - down_all) // 2, (width - across_all) // 2
    side = min(CROP, down_all, across_all)
    step = max(1, side // 32)
    grey = np.asarray(reference.convert("L").reduce(step), dtype=float)
    across = side // step
    rows = range(
        top // step,
        max(top // step + 1, (top + down_all) // step - across),
        max(1, across // 4),
    )
    columns = range(
        left // step, max(left // step + 1, (left + across_all) // step - across), max(1, across // 4)
    )
    best = max(
        (_detail(grey[row : row + across, column : column + across]), -row, -column)
        for row in rows
        for column in columns
    )
    small = reference.reduce(max(1, max(width, height) // OVERVIEW))
    return (-best[1] * step, -best[2] * step, side, side), small


def cut(shot: Shot, frame: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    """Cut a crop out of a shot; an image of the middle alone lies in the middle of the frame."""
    return _cut(shot, shot.path.stat().st_mtime_ns, frame, box)


# Each crop is cut once: the figure and the page show the same ones, as they do after the next stage of a run.
@lru_cache(maxsize=128)
def _cut(
    shot: Shot,
    changed: int,  # noqa: ARG001 - a file that is written anew is cut anew
    frame: tuple[int, int],
    box: tuple[int, int, int, int],
) -> Image.Image:
    image = shot.pixels()
    height, width = image.shape[:2]
    top, left = (frame[0] - height) // 2, (frame[1] - width) // 2
    row, column = max(0, box[0] - top), max(0, box[1] - left)
    return Image.fromarray(image[row : row + box[2], column : column + box[3]].copy())


def whole(shot: Shot, frame: tuple[int, int], scale: int, qualities: tuple[int, ...]) -> tuple[str, ...]:
    """Return a whole shot, `scale` times smaller, as a JPEG data address of each quality.

    An image of the middle alone is set into a frame of full size, so that all shots lie on one another.
    """
    return _whole(shot, shot.path.stat().st_mtime_ns, frame, scale, qualities)


@lru_cache(maxsize=128)
def _whole(
    shot: Shot,
    changed: int,  # noqa: ARG001 - as in `_cut`
    frame: tuple[int, int],
    scale: int,
    qualities: tuple[int, ...],
) -> tuple[str, ...]:
    image, (height, width) = shot.open(), frame
    if image.size != (width, height):
        framed = Image.new("RGB", (width, height), SURROUND)
        framed.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        image = framed
    small = image if scale == 1 else image.reduce(scale)
    return tuple(as_jpeg(small, quality) for quality in qualities)


def side_by_side(work: Callable[[Shot], T], shots: Sequence[Shot]) -> Generator[T, None, None]:
    """Do something for each of several shots, in threads: reading and writing images keeps none waiting.

    What has not begun when the iterator is closed is left undone.
    """
    pool = ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1))
    try:
        yield from pool.map(work, shots)
    finally:
        pool.shutdown(cancel_futures=True)
        _pixels.cache_clear()


def as_jpeg(image: Image.Image, quality: int = 88) -> str:
    """Return an image as a JPEG data address.

    With the standard Huffman tables: tables of its own save 3 % and take three times as long.
    """
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _shots(image: str, here: _Kept, results: Results) -> list[Shot]:
    files = here.paths
    models = {model.replace(":", "-"): model for model in results.models}
    shots = [Shot("input", ENDS["input"], "", files["input"])] if "input" in files else []
    for model in published.ordered(models.get(name, name) for name in files if name not in ENDS):
        path = files[model.replace(":", "-")]
        shots.append(Shot(model, published.label(model), _score(image, model, results, here.protocol), path))
    return shots + ([Shot("truth", ENDS["truth"], "", files["truth"])] if "truth" in files else [])


def _score(image: str, model: str, results: Results, protocol: str | None) -> str:
    """PSNR / SSIM under the protocol that is shown; else under the default, or the only one."""
    found = [
        r
        for r in results.of("quality", model)
        if r.cell.image == image and r.status == "ok" and r.cell.dataset == results.dataset
    ]
    shown = [r for r in found if r.cell.protocol == (protocol or protocols.default().name)]
    if protocol is None:
        shown = shown or found
    scores = {(str(r.values["psnr"]), str(r.values["ssim"])) for r in shown}
    if len(scores) != 1:
        return ""
    psnr, ssim = (float(value) for value in scores.pop())
    return f"{psnr:.2f} dB / {ssim:.3f}"


def _spread(images: list[str], most: int) -> list[str]:
    """Return the first image of each scene, then the second ones, up to `most`."""
    seen: dict[str, int] = {}
    turns = []
    for image in images:
        seen[scene(image)] = seen.get(scene(image), 0) + 1
        turns.append((seen[scene(image)], image))
    return [image for _, image in sorted(turns)[:most]]


def _detail(window: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """How much there is to see: contrast between neighbours, clipped parts counted against it."""
    clipped = float(np.mean((window < 8) | (window > 247)))
    return float(np.abs(np.diff(window, axis=0)).mean() + np.abs(np.diff(window, axis=1)).mean()) * (
        1 - clipped
    )
