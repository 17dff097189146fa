"""A plan of trainings: its file, the choice of rates, and that it goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from baselines.registry import names, spec, weights_path
from bench.cli import main
from bench.train import weights_plan
from bench.train.weights_plan import Place, Row, Terms, WeightsPlan, carry_out, read
from llpacknet.errors import InputError

PLAN = """
[terms]
name = "small"
patches = 8
patch = 32
batch = 2
loss = "l1"
rates = [1e-5, 1e-3, 1e38]
trial_patches = 6
amplifier_lr = 1e-3
restarts = 1

[[row]]
networks = ["llpacknet", "red"]
seeds = [0, 1]
"""

SHIPPED = Path(__file__).parents[2] / "benchmarks" / "weights.toml"


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def _place(photos: Path, out: Path) -> Place:
    return Place(photos, out, precision="fp32", threads=1, workers=0)


@pytest.fixture(scope="module")
def finished(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plan")
    (out / "plan.toml").write_text(PLAN, encoding="utf-8")
    weights = carry_out(read(out / "plan.toml"), _place(photos, out / "runs"))
    assert len(weights) == 4
    return out / "runs"


def test_each_network_gets_the_rate_that_validated_best_and_its_card_says_how(finished: Path) -> None:
    for name in ("llpacknet", "red"):
        chosen = json.loads((finished / name / "rate.json").read_text(encoding="utf-8"))
        reached = {rate: score for rate, score in chosen["scores"].items() if score is not None}
        assert float(max(reached, key=lambda rate: reached[rate])) == chosen["rate"]
        for seed in (0, 1):
            path = finished / name / f"seed-{seed}" / f"{name}.json"
            card = json.loads(path.read_text(encoding="utf-8"))
            assert card["terms"] == "small"
            assert card["training"]["lr"] == chosen["rate"]
            assert card["training"]["rate_choice"] == chosen["choice"]
            assert card["training"]["patches"] == 8
            assert card["training"]["seed"] == seed


def test_a_rate_that_diverges_is_named_and_not_chosen(finished: Path) -> None:
    chosen = json.loads((finished / "red" / "rate.json").read_text(encoding="utf-8"))
    assert chosen["scores"]["1e+38"] is None
    assert "1e+38 (diverged)" in chosen["choice"]


def test_what_is_finished_is_not_trained_again(finished: Path, photos: Path, plan_file: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.safetensors")}
    carry_out(read(plan_file), _place(photos, finished))
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*.safetensors")} == before


def test_killed_and_started_again_the_command_ends_with_the_same_weights(
    finished: Path, photos: Path, plan_file: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "bench", "train", "red", "--plan", str(plan_file)]
    command += ["--photos", str(photos), "--out", str(tmp_path / "runs")]
    command += ["--precision", "fp32", "--threads", "1", "--workers", "0"]
    run = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    begun = tmp_path / "runs" / "red" / "seed-1" / "restart.pt"
    for _ in range(24_000):
        if begun.is_file():
            break
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert begun.is_file()
    subprocess.run(command, check=True, capture_output=True)
    for path in finished.glob("red/seed-*/*.safetensors"):
        one, other = load_file(path), load_file(tmp_path / "runs" / path.relative_to(finished))
        assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_names_keep_their_rows_and_a_network_of_ones_own_is_added(plan_file: Path) -> None:
    plan = read(plan_file)
    assert plan.of([]) == plan
    assert plan.of(["red"]).rows == (Row(("red",), (0, 1)),)
    assert plan.of(["mine:build"]) == WeightsPlan(plan.terms, (Row(("mine:build",), (0,)),))


def test_a_network_of_ones_own_is_trained_on_the_plans_terms(
    photos: Path, plan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_alone.py").write_text(
        "from torch import nn\n\n\ndef build():\n"
        "    layer = nn.Conv2d(4, 12, 3, padding=1)\n"
        "    return nn.Sequential(nn.PixelUnshuffle(2), layer, nn.PixelShuffle(2))\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    plan = read(plan_file).of(["mine_alone:build"])
    (weights,) = carry_out(plan, _place(photos, tmp_path / "runs"))
    card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["terms"] == "small"
    assert card["training"]["patches"] == plan.terms.patches
    assert "diverged" in card["training"]["rate_choice"]


def test_the_shipped_plan_names_every_network_with_weights() -> None:
    plan = read(SHIPPED)
    planned = {name for row in plan.rows for name in row.networks}
    assert planned <= {name for name in names() if spec(name).kind == "network"}
    assert planned >= {name for name in names() if weights_path(name) is not None}
    assert len(plan.terms.rates) == 3
    assert plan.terms.patches >= 64_000
    assert plan.terms.trial_patches == plan.terms.patches / 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[terms", "is not a plan"),
        ("[terms]\nname = 'x'\nrates = [1]\n[[row]]\nnetworks = []\nseeds = []", "is not a plan"),
        (PLAN.replace("rates = [1e-5, 1e-3, 1e38]", "rates = []"), "at least one learning rate"),
        (PLAN.replace("loss =", "lost ="), "is not a plan"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read(path)


def test_terms_that_differ_are_refused_in_the_same_folder(
    finished: Path, photos: Path, plan_file: Path
) -> None:
    plan = read(plan_file)
    other = replace(plan.terms, loss="2020")
    (finished / "red" / "seed-0" / "red.json").rename(finished / "red" / "seed-0" / "kept.json")
    try:
        with pytest.raises(InputError, match="loss was l1"):
            carry_out(WeightsPlan(other, (Row(("red",), (0,)),)), _place(photos, finished))
    finally:
        (finished / "red" / "seed-0" / "kept.json").rename(finished / "red" / "seed-0" / "red.json")


def test_every_rate_diverging_is_said(photos: Path, tmp_path: Path) -> None:
    terms = Terms("small", 8, 32, 2, "2020", (1e38,), 8, 1e-3, 0)
    with pytest.raises(InputError, match="red diverged at every learning rate"):
        carry_out(WeightsPlan(terms, (Row(("red",), (0,)),)), _place(photos, tmp_path))


def test_what_the_plan_says_is_not_for_the_command_line(
    photos: Path, plan_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for extra, said in (
        (["--photos", str(photos), "--lr", "1"], "--lr is set by the plan"),
        ([], "--plan needs --photos"),
    ):
        assert main(["train", "--plan", str(plan_file), *extra]) == 2
        assert said in capsys.readouterr().err


def test_validations_are_evenly_spread(photos: Path, tmp_path: Path) -> None:
    terms = read(SHIPPED).terms
    options = weights_plan._options(terms, _place(photos, tmp_path), "red", tmp_path, terms.patches)
    assert options.steps / options.validate_every == weights_plan.VALIDATIONS
