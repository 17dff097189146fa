"""What a request spans, in which order it is measured, and what it is predicted to take."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from baselines.registry import named
from bench.data.folder.pairs import Dataset, Pair
from bench.data.folder.sampling import spread
from bench.records.tiers import TIERS
from bench.run.plan import plan, stressed
from bench.run.request import MEASUREMENTS, OF_TIERS, Request, resolutions, thread_counts
from bench.run.span import with_twins
from llpacknet.errors import InputError


def dataset(scenes=4, exposures=(0.1, 0.04, 0.033)):
    pairs = tuple(
        Pair(
            str(10000 + number),
            "00",
            short_s,
            10.0,
            Path(f"short/{10000 + number}_00_{short_s}s.DNG"),
            Path(f"long/{10000 + number}_00_10s.DNG"),
        )
        for number, short_s in product(range(scenes), exposures)
    )
    return Dataset(Path("absent"), "made-up", synthetic=True, pairs=pairs)


def order(found):
    return [(job.round, job.cell.model, job.twin) for job in found.left() if job.measurement == "latency"]


def test_rounds_go_there_and_back_through_all_models_with_the_twin_of_the_fastest_at_the_other_end():
    found = plan(Request(["sid-unet", "llpacknet", "lime"], ["latency"], rounds=3))
    forth = [("sid-unet", False), ("llpacknet", False), ("lime", False), ("llpacknet", True)]
    assert order(found) == [
        *((0, *step) for step in forth),
        *((1, *step) for step in reversed(forth)),
        *((2, *step) for step in forth),
    ]
    assert with_twins(found.left()) == found.left()
    assert len(found.cells) == 3


@pytest.mark.parametrize(
    ("models", "tier", "host"),
    [
        (["lime", "gain-only"], None, "gain-only"),
        (["gain-only", "llpacknet"], None, "llpacknet"),
        (["did", "sgn"], "quick", "sgn"),
        (["did", "sgn", "red"], "quick", "red"),
    ],
)
def test_every_timing_run_has_one_a_a_pair(models, tier, host):
    found = plan(Request(models, ["latency"], tier=tier, size=(2848, 4256), threads=2))
    twins = [job for job in found.left() if job.twin]
    assert {job.cell.model for job in twins} == {host}
    assert len(twins) == len([job for job in found.jobs if job.cell.model == host])


def test_quick_times_a_slow_method_once_with_its_memory_and_restores_the_part_alone(tmp_path):
    weights = tmp_path / "did.safetensors"
    weights.touch()
    size = (2848, 4256)
    wanted, methods = ["latency", "memory", "quality"], ["did", "red", "sid-unet", "sid-unet+amplifier"]
    options = {"dataset": dataset(), "size": size, "threads": 2, "weights": dict.fromkeys(methods, weights)}
    found = plan(Request(methods, wanted, tier="quick", **options))
    (once,) = [job for job in found.jobs if job.cell.model == "did" and job.measurement == "latency"]
    assert once.single_pass
    assert [cell.measurement for cell in once.cells] == ["latency", "memory"]
    areas = {job.cell.model: job.area_fraction for job in found.jobs if job.measurement == "quality"}
    assert areas == {"did": 1 / 16, "red": 1.0, "sid-unet": 1 / 16, "sid-unet+amplifier": 1 / 16}
    timed = [job for job in found.left() if job.cell.model == "red" and job.measurement == "latency"]
    assert len(timed) == 2 * TIERS["quick"].rounds  # each with its twin
    assert all(job.brief and job.rounds == TIERS["quick"].rounds for job in timed)
    whole = plan(Request(methods, wanted, tier="full", **options))
    assert not any(job.single_pass for job in whole.jobs)
    assert {job.area_fraction for job in whole.jobs} == {1.0}
    assert found.seconds < whole.seconds


def test_standard_judges_a_slow_method_on_fewer_images_of_the_same(tmp_path):
    weights = tmp_path / "did.safetensors"
    weights.touch()
    options = {"dataset": dataset(), "size": (2848, 4256), "threads": 2, "protocols": ["release2022"]}
    given = {"did": weights, "red": weights}

    def judged(**more):
        found = plan(Request(["did", "red"], ["quality"], weights=given, **options, **more))
        return {job.cell.model: {cell.image for cell in job.cells} for job in found.jobs}

    standard = replace(TIERS["standard"], slow_images=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TIERS, "standard", standard)
        found = judged(tier="standard")
        assert len(found["red"]) == len(dataset().pairs)
        assert len(found["did"]) == 2
        assert found["did"] < found["red"]
        assert {name: len(images) for name, images in judged(tier="standard", images=1).items()} == {
            "did": 1,
            "red": 1,
        }
    assert {name: len(images) for name, images in judged(images=4).items()} == {"did": 4, "red": 4}


def test_a_network_without_weights_has_no_quality_but_a_cost(monkeypatch):
    monkeypatch.setattr("baselines.registry._shipped_path", lambda _: None)
    found = plan(Request(["sgn"], ["quality", "latency"], dataset=dataset(), size=(64, 96)))
    assert {end.status for end in found.settled} == {"skipped"}
    assert all("llbench train sgn" in end.reason and "weights import" in end.reason for end in found.settled)
    assert {job.measurement for job in found.jobs} == {"latency"}


def test_forms_that_cannot_exist_are_unsupported():
    found = plan(
        Request(["lime", "red"], ["memory"], runtimes=("published", "eager"), precisions=("fp32", "int8"))
    )
    forms = {(end.cell.model, end.cell.runtime, end.cell.precision) for end in found.settled}
    assert {end.status for end in found.settled} == {"unsupported"}
    assert ("lime", "eager", "fp32") in forms
    assert ("red", "published", "int8") in forms
    measured = {(job.cell.model, job.cell.runtime) for job in found.jobs}
    assert measured == {("lime", "published"), ("red", "published"), ("red", "eager")}


def test_complexity_is_counted_at_the_papers_frame_whatever_the_data():
    (cell,) = plan(Request(["red"], ["complexity"], dataset=dataset())).cells
    assert (cell.height, cell.width) == (2848, 4256)
    assert (cell.device, cell.runtime, cell.threads) == (None, None, None)


def test_a_few_images_stand_for_all_ratios_and_scenes():
    taken = spread(dataset().pairs, 3)
    assert {round(pair.ratio) for pair in taken} == {100, 250, 300}
    assert len({pair.scene for pair in taken}) == 3
    assert spread(dataset().pairs, 99) == dataset().pairs
    assert spread(tuple(reversed(dataset().pairs)), 12) == tuple(reversed(dataset().pairs))


def test_tiers_limit_images_and_rounds():
    for name, tier in TIERS.items():
        options = {"dataset": dataset(), "size": (64, 96), "tier": name, "protocols": ["release2022"]}
        found = plan(Request(["gain-only"], ["quality", "latency"], **options))
        images = sum(len(job.cells) for job in found.jobs if job.measurement == "quality")
        assert images == min(12, tier.images or 12)
        assert len(order(found)) == 2 * tier.rounds  # each with its twin


def test_a_sweep_measures_a_common_cell_once():
    wanted = Request(["red"], ["latency", "complexity"], size=(64, 96), rounds=2, sweep="threads")
    found = plan(wanted)
    assert len(found.cells) == len(thread_counts()) + 1
    assert len(order(found)) == 4 * len(thread_counts())
    assert {cell.threads for cell in found.cells} == {None, *thread_counts()}


def test_what_was_left_open_is_the_tiers_else_the_usual():
    open_ = Request(["red"])
    assert open_.kinds == ("complexity", "latency", "memory")  # nothing to judge
    assert Request(["red"], dataset=dataset()).kinds == MEASUREMENTS
    assert (open_.frame, open_.count, open_.judged_by) == ((2848, 4256), 5, ("release2022",))
    smoke = Request(tier="smoke", dataset=dataset())
    assert smoke.methods == TIERS["smoke"].models
    assert smoke.kinds == OF_TIERS
    assert (smoke.frame, smoke.count, smoke.most) == ((712, 1064), TIERS["smoke"].rounds, 1)
    assert smoke.judged_by == TIERS["smoke"].protocols
    asked = replace(smoke, rounds=3, images=2, size=(64, 96), models=("all", "red", "mine:factory"))
    assert (asked.frame, asked.made_frame, asked.count, asked.most) == ((64, 96), (64, 96), 3, 2)
    assert asked.counted_frame == (2848, 4256)
    assert asked.methods == (*named("all"), "mine:factory")


def test_sweeps_reach_from_half_a_megapixel_to_48_and_over_all_cores():
    areas = [height * width / 1e6 for height, width in resolutions()]
    assert areas[0] == pytest.approx(0.5, rel=0.05)
    assert areas[-1] == pytest.approx(48, rel=0.05)
    assert (2848, 4256) in resolutions()
    assert all(height % 16 == 0 and width % 16 == 0 for height, width in resolutions())
    assert thread_counts()[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"models": ["no-such"], "measurements": ["latency"]}, "no-such"),
        ({"models": ["nowhere.at.all:build"], "measurements": ["latency"]}, "'nowhere'"),
        ({"models": [], "measurements": ["latency"]}, "--models"),
        ({"models": ["red"], "measurements": ["beauty"]}, "beauty"),
        ({"models": ["red"], "measurements": ["quality"]}, "--dataset"),
        ({"models": ["red"], "measurements": ["latency"], "size": (63, 96)}, "63x96"),
        ({"models": ["red"], "measurements": ["latency"], "protocols": ["no-such"]}, "no-such"),
        (
            {
                "models": ["red"],
                "measurements": ["quality"],
                "dataset": dataset(1, (0.04,)),
                "protocols": ["paper2020"],
            },
            "matches none",
        ),
        (
            {
                "models": ["red"],
                "measurements": ["quality"],
                "dataset": dataset(),
                "protocols": ["no-such"],
            },
            "no-such",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(arguments, said):
    with pytest.raises(InputError, match=said) as refusal:
        plan(Request(arguments.pop("models"), arguments.pop("measurements"), **arguments))
    assert "\n" not in str(refusal.value)


def test_predictions_grow_with_the_area():
    small, large = (
        plan(Request(["sgn"], ["latency"], size=size, rounds=1)) for size in ((712, 1064), (2848, 4256))
    )
    assert small.seconds < large.seconds
    assert small.peak_bytes < large.peak_bytes
    assert replace(large, keep_predictions=True).disk_bytes == large.disk_bytes


def test_a_profile_is_spanned_for_the_forms_that_torch_can_take_apart():
    asked = Request(["llpacknet", "lime"], ["profile"], runtimes=("published", "eager", "onnxruntime"))
    found = plan(asked)
    assert [(job.cell.model, job.cell.runtime) for job in found.left()] == [
        ("llpacknet", "published"),
        ("llpacknet", "eager"),
    ]
    assert {end.status for end in found.settled} == {"unsupported"}
    assert len(found.cells) == 6


def test_standard_judges_what_is_not_slow_on_a_stress_set_too():
    asked = Request(["did", "llpacknet"], tier="standard", size=(2848, 4256), threads=2)
    assert asked.stress_scenes == 6
    assert replace(asked, dataset=dataset()).stress_scenes == 0
    main = replace(asked, dataset=dataset(), measurements=("quality",))
    stress = replace(dataset(2), name="made-black-1")
    found = stressed(plan(main), main, stress)
    more = [cell for cell in found.cells if cell.dataset == "made-black-1"]
    assert {cell.model for cell in more} == {"llpacknet"}
    assert {cell.protocol for cell in more} == {"release2022"}
    assert len(more) == 6
    assert set(plan(main).cells) == set(found.cells) - set(more)
