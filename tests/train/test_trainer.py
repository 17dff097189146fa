"""Training runs end to end, small: repeatable, killable, resumable, and honest about what went wrong."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from baselines.registry import create
from bench.cli import main
from bench.records.provenance import weights_facts
from bench.train import checkpoints, curve, rendered
from bench.train.learner import Diverged, Learner, psnr_8bit
from bench.train.options import Options
from bench.train.patches import Patch
from bench.train.session import Session, schedule
from bench.train.sources import data_of
from bench.train.starting import start_from
from bench.train.trainer import train, train_side_by_side
from llpacknet.errors import InputError
from llpacknet.loading import load_weights, sha256
from llpacknet.network import LLPackNet
from llpacknet.runtimes import processor

if TYPE_CHECKING:
    from bench.train.loading import PatchSource

STEPS, VALIDATE_EVERY = 16, 8


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _options(photos: Path, out: Path, **changes: Any) -> Options:
    plain = Options(
        "llpacknet",
        out,
        photos,
        steps=STEPS,
        batch=2,
        patch=32,
        seed=5,
        threads=1,
        workers=0,
        validate_every=VALIDATE_EVERY,
    )
    return replace(plain, **changes)


@pytest.fixture(scope="module")
def uninterrupted(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    train(_options(photos, out))
    return out


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a if key != "seconds")
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else bool(a == b)


def _same_run(a: Path, b: Path) -> bool:
    """Weights, averages, optimiser, step, best validation: all but the seconds."""
    return _same(checkpoints.read(a), checkpoints.read(b))


def test_the_same_seed_gives_the_same_weights_whoever_makes_the_patches(
    photos: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    before = set(psutil.Process().children())
    train(_options(photos, tmp_path / "workers", workers=2))
    assert set(psutil.Process().children()) <= before, "a worker that makes patches outlived the training"
    assert _same_run(uninterrupted, tmp_path / "workers")
    files = (out / "llpacknet.safetensors" for out in (uninterrupted, tmp_path / "workers"))
    assert len({sha256(file) for file in files}) == 1
    train(_options(photos, tmp_path / "other", seed=6, steps=2))
    assert not _same_run(uninterrupted, tmp_path / "other")


class _Interrupting:
    """Patches of a source; SIGTERM comes while those of a certain step are made."""

    def __init__(self, source: PatchSource, step: int) -> None:
        self.source, self.step = source, step

    def patch(self, step: int, index: int) -> Patch:
        if step == self.step and index == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return self.source.patch(step, index)


@pytest.mark.skipif(processor.lacks("bf16"), reason="needs a processor with bf16 instructions")
@pytest.mark.parametrize("name", ["llpacknet-2020", "sid-unet"])
def test_in_bf16_too_a_run_in_two_parts_ends_with_the_same_weights(
    photos: Path, tmp_path: Path, name: str
) -> None:
    """SID's U-Net is trained in the channels-last layout."""
    whole = _options(photos, tmp_path / "whole", name=name, precision="bf16", steps=8)
    parts = replace(whole, out=tmp_path / "parts", resume=True)
    train(whole)
    data = data_of(parts)
    with pytest.raises(KeyboardInterrupt):
        train(parts, replace(data, source=_Interrupting(data.source, 4)))
    train(parts)
    assert _same_run(tmp_path / "whole", tmp_path / "parts")


def test_bf16_is_refused_where_the_processor_lacks_it(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "_flags", lambda: frozenset({"avx2", "fma"}))
    with pytest.raises(InputError, match="no bf16 instructions"):
        train(_options(photos, tmp_path, precision="bf16"))


def test_a_folder_is_trained_in_by_one_process_alone(photos: Path, tmp_path: Path) -> None:
    options = _options(photos, tmp_path, steps=1)
    session = Session([options])
    with pytest.raises(InputError, match="another process is training there"):
        train(options)
    session.close()
    train(options)


def test_side_by_side_each_network_ends_as_it_would_alone(
    photos: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    """Also where one of them is some steps ahead of the others when they go on."""
    ahead = _options(photos, tmp_path / "ahead", name="red", resume=True)
    data = data_of(ahead)
    with pytest.raises(KeyboardInterrupt):
        train(ahead, replace(data, source=_Interrupting(data.source, 6)))
    train(_options(photos, tmp_path / "alone", name="red"))
    weights = train_side_by_side([_options(photos, tmp_path / "beside", resume=True), ahead])
    assert [each.name for each in weights] == ["llpacknet.safetensors", "red.safetensors"]
    assert _same_run(uninterrupted, tmp_path / "beside")
    assert _same_run(tmp_path / "alone", tmp_path / "ahead")
    assert "side by side with red." in weights[0].with_suffix(".md").read_text(encoding="utf-8")


def test_a_network_that_diverges_leaves_those_beside_it_alone(
    photos: Path, uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = Learner.settle

    def settled(learner: Learner) -> None:
        if learner.options.name == "red" and learner.step == 4:
            learner._outcome[0] = torch.nan
        settle(learner)

    monkeypatch.setattr(Learner, "settle", settled)
    runs = [_options(photos, tmp_path / name, name=name) for name in ("red", "llpacknet")]
    with pytest.raises(Diverged, match="red, step 4"):
        train_side_by_side(runs)
    assert _same_run(uninterrupted, tmp_path / "llpacknet")
    assert not (tmp_path / "red" / "red.safetensors").exists()


def _start(photos: Path, out: Path, *extra: str) -> subprocess.Popen[bytes]:
    arguments = ["train", "llpacknet", "--photos", str(photos), "--out", str(out), "--steps", str(STEPS)]
    arguments += ["--batch", "2", "--patch", "32", "--seed", "5", "--threads", "1", "--workers", "1"]
    arguments += ["--validate-every", str(VALIDATE_EVERY), "--checkpoint-every", "0", *extra]
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments], start_new_session=True, stderr=subprocess.PIPE
    )


def _wait_for_step(out: Path, step: int) -> None:
    for _ in range(24_000):
        saved = checkpoints.read(out)
        if saved is not None and saved["step"] >= step:
            return
        time.sleep(0.01)
    pytest.fail("the run did not get going")


def test_killed_at_a_random_step_and_resumed_it_ends_with_the_same_weights(
    photos: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = _start(photos, tmp_path)
    _wait_for_step(tmp_path, random.randrange(1, STEPS - 6))
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert not (tmp_path / "llpacknet.safetensors").exists()
    train(_options(photos, tmp_path, resume=True))
    assert _same_run(uninterrupted, tmp_path)
    weights, expected = (load_file(out / "llpacknet.safetensors") for out in (tmp_path, uninterrupted))
    assert _same(weights, expected)
    assert [row[:3] for row in curve.read(tmp_path)] == [row[:3] for row in curve.read(uninterrupted)]


def test_an_interrupt_of_the_whole_group_saves_the_step_it_had_reached(
    photos: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = _start(photos, tmp_path, "--checkpoint-every", "0.02")
    _wait_for_step(tmp_path, 1)
    os.killpg(run.pid, signal.SIGTERM)
    _, said = run.communicate()
    assert run.returncode == 130
    assert b"interrupted" in said
    assert b"Traceback" not in said
    train(_options(photos, tmp_path, resume=True))
    assert _same_run(uninterrupted, tmp_path)


def test_an_interrupted_run_leaves_the_best_weights_so_far_and_calls_them_unfinished(
    photos: Path, tmp_path: Path
) -> None:
    options = _options(photos, tmp_path, validate_every=2)
    data = data_of(options)

    with pytest.raises(KeyboardInterrupt):
        train(options, replace(data, source=_Interrupting(data.source, 4)))
    weights = tmp_path / "llpacknet.safetensors"
    assert weights_facts(weights)["weights_unfinished"] is True
    assert "cut short" in weights.with_suffix(".md").read_text(encoding="utf-8")
    saved = checkpoints.read(tmp_path)
    assert saved is not None
    assert saved["step"] == 5
    assert _same(load_file(weights), saved["best_weights"])
    train(replace(options, resume=True, steps=6))
    assert "weights_unfinished" not in weights_facts(weights)
    train(replace(options, resume=True, steps=6, unfinished=True))
    assert weights_facts(weights)["weights_unfinished"] is True


def test_procedural_scenes_join_the_photographs(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendered, "SIZE", (112, 160))
    (image,) = rendered.images(1, (112, 160))
    assert image.shape == (112, 160, 3)
    assert image.dtype == np.uint8
    linear = np.where(image < 21, image / 255 / 4.5, ((image / 255 + 0.0993) / 1.0993) ** 2.222)
    assert linear.mean() == pytest.approx(rendered.MEAN, rel=0.02)
    plain, joined = (data_of(_options(photos, tmp_path, scenes=scenes)) for scenes in (0, 1))
    assert any(
        not np.array_equal(plain.source.patch(0, index).truth, joined.source.patch(0, index).truth)
        for index in range(8)
    )
    with pytest.raises(InputError, match="--scenes only works with --photos"):
        train(replace(_options(photos, tmp_path), photos=None, dataset=tmp_path, scenes=1))


def test_a_run_starts_from_given_weights_and_names_them(
    photos: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    """At a learning rate of nearly nothing it ends with what it was given."""
    given = uninterrupted / "llpacknet.safetensors"
    options = _options(photos, tmp_path, init=given, steps=2, lr=1e-12)
    train(options)
    weights, expected = load_file(tmp_path / "llpacknet.safetensors"), load_file(given)
    assert all(torch.allclose(value, expected[name], atol=1e-6) for name, value in weights.items())
    card = json.loads((tmp_path / "llpacknet.json").read_text(encoding="utf-8"))
    assert card["training"]["init"] == "llpacknet.safetensors"
    assert card["training"]["init_sha256"] == sha256(given)
    said = (tmp_path / "llpacknet.md").read_text(encoding="utf-8")
    assert f"from the weights in `llpacknet.safetensors` on ({sha256(given)[:16]}…)" in said
    with pytest.raises(InputError, match="init was llpacknet"):
        train(replace(options, init=None, resume=True))


def test_a_variant_starts_from_the_trunk_of_another(uninterrupted: Path) -> None:
    """Weight-norm is fused where there is none, and the amplifier that the file lacks stays as it was."""
    given = uninterrupted / "llpacknet.safetensors"
    network = LLPackNet("2020-conv").eval()
    before = {name: value.clone() for name, value in network.amplifier.state_dict().items()}
    assert start_from(network, given) == ("amplifier",)
    assert all(torch.equal(value, before[name]) for name, value in network.amplifier.state_dict().items())
    trunk = LLPackNet("2022", final="none").eval()  # the variants differ in that, too
    load_weights(trunk, given)
    mosaic = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        gain = network.gain(mosaic).reshape(1, 1, 1, 1)
        difference = (network(mosaic) - trunk(mosaic * gain).clamp(0, 1)).abs().max()
    assert difference < 1e-6
    with pytest.raises(InputError, match="none of this network's layers"):
        start_from(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1)), given)


def test_a_run_resumed_for_fewer_steps_before_it_was_ever_validated_ships_a_score(
    photos: Path, tmp_path: Path
) -> None:
    options = _options(photos, tmp_path)
    data = data_of(options)
    with pytest.raises(KeyboardInterrupt):
        train(options, replace(data, source=_Interrupting(data.source, 3)))
    assert not (tmp_path / "llpacknet.safetensors").exists()
    weights = train(replace(options, resume=True, steps=2))
    card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["training"]["steps"] == 4
    assert np.isfinite(card["training"]["validation_psnr"])
    saved = checkpoints.read(tmp_path)
    assert saved is not None
    assert _same(load_file(weights), {name: value.half() for name, value in saved["average"].items()})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("loss", ["l1", "l1+ms-ssim", "2020"])
@pytest.mark.parametrize("name", ["llpacknet", "llpacknet-2020", "sid-unet+amplifier"])
def test_a_replayed_step_learns_what_a_launched_one_does(
    photos: Path, tmp_path: Path, loss: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a run without a recording goes on with one."""
    monkeypatch.setattr("bench.train.session.LOG_EVERY", 1)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    side = 176 if loss == "l1+ms-ssim" else 32
    for file in ("china.png", "flower.png"):
        image = Image.open(photos / file).resize((400, 280))
        image.save(tmp_path / file)
    (tmp_path / "photographs.csv").write_bytes((photos / "photographs.csv").read_bytes())
    options = _options(tmp_path, tmp_path / "graph", name=name, loss=loss, device="cuda", patch=side, steps=8)
    train(options)
    train(replace(options, out=tmp_path / "launched", graph=False))
    train(replace(options, out=tmp_path / "both", graph=False, steps=3))
    train(replace(options, out=tmp_path / "both", resume=True))
    replayed, launched, both = (
        [row[1] for row in curve.read(tmp_path / run)] for run in ("graph", "launched", "both")
    )
    assert replayed == pytest.approx(launched, rel=1e-3)
    assert both[3:] == pytest.approx(launched[3:], rel=5e-2)  # their schedules differ for three steps


def test_a_run_that_diverges_stops_and_keeps_the_last_good_checkpoint(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="step"):
        train(_options(photos, tmp_path, lr=1e38, checkpoint_every_s=0.0, loss="2020"))
    saved = checkpoints.read(tmp_path)
    assert saved is not None
    assert all(torch.isfinite(value).all() for value in saved["network"].values())


def test_not_a_number_in_the_data_stops_before_it_reaches_the_weights(photos: Path, tmp_path: Path) -> None:
    class Poisoned:
        def patch(self, step: int, index: int) -> Patch:
            value = np.nan if step == 3 else 0.5
            return Patch(
                np.full((1, 32, 32), 0.001, np.float32), np.full((3, 32, 32), value, np.float32), 100
            )

    options = _options(photos, tmp_path, checkpoint_every_s=0.0)
    with pytest.raises(Diverged, match="step 3"):
        train(options, replace(data_of(options), source=Poisoned()))
    saved = checkpoints.read(tmp_path)
    assert saved is not None
    assert saved["step"] == 3


def test_the_weights_are_the_averages_in_half_precision_and_load_into_the_network(
    uninterrupted: Path,
) -> None:
    network = create("llpacknet", uninterrupted / "llpacknet.safetensors")
    saved = checkpoints.read(uninterrupted)
    assert saved is not None
    assert (uninterrupted / "llpacknet.safetensors").stat().st_size < 2.5e6
    for name, value in network.state_dict().items():
        assert torch.equal(value.half(), saved["best_weights"][name])


def test_the_card_says_on_what_how_long_and_with_what_result(uninterrupted: Path) -> None:
    card = json.loads((uninterrupted / "llpacknet.json").read_text(encoding="utf-8"))
    assert card["photographs"] == [
        {
            "file": "china.png",
            "author": "danielbuechele",
            "licence": "CC-BY-2.0",
            "package": "scikit-learn",
            "path": "",
        }
    ]
    assert card["training"]["steps"] == STEPS
    assert card["training"]["seed"] == 5
    assert card["training"]["parameters"] == 1_170_640
    assert card["training"]["validation_psnr"] == pytest.approx(
        max(row[4] for row in curve.read(uninterrupted) if row[4] is not None), abs=1e-3
    )
    text = (uninterrupted / "llpacknet.md").read_text(encoding="utf-8")
    assert "danielbuechele" in text
    assert card["weights_sha256"] in text
    assert (uninterrupted / "curve.png").stat().st_size > 1000


def test_a_folder_with_a_run_is_refused_without_resume_and_with_another_recipe(
    photos: Path, uninterrupted: Path
) -> None:
    with pytest.raises(InputError, match="--resume"):
        train(_options(photos, uninterrupted))
    with pytest.raises(InputError, match="seed was 5"):
        train(_options(photos, uninterrupted, seed=6, resume=True))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"photos": None}, "--photos"),
        ({"name": "lime"}, "not a learned"),
        ({"name": "nowhere:nothing"}, "start in the folder that holds it"),
        ({"name": "unheard-of"}, "no method"),
        ({"patch": 50}, "multiple of 16"),
        ({"init": Path("nowhere.safetensors")}, "no weights file"),
    ],
)
def test_unusable_options_are_refused(
    photos: Path, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        train(replace(_options(photos, tmp_path), **changes))


@pytest.mark.parametrize("photographs", [None, 0, 1])
def test_a_training_without_photographs_leaves_nothing_behind(
    photographs: int | None, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if photographs is not None:
        (tmp_path / "few").mkdir()
        for path in sorted(photos.glob("*.png"))[:photographs]:
            shutil.copy(path, tmp_path / "few")
    before = sorted(tmp_path.rglob("*"))
    assert main(["train", "llpacknet", "--photos", "few"]) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_several_processes_train_on_the_same_batches_as_one(photos: Path, tmp_path: Path) -> None:
    """Their gradients are averaged in another order, so the weights agree to rounding, not bit for bit."""
    train(_options(photos, tmp_path / "one", steps=3))
    arguments = ["--steps", "3", "--batch", "2", "--patch", "32", "--seed", "5", "--workers", "0"]
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
            *("-m", "bench", "train", "llpacknet", "--photos", str(photos), "--out", str(tmp_path / "two")),
            *arguments,
        ],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    one, two = checkpoints.read(tmp_path / "one"), checkpoints.read(tmp_path / "two")
    assert one is not None
    assert two is not None
    for name, value in one["network"].items():
        assert torch.allclose(value, two["network"][name], atol=1e-5)


def test_the_learning_rate_warms_up_and_falls_to_a_hundredth() -> None:
    assert schedule(0.0, 0) == pytest.approx(1 / 500)
    assert schedule(0.0, 499) == pytest.approx(1.0)
    assert schedule(0.5, 10_000) == pytest.approx(0.505)
    assert schedule(1.0, 20_000) == pytest.approx(0.01)


def test_validation_scores_the_truncated_image() -> None:
    """254.9 of 255 is truncated to 254: one step of 255 everywhere is 48.13 dB."""
    truth = torch.ones(1, 3, 4, 4)
    assert psnr_8bit(truth * (254.9 / 255), truth) == pytest.approx(20 * np.log10(255), abs=1e-4)


def test_a_bad_photograph_is_named_and_not_credited_and_the_others_are_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One to train on and one to validate on, in names that are no text; the exit status tells."""
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    rng = np.random.default_rng(3)
    names = [os.fsdecode(b"caf\xe9.png"), *(f"d{number}.png" for number in range(12))]
    for name in names:
        Image.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)).save(photos / name)
    bad = sorted(names)[2], sorted(names)[5]
    for name in bad:
        (photos / name).write_bytes((photos / name).read_bytes()[:200])
    arguments = ["--photos", str(photos), "--out", str(out), "--steps", "2", "--patch", "32", "--batch", "1"]
    assert main(["train", "red", *arguments, "--workers", "0", "--threads", "1"]) == 1
    said = capsys.readouterr().err
    assert said.count("llbench: skipped: ") == 2
    assert all(name in said for name in bad)
    card = json.loads((out / "red.json").read_text(encoding="utf-8"))
    credited = {one["file"] for one in card["photographs"]}
    assert names[0] in credited
    assert not credited & set(bad)


def test_too_few_photographs_say_how_many_it_takes(photos: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    images = sorted(path for path in photos.iterdir() if path.suffix != ".csv")
    for number in range(5):
        (few / f"{number}{images[0].suffix}").write_bytes(images[0].read_bytes())
    with pytest.raises(InputError, match=r"has 5 to train on.*at least 6"):
        train(_options(few, tmp_path / "out", steps=1))
