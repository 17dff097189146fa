"""Every committed result file is a valid one, and what the pages show of them is what they say."""

import io
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bench.judge import deciding, stated, statistics, trainings
from bench.judge.outcomes import Outcome
from bench.records import store
from benchmarks import gate_trials
from benchmarks.unpack import judging, running, showing

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "results"


@pytest.fixture(scope="module")
def reference():
    """The script that writes what the pages show."""
    return SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "reference.py")))


def test_committed_results_pass_the_validator():
    folders = sorted({path.parent for path in RESULTS.rglob("cells/*.json")})
    assert folders, f"{RESULTS.name}/ contains no results folder with cells/*.json"
    found = {path: store.validate(path) for folder in folders for path in sorted(folder.iterdir())}
    assert {str(path.relative_to(RESULTS)): problems for path, problems in found.items() if problems} == {}


def test_the_readme_shows_the_committed_results(reference):
    text = reference.README.read_text(encoding="utf-8")
    assert reference.readme(text) == text, "run: python docs/reference.py"


def test_the_page_of_the_fastest_form_shows_the_committed_results(reference):
    text = reference.ROOFLINE.read_text(encoding="utf-8")
    assert reference.roofline(text) == text, "run: python docs/reference.py"


@pytest.mark.parametrize(("made", "page"), [("field", "FIELD_PAGE"), ("runtimes", "RUNTIMES")])
def test_pages_of_costs_show_the_committed_results(reference, made, page):
    text = getattr(reference, page).read_text(encoding="utf-8")
    assert getattr(reference, made)(text) == text, "run: python docs/reference.py"


@pytest.mark.parametrize(("made", "kept"), [("figure", "FIGURE"), ("floors", "FLOORS"), ("gains", "GAINS")])
def test_figures_show_the_committed_results(reference, made, kept):
    files = io.BytesIO(getattr(reference, made)()), getattr(reference, kept)
    drawn, shown = (np.asarray(Image.open(file)) for file in files)
    # Another release of a font renderer may move an edge by a shade, never a bubble.
    assert drawn.shape == shown.shape
    assert np.abs(drawn.astype(int) - shown).mean() < 0.5, "run: python docs/reference.py"


def test_the_page_of_verdicts_shows_the_committed_results(reference):
    assert reference.VERDICTS.read_text(encoding="utf-8") == reference.verdicts(), (
        "run: python docs/reference.py"
    )


def test_four_seeds_decide_the_distance_that_the_committed_three_leave_open():
    """docs/unpack.md: 1.34 dB of UnPack over PixelShuffle, from seeds that differ by 0.1 dB at most."""
    claim = next(one for one in stated.load()[0] if one.id == "ablation-unpack-distance")
    found = {(one.arm, one.seed): one.psnr for one in trainings.load(RESULTS / "unpack")}
    apart = [found["unpack", seed] - found["pixelshuffle", seed] for seed in range(3)]
    assert np.abs(apart).max() < 0.1
    three, four = (statistics.over_seeds(some) for some in (apart, [*apart, 0.17]))
    assert three.high - claim.low == pytest.approx(0.03, abs=0.005)
    assert deciding.by_interval(claim, three).outcome is Outcome.INCONCLUSIVE
    assert deciding.by_interval(claim, four).outcome is Outcome.CONTRADICTED


def test_the_page_on_unpack_shows_the_committed_trainings():
    outcomes, setting = running.read_all(RESULTS / "unpack")
    _, *tables = showing.markdown(outcomes, judging.differences(outcomes), setting).strip().split("\n\n")
    page = (ROOT / "docs" / "unpack.md").read_text(encoding="utf-8")
    assert len(tables) == 2
    assert all(table in page for table in tables)


def test_the_page_on_gating_shows_the_committed_trials():
    trials = gate_trials.read(RESULTS / "gate")
    assert gate_trials.held(trials, {"self": 20, "intermittent": 10})
    assert sum(one["kind"] == "slow5" for one in trials) == 10
    page = (ROOT / "docs" / "gating.md").read_text(encoding="utf-8")
    assert gate_trials.table(trials) in page, "put the last lines of gate_trials.py on the page"
