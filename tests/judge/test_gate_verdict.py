"""The gate's verdicts from result files alone: each kind of regression falls by its own name."""

import json

import numpy as np
import pytest

from bench.judge import gate_verdict
from bench.judge.gate_verdict import Decision
from bench.judge.verdicts import Finding, Limits
from bench.records import store
from bench.records.cells import Cell, Record
from bench.show.tables import verdict_page, writers

FORM = {"device": "cpu", "runtime": "published", "precision": "fp32", "height": 64, "width": 96, "threads": 1}
SETS, TURNS = 8, 6


def latency(seconds, seed, *, model="net", run="r", twin=True, reference=None):
    random = np.random.default_rng(seed)

    def times(seconds=seconds):
        return [float(seconds * np.exp(random.normal(0, 0.004))) for _ in range(SETS * TURNS)]

    rounds = [number for number in range(SETS) for _ in range(TURNS)]
    values = {"samples_s": times(), "round": rounds, "cold_s": 1.0, "run": run, "single_pass": False}
    values |= {"twin_samples_s": times(), "twin_round": rounds} if twin else {}
    values |= {"reference_samples_s": times(reference), "reference_round": rounds} if reference else {}
    return Record(Cell(model, "latency", **FORM), "ok", values={**values, "attempts": [0]})


def memory(peak):
    values = {"load_peak_bytes": 1, "process_peak_bytes": 1, "method": "VmHWM"}
    return Record(Cell("net", "memory", **FORM), "ok", values={"run_peak_bytes": peak, **values})


def complexity(gmac=5.0, parameters=1000, **more):
    values = {"parameters": parameters, "parameters_published": parameters, "gmac": gmac, **more}
    return Record(Cell("net", "complexity", height=64, width=96), "ok", values=values)


def quality(psnr=30.0, shift=0.0):
    values = {"psnr": psnr, "ssim": 0.9, "lpips": None, "lpips_reason": "no", "gain": 100.0, "ratio": 100.0}
    values |= {"area_fraction": 1.0, "pixels": (np.linspace(0, 0.9, 50) + shift).tolist()}
    cell = Cell("net", "quality", dataset="s", protocol="p", image="1_00_0.1s", **FORM)
    return Record(cell, "ok", values=values)


BASE = (latency(0.1, 1), memory(100_000_000), complexity(), quality())


def found(tmp_path, *head, base=BASE, limits=None, images=None):
    for side, records in (("base", base), ("head", head)):
        for record in records:
            store.write(tmp_path / side, record)
    for side, image in (images or {}).items():
        folder = tmp_path / side / gate_verdict.OUTPUTS / "net"
        folder.mkdir(parents=True)
        np.save(folder / "1_00_0.1s.npy", image)
    return gate_verdict.decide(tmp_path, limits or Limits())


def now_and_then_slower(share, factor, seed, **options):
    """The head's latency where some of its turns, taken at random, are slower."""
    record = latency(0.1, seed, twin=False, **options)
    random = np.random.default_rng(seed + 1000)
    hit = random.random(SETS * TURNS) < share
    times = np.asarray(record.values["samples_s"]) * np.where(hit, factor, 1)
    record.values["samples_s"] = times.tolist()
    return record


def words(decision):
    return {one.quantity: one.verdict for one in decision.findings}


def test_a_revision_against_itself_passes(tmp_path):
    decision = found(tmp_path, latency(0.1, 2, twin=False), memory(100_000_000), complexity(), quality())
    assert words(decision) == {
        "latency": "equivalent",
        "tail": "equivalent",
        "memory": "equal",
        "gmac": "equal",
        "parameters": "equal",
        "correctness": "equal",
        "psnr": "equal",
    }
    assert decision.status(strict=True) == 0


def test_wrong_pixels_fall_on_correctness_however_fast(tmp_path):
    whole = np.full((4, 6, 3), 0.5, np.float32)
    wrong = whole.copy()
    wrong[2, 3, 1] = 0.49
    faster = latency(0.05, 2, twin=False)
    decision = found(tmp_path, faster, quality(), images={"base": whole, "head": wrong})
    assert words(decision)["latency"] == "faster"
    assert words(decision)["correctness"] == "wrong-output"
    assert decision.status() == 1


def test_without_images_the_pixels_of_the_records_are_compared(tmp_path):
    decision = found(tmp_path, quality(shift=0.01))
    assert words(decision)["correctness"] == "wrong-output"


def test_what_is_meant_to_differ_does_not_fall(tmp_path):
    accepted = Limits(accepted=frozenset({"correctness", "gmac"}))
    decision = found(
        tmp_path, *BASE[:2], complexity(gmac=6.0), quality(psnr=30.5, shift=0.3), limits=accepted
    )
    assert words(decision)["correctness"] == "wrong-output"
    assert words(decision)["psnr"] == "better"
    assert decision.status() == 0


@pytest.mark.parametrize(
    ("head", "quantity", "said"),
    [
        (memory(105_000_000), "memory", "+5.00%"),
        (complexity(gmac=5.05), "gmac", "+0.05 GMAC (+1.00%)"),
        (complexity(parameters=1001), "parameters", "+1 (+0.10%)"),
        (complexity(golden="off by 0.3"), "correctness", "off by 0.3"),
        (quality(psnr=29.98), "psnr", "-0.020 dB"),
        (latency(0.11, 2, twin=False), "latency", "above the effect size"),
    ],
)
def test_each_regression_is_named(tmp_path, head, quantity, said):
    others = [one for one in BASE if one.cell != head.cell]
    decision = found(tmp_path, *others, head)
    fallen = [one for one in decision.findings if one.fallen]
    assert [one.quantity for one in fallen] == [quantity]
    assert said in fallen[0].reason
    assert decision.status() == 1


def test_memory_within_its_repeatability_and_less_of_anything_pass(tmp_path):
    decision = found(
        tmp_path, latency(0.08, 2, twin=False), memory(102_900_000), complexity(gmac=4.0), quality()
    )
    assert words(decision)["memory"] == "equal"
    assert (words(decision)["latency"], words(decision)["gmac"]) == ("faster", "better")
    assert decision.status(strict=True) == 0


def test_what_fails_or_is_gone_on_the_head_falls(tmp_path):
    broken = Record(BASE[0].cell, "crash", "it broke")
    decision = found(tmp_path, broken, *BASE[2:])
    assert (words(decision)["latency"], words(decision)["memory"]) == ("failed", "gone")


def test_a_model_that_the_base_lacks_is_new_and_passes(tmp_path):
    decision = found(tmp_path, *BASE, latency(0.1, 3, model="other", twin=False))
    new = [one for one in decision.findings if one.model == "other"]
    assert [one.verdict for one in new] == ["new"]
    assert decision.status() == 0


def test_a_recorded_baseline_is_compared_by_ratios_to_the_reference_alone(tmp_path):
    then = (latency(0.1, 1, run="a", reference=0.2),)
    twice_as_fast = (latency(0.05, 3, run="b", reference=0.1),)
    decision = found(tmp_path, *twice_as_fast, base=then)
    assert decision.recorded
    assert words(decision) == {"latency": "equivalent"}
    assert "reference workload" in decision.notes[0]


def test_a_slower_ratio_to_the_reference_falls(tmp_path):
    then = (latency(0.1, 1, run="a", reference=0.2),)
    slower = (latency(0.065, 3, run="b", reference=0.1),)
    assert words(found(tmp_path, *slower, base=then)) == {"latency": "slower"}


def test_each_model_is_held_against_the_reference_beside_it(tmp_path):
    # The machine turned twice as slow before the second model: so did the reference beside it.
    then = [
        latency(t, n, model=m, run="a", reference=0.2) for n, (m, t) in enumerate((("x", 0.1), ("y", 0.1)))
    ]
    now = [
        latency(0.1, 5, model="x", run="b", reference=0.2),
        latency(0.2, 6, model="y", run="b", reference=0.4),
    ]
    decision = found(tmp_path, *now, base=then)
    assert [(one.model, one.verdict) for one in decision.findings] == [
        ("x", "equivalent"),
        ("y", "equivalent"),
    ]


def test_a_base_that_gave_no_answer_in_time_is_inconclusive_not_new(tmp_path):
    decision = found(tmp_path, *BASE[1:], base=(Record(BASE[0].cell, "timeout", "no answer"), *BASE[1:]))
    assert words(decision)["latency"] == "inconclusive"
    assert decision.status(strict=True) == 1


def test_the_table_says_it_all_in_markdown_and_json_is_strict(tmp_path):
    decision = found(tmp_path, latency(0.11, 2, twin=False), memory(105_000_000), complexity(), quality())
    table = writers.as_markdown(verdict_page.gate_table(decision))
    assert table.startswith("## Gate failed: a folder compared with a folder")
    assert "| net | memory | 100.0 MB | 105.0 MB | +5.00% | 0.5% | ✗ worse | +5.00%; allowed: 3% |" in table
    gate_verdict.write(tmp_path, decision)
    read = json.loads((tmp_path / gate_verdict.FILE).read_text(), parse_constant=pytest.fail)
    assert read["fallen"] is True
    assert [one["quantity"] for one in read["findings"] if one["fallen"]] == ["latency", "memory"]


@pytest.mark.parametrize(("share", "factor"), [(0.3, 3), (0.25, 5), (1.0, 1.3)])
def test_slowness_that_comes_and_goes_is_found_in_the_slower_half(tmp_path, share, factor):
    decision = found(tmp_path, now_and_then_slower(share, factor, 5), *BASE[1:])
    assert words(decision)["tail"] == "slower"
    assert words(decision)["latency"] == ("slower" if share == 1 else "equivalent")
    assert decision.status() == 1
    accepted = gate_verdict.decide(tmp_path, Limits(accepted=frozenset({"tail", "latency"})))
    assert accepted.status() == 0


def test_times_are_measured_again_before_the_gate_fails_and_later_while_nothing_is_decided():
    said = {
        "undecided": {"latency": "inconclusive", "tail": "equivalent"},
        "slower": {"latency": "slower", "tail": "inconclusive"},
        "tail": {"latency": "equivalent", "tail": "slower"},
        "equal": {"latency": "equivalent", "tail": "equivalent"},
    }
    findings = [Finding(model, *one) for model, words in said.items() for one in words.items()]
    decision = Decision(tuple(findings), recorded=False, base={}, head={})
    assert decision.open_times(1) == ("undecided", "slower", "tail")
    assert decision.open_times(2) == ("undecided",)


def test_what_disturbs_both_sides_alike_is_no_difference_of_the_tail(tmp_path):
    base, head = (now_and_then_slower(0.15, 1.5, seed) for seed in (7, 8))
    twin = now_and_then_slower(0.15, 1.5, 9).values
    base.values.update(twin_samples_s=twin["samples_s"], twin_round=twin["round"])
    decision = found(tmp_path, head, base=(base,))
    assert words(decision)["latency"] == "equivalent"
    assert words(decision)["tail"] != "slower"


def test_the_tail_is_not_below_the_latency_where_attempts_ran_at_different_speeds(tmp_path):
    pace = np.repeat([1.0] * 4 + [1.3] * 4, TURNS)  # the machine turned slower before the second attempt
    sides = [latency(0.1, seed, twin=False) for seed in (1, 2)]
    for record in sides:
        record.values["samples_s"] = (pace * record.values["samples_s"]).tolist()
    times = {one.quantity: one for one in found(tmp_path, sides[1], base=sides[:1]).findings}
    assert times["latency"].base < times["tail"].base < 1.02 * times["latency"].base
    assert times["latency"].head < times["tail"].head < 1.02 * times["latency"].head


def test_a_second_base_is_held_to_the_noise_of_the_run_and_finds_what_crept_in(tmp_path):
    # Two per cent a step passes beside the last commit; against the last release it has become five.
    for record in (latency(0.0975, 11, twin=False), complexity(parameters=990)):
        record.provenance.update(revision="v1.0", commit="c" * 40)
        store.write(tmp_path / "also", record)
    decision = found(tmp_path, latency(0.102, 2, twin=False), complexity())
    both = [one for one in decision.findings if one.quantity == "latency"]
    assert [(one.verdict, one.detail) for one in both] == [
        ("equivalent", {}),
        ("slower", {"against": "against v1.0"}),
    ]
    assert both[0].floor == both[1].floor
    assert decision.status() == 1
    assert decision.as_json()["also"] == {"revision": "v1.0", "commit": "c" * 40}
    table = writers.as_markdown(verdict_page.gate_table(decision))
    assert "and v1.0 (cccccccccc)" in table
    assert "parameters against v1.0" in table


def test_a_second_base_beside_a_recorded_one_is_compared_turn_by_turn(tmp_path):
    base = latency(0.2, 1, run="earlier", reference=0.4)
    head = latency(0.1, 2, reference=0.2)
    store.write(tmp_path / "also", latency(0.08, 3, twin=False))
    decision = found(tmp_path, head, base=(base,))
    assert [(one.quantity, one.verdict) for one in decision.findings] == [
        ("latency", "equivalent"),
        ("latency", "slower"),
        ("tail", "slower"),
    ]
