"""Patches of a real data set: crops, mirrored and turned, in phase and in register with their truth."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.data.making import camera
from bench.train.frames import Frames
from llpacknet.errors import InputError
from llpacknet.raw.dng import write_dng

if TYPE_CHECKING:
    from pathlib import Path

WB = (2.0, 1.0, 2.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One training and one validation scene: reddish light in blurred patches, ratio 100, no noise."""
    root = tmp_path_factory.mktemp("sid")
    (root / "short").mkdir()
    (root / "long").mkdir()
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.uniform(0.1, 0.9, (12, 16)), np.ones((8, 8)))
    light = blocks[..., None] * np.float32([1.0, 0.5, 0.2]) / np.float32(WB)
    mosaic = camera.mosaic(light.astype(np.float32))
    for scene in ("00001", "20001"):
        long = camera.expose_clean(mosaic)
        long[0, 0] = camera.WHITE
        write_dng(root / "long" / f"{scene}_00_10s.dng", long, white_balance=WB)
        write_dng(
            root / "short" / f"{scene}_00_0.1s.dng", camera.expose_clean(mosaic, ratio=100), white_balance=WB
        )
    return root


def test_every_orientation_stays_in_phase_and_in_register(folder: Path, tmp_path: Path) -> None:
    frames = Frames(folder, tmp_path, 48, seed=0, subset="training")
    for index in range(24):
        patch = frames.patch(0, index)
        assert patch.ratio == 100
        assert patch.truth.shape == (3, 48, 48)
        planes = [patch.mosaic[0, row::2, column::2] for row, column in ((0, 0), (0, 1), (1, 0), (1, 1))]
        red, green_1, green_2, blue = (float(plane.mean()) for plane in planes)
        assert red == pytest.approx(green_1, rel=0.1)  # light 1 : 0.5 : 0.2 over white balance 2 : 1 : 2.5
        assert green_1 == pytest.approx(green_2, rel=0.1)
        assert blue < 0.3 * green_1
        seen = np.mean(planes, axis=0)
        shown = patch.truth.mean(0).reshape(24, 2, 24, 2).mean((1, 3))
        assert np.corrcoef(seen.ravel(), shown.ravel())[0, 1] > 0.9


def test_the_short_exposure_is_normalised_as_the_protocols_say(folder: Path, tmp_path: Path) -> None:
    patch = Frames(folder, tmp_path, 32, seed=0, subset="validation").patch(0, 0)
    numbers = patch.mosaic * camera.SPAN
    assert np.abs(numbers - np.rint(numbers)).max() < 1e-3
    assert numbers.max() <= np.rint(0.5 * camera.SPAN / 100)


def test_decoded_frames_are_kept_and_used_again(folder: Path, tmp_path: Path) -> None:
    first = Frames(folder, tmp_path, 32, seed=0, subset="training").patch(3, 1)
    assert {path.name for path in tmp_path.iterdir()} == {
        "00001_00_0.1s.dng.npy",
        "00001_00_0.1s.dng.json",
        "00001_00_10s.dng.npy",
    }
    again = Frames(folder, tmp_path, 32, seed=0, subset="training").patch(3, 1)
    assert np.array_equal(first.mosaic, again.mosaic)
    assert np.array_equal(first.truth, again.truth)


def test_test_scenes_are_never_trained_on(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "sid"
    for kind in ("short", "long"):
        (root / kind).mkdir(parents=True)
        for path in (folder / kind).glob("00001*"):
            (root / kind / path.name.replace("00001", "10001")).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="never trained on"):
        Frames(root, tmp_path / "store", 32, seed=0, subset="training")


def test_a_pair_that_cannot_be_used_is_told_and_replaced_alike_by_every_process(
    folder: Path, tmp_path: Path
) -> None:
    """Cut short, or of another size than its truth: the patches are the others', whoever found it first."""
    root = tmp_path / "set"
    shutil.copytree(folder, root)
    for scene in ("00002", "00003"):
        for path in (*folder.glob("*/00001*"),):
            shutil.copy(path, root / path.parent.name / path.name.replace("00001", scene))
    short = root / "short" / "00002_00_0.1s.dng"
    short.write_bytes(short.read_bytes()[:-2000])
    write_dng(root / "long" / "00003_00_10s.dng", np.full((64, 96), 700, np.uint16))
    first, second = (Frames(root, tmp_path / name, 32, seed=1, subset="training") for name in "ab")
    patches = [first.patch(step, 0) for step in range(12)]
    again = [second.patch(step, 0) for step in reversed(range(12))][::-1]
    for one, other in zip(patches, again, strict=True):
        assert np.array_equal(one.mosaic, other.mosaic)
    said = first.unusable()
    assert len(said) == 2
    assert "00002_00_0.1s.dng" in said[0]
    assert "differ in size" in said[1]
    assert said == second.unusable()
