import json
from dataclasses import replace

import pytest

from bench import protocols, store
from bench.judge import claims, evidence
from bench.judge.results import Results

DECIDED = {"reproduced", "within-tolerance", "not-reproduced"}


def judged(made):
    return {entry["id"]: entry for entry in claims.judge(Results(made))}


@pytest.fixture(scope="module")
def full(made_up):
    return made_up.records()


def changed(made, model, kind, **values):
    return [
        replace(record, values={**record.values, **values})
        if (record.cell.model, record.cell.measurement) == (model, kind)
        else record
        for record in made
    ]


def test_every_claim_of_the_sources_has_an_entry_with_all_that_a_reader_needs():
    stated, conflicts = claims.load()
    ids = [claim.id for claim in stated] + [conflict.id for conflict in conflicts]
    assert len(ids) == len(set(ids)) >= 25
    for claim in stated:
        assert claim.title
        assert claim.source
        assert claim.published
        assert claim.rule
        assert claim.low <= claim.high
        assert claim.quantity == "gain-ratio" or claim.protocol or claim.quantity.startswith(("psnr", "ssim"))


def test_conflicting_statements_are_found_inconsistent_with_both_figures(full):
    entry = judged(full)["conflict-speed-sid"]
    assert entry["verdict"] == "inconsistent-at-source"
    assert "5.7x" in entry["published"]
    assert "3.4x" in entry["published"]
    assert entry["measured"] == pytest.approx(6.2, abs=0.1)


def test_a_conflict_whose_statements_agree_is_refused():
    raw = {"id": "x", "title": "", "first": {"range": [1, 3]}, "second": {"range": [2, 4]}}
    with pytest.raises(ValueError, match="do not exclude each other"):
        claims._conflict(raw, {})


def test_without_results_nothing_is_decided():
    for entry in claims.judge(Results([])):
        assert entry["verdict"] in {"untestable-here", "inconsistent-at-source"}
        assert entry["measured"] is None
        assert entry["needs"] or entry["verdict"] == "inconsistent-at-source"


def test_no_verdict_without_the_measurement_it_rests_on(full):
    before = judged(full)
    for model, kind in sorted({(r.cell.model, r.cell.measurement) for r in full}):
        rest = [r for r in full if (r.cell.model, r.cell.measurement) != (model, kind)]
        after = judged(rest)
        for name, entry in before.items():
            if any(
                cell.startswith(f"{kind} of {model} ") or cell == f"{kind} of {model}"
                for cell in entry["rests_on"]
            ):
                assert after[name]["measured"] is None, name
                assert after[name]["verdict"] not in DECIDED, name


def test_a_slower_sid_unet_changes_exactly_the_verdicts_that_rest_on_its_time(full, tmp_path, made_up):
    made_up.write(tmp_path, full)
    before = claims.write(tmp_path)
    path = next(tmp_path.glob("cells/latency_sid-unet_*.json"))
    raw = json.loads(path.read_text())
    raw["values"]["samples_s"] = [6 * sample for sample in raw["values"]["samples_s"]]
    path.write_text(json.dumps(raw))
    after = claims.write(tmp_path)
    moved = {a["id"] for a, b in zip(before, after, strict=True) if a != b}
    resting = {
        entry["id"]
        for entry in before
        if any(cell.startswith("latency of sid-unet (") for cell in entry["rests_on"])
    }
    flipped = {a["id"] for a, b in zip(before, after, strict=True) if a["verdict"] != b["verdict"]}
    assert moved == resting
    assert flipped == {
        "table1-time-sid-unet-llpacknet",
        "table1-time-sgn-over-sid-unet",
        "table1-time-amplifier",
        "table1-seconds-sid-unet",
    }


def test_more_memory_for_llpacknet_flips_a_ratio(full):
    before = judged(full)["table1-memory-sid-unet-llpacknet"]["verdict"]
    after = judged(changed(full, "llpacknet", "memory", run_peak_bytes=2_900_000_000))
    assert before == "not-reproduced"
    assert after["table1-memory-sid-unet-llpacknet"]["verdict"] == "reproduced"
    assert after["table1-memory-llpacknet"]["verdict"] == "reproduced"


def test_memory_seen_in_every_round_gives_its_ratio_a_measured_spread(full):
    first = judged(full)["table1-memory-sid-unet-llpacknet"]
    size = {r.cell.model: r.values["run_peak_bytes"] for r in full if r.cell.measurement == "memory"}
    seen = {"sid-unet": (1.0, 1.01, 0.98), "llpacknet": (1.0, 1.02, 1.0)}
    for model, parts in seen.items():
        peaks = [round(size[model] * part) for part in parts]
        full = changed(full, model, "latency", run_peak_samples_bytes=peaks)
    then = judged(full)["table1-memory-sid-unet-llpacknet"]
    ratio = size["sid-unet"] / size["llpacknet"]
    assert first["interval"][1] / ratio == pytest.approx(1.0424, abs=1e-3)
    assert then["interval"] == pytest.approx([ratio * 0.98, ratio], rel=1e-3)


def test_made_pictures_decide_orderings_but_never_absolute_decibels(full, made_up):
    made = judged(full)
    real = judged(made_up.records(synthetic=False))
    for name, entry in made.items():
        if name.startswith(("table1-psnr-with-", "table1-psnr-without-")) and "-over-" not in name:
            assert entry["verdict"] == "untestable-here", name
            assert entry["measured"] is not None, name
            assert "made pictures" in entry["reason"], name
            assert real[name]["verdict"] in DECIDED, name
    assert made["table1-psnr-with-sid-unet-over-llpacknet"]["verdict"] == "reproduced"
    assert made["table1-psnr-with-sid-unet-over-llpacknet"]["data"] == "synthetic"
    assert made["readme-competitive"]["verdict"] == "untestable-here"


def test_the_sources_own_images_decide_a_mean_that_no_other_scenes_could_move(made_up):
    """release2022 is scored on 93 images of 50 scenes: the published mean itself must be reproduced."""
    made = made_up.records(
        ("llpacknet",), pictures=93, synthetic=False, protocols=("release2022",), per_scene=2
    )
    mean = sum(r.values["psnr"] for r in made if r.cell.measurement == "quality") / 93
    moved = [
        replace(r, values={**r.values, "psnr": r.values["psnr"] + 27.9418 - mean})
        if r.cell.measurement == "quality"
        else r
        for r in made
    ]
    assert judged(moved)["release2022-psnr"]["interval"] == pytest.approx([27.9418, 27.9418])
    assert judged(moved)["release2022-psnr"]["verdict"] == "reproduced"
    fewer = judged(moved[:-1])["release2022-psnr"]
    assert fewer["interval"][1] - fewer["interval"][0] > 0.1
    assert fewer["verdict"] == "not-reproduced"


def test_every_protocol_stands_for_one_of_the_two_exposures():
    for name, protocol in protocols.load().items():
        assert name in (evidence.WITH if protocol.gain == "ratio" else evidence.WITHOUT)


def test_times_of_different_runs_are_not_compared(full):
    apart = judged(changed(full, "sid-unet", "latency", run="another-run"))
    entry = apart["table1-time-sid-unet-llpacknet"]
    assert entry["verdict"] == "untestable-here"
    assert "one interleaved run" in entry["reason"]


def test_a_single_pass_has_a_ratio_only_with_the_runs_noise_floor(full):
    assert judged(full)["table1-time-sgn-llpacknet"]["verdict"] in DECIDED
    without = [
        replace(r, values={key: value for key, value in r.values.items() if not key.startswith("twin")})
        for r in full
    ]
    entry = judged(without)["table1-time-sgn-llpacknet"]
    assert entry["verdict"] == "untestable-here"
    assert "twin" in entry["reason"]


def test_an_unsteady_twin_widens_every_ratio_of_its_run(full):
    steady = judged(full)["table1-time-sid-unet-llpacknet"]["interval"]
    record = next(r for r in full if r.cell.model == "llpacknet" and r.cell.measurement == "latency")
    unsteady = [1.3 * sample for sample in record.values["samples_s"]]
    entry = judged(changed(full, "llpacknet", "latency", twin_samples_s=unsteady))[
        "table1-time-sid-unet-llpacknet"
    ]
    assert entry["interval"][0] < steady[0] / 1.2
    assert entry["interval"][1] > steady[1] * 1.2


def test_costs_at_another_size_do_not_decide_claims_about_full_resolution(made_up):
    small = judged(made_up.records(("sid-unet", "llpacknet"), frame=(712, 1064)))
    entry = small["table1-time-sid-unet-llpacknet"]
    assert entry["verdict"] == "untestable-here"
    assert "measured only at 712x1064" in entry["reason"]
    assert small["red-gmac-llpacknet"]["verdict"] == "within-tolerance"


def test_two_images_are_too_few_for_an_ordering(made_up):
    entry = judged(made_up.records(pictures=2))["table1-psnr-with-sid-unet-over-llpacknet"]
    assert entry["verdict"] == "untestable-here"
    assert "at least 3" in entry["reason"]


def test_pictures_of_different_parts_of_the_frame_are_not_compared(full):
    entry = judged(full)["table1-psnr-without-sid-unet-over-sgn"]
    assert entry["verdict"] == "untestable-here"
    assert "different parts" in entry["reason"]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (5.0, 6.9, "reproduced"),
        (4.0, 6.9, "within-tolerance"),
        (5.0, 9.0, "within-tolerance"),
        (3.2, 6.0, "not-reproduced"),
        (9.2, 9.9, "not-reproduced"),
        (4.71, 7.0, "reproduced"),
    ],
)
def test_verdicts_follow_the_interval_not_the_point(low, high, verdict):
    claim = next(claim for claim in claims.load()[0] if claim.id == "table1-time-sid-unet-llpacknet")
    assert claims._decide(claim, low, high)[0] == verdict


def test_the_file_is_strict_json_and_the_same_every_time(full, tmp_path, made_up):
    made_up.write(tmp_path, full)
    claims.write(tmp_path)
    first = (tmp_path / "claims.json").read_bytes()
    claims.write(tmp_path, Results(list(reversed(store.load(tmp_path)))))
    assert (tmp_path / "claims.json").read_bytes() == first
    for entry in json.loads(first, parse_constant=pytest.fail):
        assert {
            "id",
            "source",
            "published",
            "measured",
            "interval",
            "verdict",
            "protocol",
            "tolerance",
        } <= set(entry)
        assert entry["verdict"] in claims.VERDICTS
