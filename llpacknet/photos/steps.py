"""The steps of restoring one photograph: read, restore, write; each says how long it took."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from llpacknet.errors import InputError, cause
from llpacknet.photos import capture, images
from llpacknet.photos.colour import Difference, black, difference
from llpacknet.raw.black import with_own_black
from llpacknet.raw.read import frame_of, open_raw

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from PIL import Image

    from llpacknet.photos.images import Kind
    from llpacknet.raw.black import Drift
    from llpacknet.raw.frame import RawFrame
    from llpacknet.restoring import Placed, Restored, Restorer

# Mean level, as a share of white, of the brightest of the 93 first frames of SID's test part.
BRIGHTEST_DARK = 27.536 / 15871
# Mean level, likewise, of a photograph that is neither dark nor bright.
MID_LEVEL = 0.13


@dataclass(frozen=True)
class Task:
    """One photograph to restore, and its image's file.

    Attributes:
        source: the raw file.
        target: the image's.
        kind: the image's format.
        ev: by how many stops to make it brighter than its gain does.
        own_black: whether black is estimated in the frame (`llpacknet.raw.black`) instead of the file's.
    """

    source: Path
    target: Path
    kind: Kind
    ev: float = 0.0
    own_black: bool = False


@dataclass(frozen=True)
class Steps:
    """Seconds that the steps of a photograph took; several photographs' may overlap.

    Attributes:
        reading: decoding the raw file, normalising, finding the gain; 0 if the file was read before.
        network: the network, and rounding to whole levels.
        writing: encoding the image and writing its file.
        comparing: comparing its colours with LibRaw's rendering.
        waited_for_file: time that the network's thread waited for the file to be read.
        waited_for_disk: time that the network's thread waited for this image to be written.
    """

    reading: float = 0.0
    network: float = 0.0
    writing: float = 0.0
    comparing: float = 0.0
    waited_for_file: float = 0.0
    waited_for_disk: float = 0.0


@dataclass(frozen=True)
class Done:
    """The outcome for one photograph.

    Attributes:
        task: which.
        reason: why there is no image; None if it was written.
        gain: the gain behind it; None if the network does not report it.
        difference: how far its colours are from rawpy's rendering; None if they were not compared.
        seconds: since the photograph before it was finished.
        notes: what the file leaves open, or asks for without effect, and that it is not a dark raw.
        steps: where its time went.
    """

    task: Task
    reason: str | None = None
    gain: float | None = None
    difference: Difference | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    steps: Steps = Steps()


@dataclass(frozen=True)
class Read:
    """A photograph that was read.

    Attributes:
        frame: the raw frame.
        exif: facts about the photograph.
        placed: the frame prepared for the network.
        notes: see `Done`.
        seconds: how long that took.
    """

    frame: RawFrame
    exif: Image.Exif
    placed: Placed
    notes: tuple[str, ...]
    seconds: float


def read(task: Task, restorer: Future[Restorer]) -> Read:
    """Read a photograph and prepare it for a network, which may still be being built.

    Raises:
        InputError: a file or gain that cannot be used.
    """
    start = time.perf_counter()
    with open_raw(task.source) as raw:
        frame = frame_of(raw, task.source)
        exif = capture.read(task.source, raw)
    notes = frame.notes
    level = _level(frame)
    if task.own_black:
        frame, drift = with_own_black(frame)
        notes += (_told(drift),)
    mosaic = frame.normalised()  # what nearly every network is given, while the first one is being built
    decoded = time.perf_counter()
    built = restorer.result()
    waited = time.perf_counter() - decoded
    notes += _bright(level, built)
    placed = built.place(frame, mosaic=mosaic)
    return Read(frame, exif, placed, notes, time.perf_counter() - start - waited)


def run(task: Task, read: Read, restorer: Restorer) -> Restored | str:
    """Run the network on a photograph that was read; says what went wrong if there is no image."""
    try:
        placed = restorer.place(read.frame, task.ev) if task.ev else read.placed
        restored = restorer.run(placed, images.BITS[task.kind])
    except InputError as error:
        return f"{task.source}: {error}"
    # A user's own network raises what it likes; the other photographs are to be restored.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return f"{task.source} could not be restored: {cause(error)}"
    # A denoised raw keeps what a rendering is too dark to show.
    if (task.kind == "dng" and restored.raw is not None) or not black(restored.image):
        return restored
    return f"{task.source}: {_blackened(restored, amplifies=not restorer.needs_gain)}"


def _blackened(restored: Restored, *, amplifies: bool) -> str:
    """Say why an image is black, as far as the gain tells, and what would make it visible."""
    brightest = restored.image.max() / np.iinfo(restored.image.dtype).max
    said = f"the image is black (its brightest value is {brightest:.1%} of white)"
    gain = "" if restored.gain is None else f" at gain {restored.gain:.4g}"
    if amplifies:
        return f"{said}{gain}, which the network finds itself: choose a --model that takes --gain"
    return f"{said}{gain}: give a larger --gain, or another --model"


def write(task: Task, read: Read, restored: Restored, steps: Steps = Steps()) -> Done:
    """Write an image and compare its colours with LibRaw's rendering; `steps` are those before."""
    start = time.perf_counter()
    try:
        images.write(task.target, restored.image, task.kind, read.exif, read.frame, restored.raw)
    except InputError as error:
        return Done(task, str(error))
    except Exception as error:  # noqa: BLE001 -- as above
        return Done(task, f"{task.target} could not be written: {cause(error)}")
    written = time.perf_counter()
    own = np.rot90(restored.image, -read.placed.turns)
    apart, notes = None, read.notes
    try:
        apart = None if restored.gain is None else difference(read.frame, restored.gain, own)
    except Exception as error:  # noqa: BLE001 -- the image is there all the same
        notes += (f"could not be compared with LibRaw's rendering: {cause(error)}",)
    steps = replace(steps, writing=written - start, comparing=time.perf_counter() - written)
    return Done(task, None, restored.gain, apart, notes=notes, steps=steps)


def _told(drift: Drift) -> str:
    if drift.dn is None:
        return "has light even in its darkest parts: its stated black level is kept"
    return f"has a black level {drift.dn:+.2f} off the stated one, by its {drift.source}: corrected"


def _bright(level: float, restorer: Restorer) -> tuple[str, ...]:
    """Say what to expect of a frame that is brighter than any that such networks are made for."""
    if level <= BRIGHTEST_DARK:
        return ()
    most = f"in SID's test set at most {BRIGHTEST_DARK:.2%}"
    said = f"is not a dark raw: its mean level is {level:.2%} of white, {most}: expect wrong colours"
    if restorer.given is not None:
        return (f"{said}; an ordinary raw developer serves it better",)
    advice = "use an ordinary raw developer"
    if restorer.needs_gain:
        gain = max(MID_LEVEL / level, 1)
        advice += f", or give a --gain of about {gain:.0f} with --overwrite or another -o"
    return (f"{said} and overexposed parts; {advice}",)


def _level(frame: RawFrame) -> float:
    """Mean level, as a share of white."""
    means = np.array([frame.mosaic[row::2, column::2].mean() for row in (0, 1) for column in (0, 1)])
    return float(np.mean((means - frame.black) / (frame.white - frame.black)))
