"""The experiment on UnPack: what its arms are, small trainings of some, and how their results are judged."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.judge.arms import difference
from bench.judge.trainings import Training
from bench.train import checkpoints
from benchmarks.unpack import darkness, judging, running, showing
from benchmarks.unpack.__main__ import command
from benchmarks.unpack.arms import ARMS, QUESTIONS
from benchmarks.unpack.running import Outcome, Setting
from llpacknet.errors import InputError
from llpacknet.packing import unpack

SETTING = Setting(steps=4, patch=32, validate_every=2, validation_patches=2, validation_size=32)
BY_NAME = {arm.name: arm for arm in ARMS}
FILES = {"unpack.md", "arms.csv", "differences.csv", "unpack.png", "unpack.svg"}


def test_the_two_arms_of_a_question_differ_in_what_it_says():
    def differing(question):
        changed, base = BY_NAME[question.changed], BY_NAME[question.base]
        fields = ("upsampler", "batch", "weight_norm", "final")
        return {name for name in fields if getattr(changed, name) != getattr(base, name)}

    for question in QUESTIONS[:5]:
        assert differing(question) == {"upsampler"}
    assert [differing(question) for question in QUESTIONS[5:]] == [
        {"weight_norm"},
        {"final"},
        {"weight_norm", "final"},
    ]


def test_the_arms_of_a_seed_start_from_the_same_draws():
    def drawn(name):
        torch.manual_seed(7)
        return BY_NAME[name].network().state_dict()

    first = drawn("unpack")
    for name in ("unpack-old", "pixelshuffle", "unpack-relu"):
        other = drawn(name)
        assert first.keys() == other.keys()
        assert all(torch.equal(value, other[key]) for key, value in first.items())


def test_pixelshuffle_with_its_filters_permuted_is_unpack():
    """Why the two can only differ in where training starts: the same functions, other channel order."""
    torch.manual_seed(0)
    one, other = BY_NAME["unpack-as-2020"].network(), BY_NAME["pixelshuffle-as-2020-single"].network()
    other.load_state_dict(one.state_dict())
    order = unpack(torch.arange(192.0).view(1, 192, 1, 1), 8).view(3, 64).long().flatten()
    other.out.weight.data = one.out.weight.data[order]
    other.out.bias.data = one.out.bias.data[order]
    mosaic = torch.rand(2, 1, 64, 48)
    with torch.no_grad():
        assert torch.allclose(one(mosaic), other(mosaic), atol=1e-6)


@pytest.fixture(scope="module")
def results(photos, tmp_path_factory):
    """Two seeds of three arms, trained for four steps."""
    out = tmp_path_factory.mktemp("unpack")
    arms = [BY_NAME[name] for name in ("unpack-single", "unpack-old-single", "unpack", "pixelshuffle")]
    before = torch.get_num_threads()
    list(running.run(SETTING, photos, out, out / "unfinished", arms, range(2), threads=1, workers=0))
    torch.set_num_threads(before)
    return out


def test_at_batch_one_the_old_form_is_the_same_training(results):
    outcomes, setting = running.read_all(results)
    assert setting == SETTING
    assert len(outcomes) == 8
    found = {(each.arm, each.seed): each for each in outcomes}
    for seed in (0, 1):
        assert found["unpack-single", seed].weights_sha256 == found["unpack-old-single", seed].weights_sha256
        assert found["unpack", seed].weights_sha256 != found["pixelshuffle", seed].weights_sha256
    (difference,) = [
        each for each in judging.differences(outcomes) if each.question.changed == "unpack-old-single"
    ]
    assert difference.verdict == "the same training"
    assert difference.by_seed == {0: 0, 1: 0}


def test_what_is_done_is_not_trained_again(results, photos):
    path = running.result_path(results, "unpack", 1)
    before = path.stat().st_mtime_ns
    (again,) = running.run(SETTING, photos, results, results / "unfinished", [BY_NAME["unpack"]], [1])
    assert path.stat().st_mtime_ns == before
    assert again == running.read(path, SETTING)
    assert list((results / "unfinished").iterdir()) == []
    with pytest.raises(InputError, match="other settings"):
        list(
            running.run(
                replace(SETTING, steps=5), photos, results, results / "work", [BY_NAME["unpack"]], [1]
            )
        )


def test_killed_and_started_again_it_ends_with_the_same_results(results, photos, tmp_path):
    code = (
        "import sys; from pathlib import Path; from benchmarks.unpack import running; "
        "from benchmarks.unpack.arms import ARMS; running.CHECKPOINT_EVERY_S = 0; "
        f"setting = running.Setting(**{SETTING.__dict__!r}); out = Path(sys.argv[1]); "
        "list(running.run(setting, Path(sys.argv[2]), out, out / 'work', ARMS[:1], range(2), workers=0))"
    )
    trial = [sys.executable, "-c", code, str(tmp_path), str(photos)]
    run = subprocess.Popen(trial, start_new_session=True)
    for _ in range(24_000):
        saved = checkpoints.read(tmp_path / "work" / "unpack.seed-1")
        if saved is not None and saved["step"] >= 1:
            break
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    subprocess.run(trial, check=True)
    for seed in (0, 1):
        whole, resumed = (
            running.read(running.result_path(out, "unpack", seed)) for out in (results, tmp_path)
        )
        assert replace(resumed, seconds=whole.seconds) == whole


def test_the_command_shows_what_is_there_and_the_bytes_are_the_same_each_time(results, tmp_path):
    for path in (results / "runs").iterdir():
        (tmp_path / "runs").mkdir(exist_ok=True)
        (tmp_path / "runs" / path.name).write_bytes(path.read_bytes())
    once = [sys.executable, "-m", "benchmarks.unpack", "--out", str(tmp_path)]
    said = subprocess.run(once, check=True, capture_output=True, text=True).stdout
    assert "the same training" in said
    assert "8 trainings" in said
    first = {name: (tmp_path / name).read_bytes() for name in FILES}
    command.main(["--out", str(tmp_path)], standalone_mode=False)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == first
    rows = list(csv.DictReader((tmp_path / "arms.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["arm"] for row in rows[:4]] == ["unpack", "unpack", "pixelshuffle", "pixelshuffle"]
    outcome = running.read(running.result_path(tmp_path, "unpack", 0))
    assert float(rows[0]["validation_psnr_db"]) == pytest.approx(outcome.psnr, abs=1e-4)


@pytest.mark.parametrize(
    ("extra", "said"),
    [(["--photos", "nowhere"], "there is no folder"), ([], "contains no results")],
)
def test_unusable_input_is_one_line(tmp_path, capsys, extra, said):
    with pytest.raises(SystemExit) as ended:
        command.main(["--out", str(tmp_path), *extra], standalone_mode=False)
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert len(printed.splitlines()) == 1


def test_a_damaged_result_is_named(results, tmp_path):
    (tmp_path / "runs").mkdir()
    whole = json.loads(running.result_path(results, "unpack", 0).read_text(encoding="utf-8"))
    path = tmp_path / "runs" / "unpack.seed-0.json"
    for damaged in ("{", json.dumps({**whole, "curve": []}), json.dumps({**whole, "curve": 3})):
        path.write_text(damaged, encoding="utf-8")
        with pytest.raises(InputError, match="not a result of this experiment"):
            running.read_all(tmp_path)


def test_a_block_is_left_dark_that_the_truth_shows_four_times_as_bright():
    truth = torch.full((1, 3, 64, 64), 0.4)
    truth[..., :16] = 0.05  # too dark in the truth itself to count
    restored = truth.clone()
    assert darkness.dark_share(restored, truth) == 0
    restored[..., 16:32] = 0.09
    restored[..., :32, 32:48] = 0.11  # a little more than a quarter
    assert darkness.dark_share(restored, truth) == pytest.approx(1 / 3)
    assert darkness.dark_share(restored, torch.zeros_like(truth)) is None


def test_a_training_keeps_how_much_of_the_validation_images_it_leaves_dark(results):
    kept = running.read(running.result_path(results, "unpack", 0)).dark
    assert kept is None or 0 <= kept <= 1
    file = running.result_path(results, "unpack", 0)
    assert json.loads(file.read_text(encoding="utf-8"))["dark"] == kept


def _outcome(arm, seed, psnr, diverged=None):
    return Outcome(arm, seed, ((100, 0.1, psnr),), f"{arm}{seed}", diverged)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ((-1.4, -1.5, -1.3), "worse"),
        ((1.4, 1.45, 1.41), "better"),
        ((0.3, 0.35, 0.31), "no difference beyond the seeds'"),
        ((-0.4, 0.5, 0.1), "no difference beyond the seeds'"),
        ((-3.0,), "too few seeds"),
    ],
)
def test_differences_are_paired_by_seed_and_judged_by_their_interval(changes, verdict):
    base = (24.0, 31.0, 27.5)
    outcomes = [_outcome("unpack", seed, psnr) for seed, psnr in enumerate(base)]
    outcomes += [_outcome("pixelshuffle", seed, base[seed] + change) for seed, change in enumerate(changes)]
    (found,) = judging.differences(outcomes)
    assert found.question.changed == "pixelshuffle"
    assert list(found.by_seed.values()) == pytest.approx(changes)
    assert found.verdict == verdict
    assert found.estimate.value == pytest.approx(np.mean(changes))


def test_the_table_and_the_verdict_have_the_same_interval_of_the_same_kind():
    for changes in ((-1.0, -1.1, -0.9), (3.0, -4.0, 0.2), (0.1, 0.2, 0.3, 0.4, 0.5)):
        outcomes = [_outcome("unpack", seed, 24.0) for seed in range(len(changes))]
        outcomes += [_outcome("pixelshuffle", seed, 24.0 + change) for seed, change in enumerate(changes)]
        (shown,) = judging.differences(outcomes)
        trainings = [Training(one.arm, one.seed, one.weights_sha256, one.psnr, {}) for one in outcomes]
        assert difference(trainings, "pixelshuffle", "unpack").estimate == shown.estimate


def test_a_training_that_diverged_has_no_figure_and_is_counted(tmp_path):
    outcomes = [_outcome("unpack", 0, 24.0), _outcome("unpack", 1, 25.0), _outcome("unpack-old", 0, 20.0)]
    outcomes.append(_outcome("unpack-old", 1, 3.0, diverged="step 7: loss nan"))
    (found,) = judging.differences(outcomes)
    assert found.by_seed == {0: -4.0}
    assert found.diverged == (1,)
    showing.write(tmp_path, outcomes, SETTING)
    row = next(
        line for line in (tmp_path / "unpack.md").read_text(encoding="utf-8").splitlines() if "old" in line
    )
    assert row == "| UnPack, old form | 4 | yes | sigmoid | 2 | 20.00 | 1 |"
