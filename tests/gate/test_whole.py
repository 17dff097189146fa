"""Real revisions measured at a small size: what a change costs is found, and falls by its own name."""

import json

import psutil
import pytest

from bench.cli import main
from bench.gate import exclusive, sequence, whole
from bench.gate.seats import Nursery, Occupant, Seat, SeatError
from bench.gate.trees import Tree
from bench.judge.verdicts import Limits
from bench.records import store
from bench.records.cells import Cell
from bench.run.process import TOKEN
from bench.show.tables import verdict_page
from llpacknet.errors import InputError

MODEL = "nightnet.network:build"
QUICK = {"size": (64, 96), "threads": 1, "sets": 5, "seconds": 1.0}
EXACT = {**QUICK, "measures": ("memory", "complexity", "quality")}


@pytest.fixture(autouse=True)
def _beside_other_gates(request, monkeypatch, tmp_path):
    # What times nothing need not wait for the gates of other tests.
    if "alone" not in request.keywords:
        monkeypatch.setattr(exclusive, "SHARED", tmp_path)


@pytest.fixture(autouse=True)
def _short_turns(monkeypatch):
    """What is found of times here is many times as long as its alternative: a fraction of a turn shows it."""
    monkeypatch.setattr(sequence, "TURN_S", 0.02)
    monkeypatch.setattr(sequence, "LONGEST_TURN_S", 0.06)


def gate(project, out, base="v1", head="v2", limits=None, attempts=1, **options):
    sides = whole.Sides(base, head, project.folder)
    wanted = whole.comparison([MODEL], **{**EXACT, **options})
    return whole.run(sides, wanted, limits or Limits(), out, attempts=attempts)


def fallen(decision):
    return {one.quantity: one.reason for one in decision.findings if one.fallen}


def test_each_side_runs_the_code_of_its_revision_and_one_per_cent_more_gmac_is_named_exactly(
    project, tmp_path
):
    # 432 * 32 * 48 multiply-accumulates; 108 * 8 * 8 more make one per cent.
    work = "x = x + 0 * self.extra(x[..., :8, :8]).mean()"
    project.commit("v2", extra="nn.Conv2d(4, 3, 3, padding=1, bias=False)", work=work)
    reasons = fallen(gate(project, tmp_path / "out", measures=("complexity", "quality")))
    assert set(reasons) == {"parameters", "gmac"}
    assert "(+1.04%)" in reasons["gmac"]
    assert "+108 (+24.32%)" in reasons["parameters"]
    for side, revision, parameters in (("base", "v1", 444), ("head", "v2", 552)):
        counted = next(
            one for one in store.load(tmp_path / "out" / side) if one.cell.measurement == "complexity"
        )
        assert counted.values["parameters"] == parameters
        assert counted.provenance["commit"] == project.git("rev-parse", revision)


def test_five_per_cent_more_memory_is_named_exactly(project, tmp_path):
    # At this size a pass takes some 90 MB; what is held beside it is added in full.
    size = {"size": (1408, 2112), "measures": ("memory",)}
    plain = gate(project, tmp_path / "same", head="v1", **size)
    peak = next(one.base for one in plain.findings if one.quantity == "memory")
    assert next(one.change for one in plain.findings if one.quantity == "memory") == pytest.approx(
        0, abs=0.005
    )
    project.commit("v2", work=f"self.held = mosaic.flatten()[:{round(0.05 * peak / 4)}].clone()")
    reasons = fallen(gate(project, tmp_path / "out", **size))
    assert list(reasons) == ["memory"]
    assert 0.047 < float(reasons["memory"].partition("%")[0]) / 100 < 0.053


@pytest.mark.alone
def test_wrong_pixels_returned_faster_fall_on_correctness(project, tmp_path):
    project.commit("slow", work="time.sleep(0.004)")
    project.commit("v2", work="mosaic = mosaic.clone(); x[..., 3, 5] += 0.5")
    decision = gate(project, tmp_path / "out", base="slow", measures=("latency", "complexity", "quality"))
    words = {one.quantity: one.verdict for one in decision.findings}
    assert words["latency"] == "faster"
    assert words["correctness"] == "wrong-output"
    assert "correctness" in fallen(decision)


@pytest.mark.alone
def test_a_real_delay_is_slower_in_both_attempts(project, tmp_path):
    project.commit("v2", work="time.sleep(0.02)")
    decision = gate(project, tmp_path / "out", measures=("latency",), attempts=2)
    assert "in 2 of 2 attempts" in fallen(decision)["latency"]
    head = next(iter(store.load(tmp_path / "out" / "head")))
    assert head.values["attempts"] == [0, 5]
    assert sorted(set(head.values["round"])) == list(range(10))


@pytest.mark.alone
def test_a_base_that_dies_in_the_second_attempt_takes_no_regression_back(project, tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    # Each process leaves a mark; from the second attempt on (10 processes in the first) it dies at once.
    dies = f"import os; open(r'{marks}/%d' % os.getpid(), 'w').close(); "
    dies += f"len(os.listdir(r'{marks}')) > 10 and os._exit(3)"
    project.commit("mortal", work=dies)
    project.commit("v2", work="time.sleep(0.02)")
    decision = gate(project, tmp_path / "out", base="mortal", measures=("latency",), attempts=2)
    one = next(one for one in decision.findings if one.quantity == "latency")
    assert one.verdict == "slower"
    assert "measuring ended early" in one.reason
    assert decision.status() == 1


def test_a_seat_that_gives_no_answer_in_time_does_not_go_on(project):
    project.write(work="time.sleep(60)")
    cell = Cell(
        MODEL, "latency", device="cpu", runtime="published", precision="fp32", height=64, width=96, threads=1
    )
    tree = Tree("head", project.folder, (project.folder / "src",), None)
    with Nursery(1) as nursery:
        nursery.take_seat()[0].close()  # what the nursery imports first is not the seat's time
        nursery.timeout_s = 2.0
        seat = Seat(Occupant("head", tree, cell, "none"), nursery)
        with pytest.raises(SeatError, match="timeout"):
            seat.wait()
        seat.close()
        assert not psutil.pid_exists(seat._pid) or psutil.Process(seat._pid).wait(5) is None


def test_a_revision_is_compiled_once_for_all_seats_and_nothing_of_that_is_left(project):
    cell = Cell(
        MODEL, "latency", device="cpu", runtime="published", precision="fp32", height=64, width=96, threads=1
    )
    tree = Tree("head", project.folder, (project.folder / "src",), None)
    found = []
    with Nursery(1) as nursery:
        for _ in range(2):
            seat = Seat(Occupant("head", tree, cell, "none"), nursery)
            seat.wait()
            seat.close()
            (compiled,) = nursery.compiled.rglob("nightnet/network.*.pyc")
            found.append(compiled.stat().st_mtime_ns)
    assert found[0] == found[1]
    assert not nursery.compiled.exists()
    assert not [*project.folder.rglob("__pycache__")]


def test_a_baseline_is_cut_to_what_is_asked_for_and_a_used_folder_is_refused(project, tmp_path):
    file, out = tmp_path / "baseline.json", tmp_path / "recorded"
    sides = whole.Sides("v1", "v1", project.folder)
    wanted = whole.comparison([MODEL], **{**QUICK, "measures": ("complexity", "quality")})
    whole.record(sides, wanted, file, out, say=str)
    with pytest.raises(InputError, match="choose another folder"):
        whole.record(sides, wanted, file, out, say=str)
    asked = whole.comparison([MODEL], **{**QUICK, "measures": ("quality",)})
    kept = whole._asked_for(file, asked)
    assert {one.cell.measurement for one in kept} == {"quality"}
    with pytest.raises(InputError, match="has nothing for"):
        whole._asked_for(file, whole.comparison(["other"], **{**QUICK, "measures": ("quality",)}))


def test_a_head_that_dies_fails_and_leaves_no_process(project, tmp_path, monkeypatch):
    monkeypatch.setenv("LLBENCH_TEST", str(tmp_path))
    project.commit("v2", work="import os; os._exit(3)")
    decision = gate(project, tmp_path / "out")
    assert {one.verdict for one in decision.findings if one.fallen} >= {"failed"}
    left = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if TOKEN in environment and environment.get("LLBENCH_TEST") == str(tmp_path):
            left.append(process)
    assert [one for one in left if one.status() != psutil.STATUS_ZOMBIE] == []


def test_a_head_that_dies_fails_where_neither_time_nor_memory_is_asked_for(project, tmp_path):
    project.commit("v2", work="import os; os._exit(3)")
    decision = gate(project, tmp_path / "out", measures=("complexity", "quality"))
    assert decision.status() == 1
    assert {one.verdict for one in decision.findings if one.fallen} >= {"failed"}


def test_a_factory_that_no_side_has_is_told_of_two_revisions(project, tmp_path):
    sides = whole.Sides("v1", "v2", project.folder)
    project.commit("v2")
    wanted = whole.comparison(["nightnet.network:nothing"], **{**EXACT, "measures": ("memory",)})
    decision = whole.run(sides, wanted, Limits(), tmp_path / "out", attempts=1)
    title = verdict_page.gate_table(decision).title
    commits = [project.git("rev-parse", name)[:10] for name in ("v2", "v1")]
    assert title == f"Gate failed: v2 ({commits[0]}) compared with v1 ({commits[1]})"


def test_a_network_that_the_base_lacks_is_new_even_where_another_one_can_be_imported(
    project, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(project.folder / "src")
    project.git("rm", "--quiet", "-r", "src")
    project.git("commit", "--quiet", "--message", "empty")
    (project.folder / "README").write_text("nothing yet")
    project.git("add", "README")
    project.git("commit", "--quiet", "--message", "more")
    project.git("tag", "before")
    project.commit("v2")
    decision = gate(project, tmp_path / "out", base="before")
    assert {one.verdict for one in decision.findings} == {"new"}
    assert decision.status() == 0


@pytest.mark.alone
def test_a_baseline_recorded_before_is_compared_by_ratio_and_says_so(project, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(project.folder)
    file = tmp_path / "baseline.json"
    quick = [
        "--models",
        MODEL,
        "--measure",
        "latency",
        "--size",
        "64x96",
        "--threads",
        "1",
        "--sets",
        "5",
        "--seconds",
        "1",
    ]
    assert main(["gate", "--head", "v1", "--record", str(file), *quick]) == 0
    project.commit("v2", work="time.sleep(0.05)")
    capsys.readouterr()
    code = main(["gate", "--base", str(file), "--head", "v2", "--json", "--attempts", "1", *quick])
    read = json.loads(capsys.readouterr().out)
    assert code == 1
    assert read["recorded"] is True
    assert "ratios to a reference workload" in read["notes"][0]
    assert [one["quantity"] for one in read["findings"] if one["fallen"]] == ["latency"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --base REV"),
        (["--base", "nowhere"], "no revision 'nowhere'"),
        (["--base", "v1", "--accept", "speed"], "choose from latency"),
        (["--base", "src/nightnet/network.py"], "not a baseline"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(project, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(project.folder)
    assert main(["gate", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


BROKEN = {
    "import some_missing_package": "No module named 'some_missing_package'",
    "x = = 1": "invalid syntax",
    "raise SystemExit(0)": "ended the process",
    "raise RuntimeError('a cause')": "RuntimeError: a cause",
}


def test_a_base_that_has_the_network_and_ends_in_an_error_never_passes_as_new(project, tmp_path):
    package = project.folder / "src" / "nightnet"
    sound = (package / "network.py").read_text()
    models = [f"nightnet.net{number}:build" for number in range(len(BROKEN))]
    for number, line in enumerate(BROKEN):
        (package / f"net{number}.py").write_text(f"{sound}\n{line}\n")
    project.commit("broken")
    for number in range(len(BROKEN)):
        (package / f"net{number}.py").write_text(f"{sound}\nbuild_other = build\n")
    project.commit("v2")
    models.append("nightnet.net_of_head:build")
    (package / "net_of_head.py").write_text(sound)
    project.commit("v3")
    sides = whole.Sides("broken", "v3", project.folder)
    wanted = whole.comparison(models, **{**EXACT, "measures": ("complexity",)})
    decision = whole.run(sides, wanted, Limits(), tmp_path / "out", attempts=1)
    words = {one.model: (one.verdict, one.reason) for one in decision.findings}
    for model, said in zip(models, BROKEN.values(), strict=False):
        assert words[model][0] == "failed"
        assert said in words[model][1]
    assert words[models[-1]][0] == "new"
    assert decision.status() == 1
    sides = whole.Sides("broken", "broken", project.folder)
    wanted = whole.comparison(models[:1], **{**EXACT, "measures": ("complexity",)})
    assert whole.run(sides, wanted, Limits(), tmp_path / "both", attempts=1).status() == 1


def test_a_factory_that_the_module_of_the_base_lacks_is_undecided(project, tmp_path):
    project.write()
    file = project.folder / "src/nightnet/network.py"
    file.write_text(file.read_text() + "\n\nbuild_other = build\n")
    sides = whole.Sides("v1", str(project.folder), project.folder)
    wanted = whole.comparison(["nightnet.network:build_other"], **{**EXACT, "measures": ("complexity",)})
    decision = whole.run(sides, wanted, Limits(), tmp_path / "out", attempts=1)
    assert {one.verdict for one in decision.findings} == {"inconclusive"}
    assert "has no 'build_other'" in decision.findings[0].reason
    assert (decision.status(), decision.status(strict=True)) == (0, 1)


def test_a_revision_does_not_borrow_code_from_the_working_tree(project, tmp_path, monkeypatch):
    (project.folder / "blocks.py").write_text("scale = 2\n")
    project.commit("lacks", work="import blocks; x = x * blocks.scale")
    project.git("rm", "--quiet", "--cached", "blocks.py")
    project.git("commit", "--quiet", "--message", "blocks forgotten")
    monkeypatch.syspath_prepend(project.folder)
    decision = gate(
        project, tmp_path / "out", base="HEAD", head=str(project.folder), measures=("complexity",)
    )
    assert {one.verdict for one in decision.findings} == {"failed"}
    assert "no blocks: it was imported from the working tree" in decision.findings[0].reason


def test_a_second_base_takes_its_turns_in_the_same_run_and_one_that_breaks_stops_nobody(project, tmp_path):
    project.commit("release", extra="nn.Conv2d(4, 3, 3, padding=1)")
    project.commit("broken", work="raise RuntimeError('too old')")
    project.commit("v2")
    sides = whole.Sides("v1", "v2", project.folder, also="release")
    wanted = whole.comparison([MODEL], **{**QUICK, "sets": 2, "measures": ("latency", "complexity")})
    decision = whole.run(sides, wanted, Limits(), tmp_path / "out", attempts=1)
    words = {(one.quantity, one.detail.get("against")): one.verdict for one in decision.findings}
    assert words["parameters", None] == "equal"
    assert words["parameters", "against release"] == "better"
    runs = {
        side: next(
            one.values for one in store.load(tmp_path / "out" / side) if one.cell.measurement == "latency"
        )
        for side in ("base", "also", "head")
    }
    assert len({values["run"] for values in runs.values()}) == 1
    assert len({len(values["samples_s"]) for values in runs.values()}) == 1
    sides = whole.Sides("v1", "v2", project.folder, also="broken")
    decision = whole.run(sides, wanted, Limits(), tmp_path / "broken", attempts=1)
    words = {(one.quantity, one.detail.get("against")): one.verdict for one in decision.findings}
    assert words["parameters", None] == "equal"
    assert ("latency", None) in words
    assert words["latency", "against broken"] == "failed"
