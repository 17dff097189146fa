import json
from dataclasses import replace

import pytest

from bench.cli import main
from bench.judge import claims, commands, evidence, outcomes, stated
from bench.judge.results import Results
from bench.judge.trainings import Training
from bench.records import protocols, store
from llpacknet.errors import InputError

DECIDED = {"reproduced", "within-tolerance", "contradicted"}


def judged(made):
    return {one.id: one.as_json() for one in claims.judge(Results(made))}


@pytest.fixture(scope="module")
def full(made_up):
    return made_up.records()


@pytest.fixture(scope="module")
def verdicts(full):
    """What the full results decide."""
    return judged(full)


@pytest.fixture(scope="module")
def twelve(made_up):
    """Twelve scenes, an image each."""
    return made_up.records(images=12, per_scene=1)


def changed(made, model, kind, **values):
    return [
        replace(record, values={**record.values, **values})
        if (record.cell.model, record.cell.measurement) == (model, kind)
        else record
        for record in made
    ]


def test_every_claim_of_the_sources_has_an_entry_with_all_that_a_reader_needs():
    listed, conflicts = stated.load()
    ids = [claim.id for claim in listed] + [conflict.id for conflict in conflicts]
    assert len(ids) == len(set(ids)) >= 25
    for claim in listed:
        assert claim.title
        assert claim.source
        assert claim.published
        assert claim.rule
        assert claim.low <= claim.high
        assert claim.protocol or claim.quantity.startswith(("psnr", "ssim", "brightness", "none"))


def test_statements_that_differ_are_shown_with_both_figures_and_told_apart_by_their_conditions(verdicts):
    differ = verdicts["conflict-speed-sid"]
    assert differ["verdict"] == "conditions-differ"
    assert differ["reason"] == "two processors, neither named"
    assert "5.7x" in differ["published"]
    assert "3.4x" in differ["published"]
    assert differ["measured"] == pytest.approx(6.8, abs=0.1)
    assert verdicts["conflict-speed-range"]["verdict"] == "inconsistent-at-source"


def test_a_conflict_whose_statements_agree_is_refused():
    raw = {"id": "x", "title": "", "first": {"range": [1, 3]}, "second": {"range": [2, 4]}}
    with pytest.raises(ValueError, match="do not exclude each other"):
        stated.conflict(raw, {})


def test_without_results_nothing_is_decided():
    for entry in judged([]).values():
        assert entry["verdict"] not in DECIDED | {"inconclusive"}
        assert entry["measured"] is None
        assert entry["needs"] or entry["id"].startswith("conflict")


def test_what_could_be_run_here_is_told_from_what_cannot_be_had_with_the_command():
    entries = judged([])
    assert entries["red-time-sid-llpacknet"]["verdict"] == "not-run"
    assert entries["red-time-sid-llpacknet"]["commands"][0].startswith("llbench run --models")
    for name, missing in (
        ("red-gpu-sid-llpacknet", "CUDA"),
        ("release2022-psnr", "SID-Sony"),
        ("figure1-lime-seconds", "solver"),
        ("red-niqe-ma", "NIQE"),
    ):
        assert entries[name]["verdict"] == "untestable-here"
        assert missing in entries[name]["reason"]


def test_no_verdict_without_the_measurement_it_rests_on(full, verdicts):
    for name, entry in verdicts.items():
        assert entry["verdict"] not in DECIDED or (entry["rests_on"] and entry["commands"]), name
    for model, kind in sorted({(r.cell.model, r.cell.measurement) for r in full}):
        rest = [r for r in full if (r.cell.model, r.cell.measurement) != (model, kind)]
        after = judged(rest)
        for name, entry in verdicts.items():
            if any(
                cell.startswith(f"{kind} of {model} ") or cell == f"{kind} of {model}"
                for cell in entry["rests_on"]
            ):
                assert after[name]["measured"] is None or kind == "memory", name
                assert after[name]["verdict"] not in DECIDED or after[name]["members"], name


@pytest.fixture(scope="module")
def folder(made_up, tmp_path_factory):
    out = made_up.write(tmp_path_factory.mktemp("results"), made_up.records(images=5, per_scene=1))
    made_up.write_trainings(out, made_up.trainings())
    return out


@pytest.fixture(scope="module")
def decisions(folder):
    """What the folder's results decide."""
    return claims.judge(Results.load(folder))


def measured_otherwise(raw):
    """Change every measured figure of a result file."""
    if "arm" in raw:
        return {**raw, "curve": [[1500, 0.1, raw["curve"][-1][2] - 9]], "weights_sha256": "f" * 64}
    values, kind = dict(raw["values"]), raw["cell"]["measurement"]
    if kind == "latency":
        values["samples_s"] = [6 * one for one in values["samples_s"]]
        values["scopes"] = {name: [6 * one for one in times] for name, times in values["scopes"].items()}
        values |= {"twin_samples_s": [5 * one for one in values.get("twin_samples_s", ())] or None}
        values |= {"run_peak_samples_bytes": [3 * one for one in values.get("run_peak_samples_bytes", ())]}
        values = {key: value for key, value in values.items() if value is not None}
    elif kind == "memory":
        values |= {key: 3 * values[key] for key in ("run_peak_bytes", "process_peak_bytes")}
    elif kind == "complexity":
        values |= {key: value * 3 for key, value in values.items() if value is not None}
    elif kind == "kernels":
        values["seconds"] = {form: [one * (3 + len(form)) for one in times]
                             for form, times in values["seconds"].items()}  # fmt: skip
        values["largest_difference"] = dict.fromkeys(values["largest_difference"], 0.5)
    else:
        values |= {"psnr": values["psnr"] - 9, "ssim": values["ssim"] / 2, "gain": values["gain"] * 9}
    return {**raw, "values": values}


def rests_on(entry, raw):
    """Whether a verdict says that it rests on a result file."""
    if "arm" in raw:
        names = [f"trainings of {raw['arm']}, "]
    elif raw["cell"]["measurement"] == "quality":
        names = [f"quality of {raw['cell']['model']} under {raw['cell']['protocol']}, "]
    else:
        names = [f"{raw['cell']['measurement']} of {raw['cell']['model']}{end}" for end in (" (", "")]
        return any(names[0] in one or one == names[1] for one in entry["rests_on"])
    return any(one.startswith(names[0]) for one in entry["rests_on"])


def one_file_of_each_sort(folder):
    """One image stands for all of its method and protocol, one seed for all of its arm."""
    found = {}
    for path in [*store.files(folder), *sorted(folder.glob("unpack/runs/*.json"))]:
        raw = json.loads(path.read_text())
        sort = (raw["arm"],) if "arm" in raw else tuple({**raw["cell"], "image": None}.values())
        found.setdefault(sort, (path, raw))
    return list(found.values())


def test_changing_one_measured_file_changes_exactly_the_verdicts_that_rest_on_it(folder, decisions):
    whole = Results.load(folder)
    before = [one.as_json() for one in decisions]
    records = {record.cell: record for record in whole.records}
    files = one_file_of_each_sort(folder)
    orderings = {claim.id for claim in stated.load()[0] if claim.is_ordering}
    assert len(files) > 60
    flipped, decided = set(), {entry["id"] for entry in before if entry["verdict"] in DECIDED}
    for path, raw in files:
        text = path.read_text()
        path.write_text(json.dumps(measured_otherwise(raw)))
        if "arm" in raw:
            changed = Results.load(folder)
        else:  # the other files need not be read again
            record = store.read(path)
            changed = Results({**records, record.cell: record}.values(), whole.trainings)
        after = [one.as_json() for one in claims.judge(changed)]
        path.write_text(text)
        moved = {a["id"] for a, b in zip(before, after, strict=True) if a != b}
        resting = {entry["id"] for entry in before if rests_on(entry, raw)}
        assert resting <= moved, path.name
        # Orderings share one error, so that what decides one moves the ends of the others.
        assert moved - orderings == resting - orderings, path.name
        flipped |= {a["id"] for a, b in zip(before, after, strict=True) if a["verdict"] != b["verdict"]}
    assert len(flipped & decided) > len(decided) / 2


def test_a_slower_sid_unet_flips_the_verdicts_on_its_time(folder, decisions):
    before = {one.id: one.outcome for one in decisions}
    path = next(folder.glob("cells/latency_sid-unet_*.json"))
    text = path.read_text()
    path.write_text(json.dumps(measured_otherwise(json.loads(text))))
    after = {one.id: one.outcome for one in claims.judge(Results.load(folder))}
    path.write_text(text)
    assert {name for name, outcome in before.items() if outcome != after[name]} >= {
        "table1-time-sid-unet-llpacknet",
        "table1-time-amplifier",
    }


def with_peaks(made, **values):
    """Give methods the peaks of five rounds, in bytes, and the first as the peak of the whole process."""
    for model, peaks in values.items():
        made = changed(made, model, "memory", run_peak_bytes=peaks[0], process_peak_bytes=peaks[0])
        made = changed(made, model, "latency", run_peak_samples_bytes=list(peaks))
    return made


def test_memory_decides_where_both_definitions_of_it_lead_to_the_same(full):
    """SID U-Net : LLPackNet is claimed to be 5 GB / 3 GB."""
    claim = "table1-memory-sid-unet-llpacknet"
    peaks = {"sid-unet": [5_000_000_000] * 5, "llpacknet-2020": [3_000_000_000] * 5}
    made = full
    for model, some in peaks.items():
        made = with_peaks(made, **{model: some})
    found = judged(made)[claim]
    assert found["verdict"] == "reproduced"
    assert found["kind"] == "interval"
    assert "which also fits" in found["reason"]
    apart = judged(changed(made, "sid-unet", "memory", process_peak_bytes=12_000_000_000))[claim]
    assert (apart["verdict"], apart["why"]) == ("inconclusive", "definition")
    assert "4 x" in apart["reason"]


def test_a_peak_that_was_seen_once_is_known_to_the_worst_that_was_seen_of_two(verdicts):
    found = verdicts["table1-memory-sid-unet-llpacknet"]
    ratio = found["measured"]
    assert found["kind"] == "stated"
    assert found["interval"] == pytest.approx([ratio / 1.16**2, ratio * 1.16**2], rel=1e-5)


def test_a_claim_on_several_methods_is_decided_method_by_method(full, verdicts):
    found = verdicts["readme-parameters"]
    assert [one["name"] for one in found["members"]] == ["did", "sgn", "sid-unet"]
    assert found["verdict"] == "reproduced"
    assert found["reason"].startswith("holds for 3 of 3")
    fewer = judged(changed(full, "did", "complexity", parameters=9_900_000))["readme-parameters"]
    assert fewer["verdict"] == "contradicted"
    assert fewer["direction"] == "above"
    assert fewer["favours_authors"] is True
    assert fewer["reason"].startswith("holds for 2 of 3: did contradicted (above)")


def test_made_images_decide_orderings_but_never_absolute_decibels(twelve, made_up):
    made = judged(twelve)
    real = judged(made_up.records(images=12, per_scene=1, synthetic=False))
    for name, entry in made.items():
        if name.startswith("table1-psnr-without-") and "-over-" not in name:
            assert entry["verdict"] == "untestable-here", name
            assert entry["measured"] is not None, name
            assert "synthetic images" in entry["reason"], name
            assert real[name]["why"] == "range", name
    found = made["figure1-llpacknet-over-lime"]
    assert found["data"] == "synthetic"
    assert (
        "an ordering, not a distance"
        in made["table1-psnr-without-sid-unet-amplifier-over-sid-unet"]["reason"]
    )
    assert made["readme-competitive"]["verdict"] == "untestable-here"


def test_what_was_restored_in_part_is_compared_on_the_part_that_all_share(full):
    def on_part(record, psnr):
        return replace(record, values={**record.values, "part": {"psnr": psnr, "ssim": 0.7, "lpips": None}})

    level = {"sid-unet": 30.0, "sgn": 24.0}
    made = [on_part(r, level[r.cell.model]) if r.cell.image and r.cell.model in level else r for r in full]
    found = judged(made)["table1-psnr-without-sid-unet-over-sgn"]
    assert found["measured"] == 6.0
    assert "part of the images that all methods were scored on" in found["reason"]


def ordering(made, better, worse, apart):
    """Let one network be better than another by so many dB on every image, give or take a little."""
    sure = {r.cell.image: r.values["psnr"] for r in made if r.cell.model == worse and r.cell.image
            and r.cell.protocol == "paper2020-gt"}  # fmt: skip
    return [
        replace(r, values={**r.values, "psnr": sure[r.cell.image] + apart + 0.0001 * index})
        if r.cell.model == better and r.cell.protocol == "paper2020-gt"
        else r
        for index, r in enumerate(made)
    ]


@pytest.mark.parametrize(
    ("apart", "verdict", "why"),
    [(6.0, "reproduced", None), (-9.0, "contradicted", None), (1.0, "inconclusive", "one-training")],
)
def test_an_ordering_rests_on_the_stated_spread_of_training_too(twelve, apart, verdict, why):
    made = ordering(twelve, "red", "llpacknet", apart)
    found = judged(made)["red-psnr-red-over-llpacknet"]
    assert (found["verdict"], found["why"]) == (verdict, why)
    assert found["kind"] == "stated"


def test_several_trainings_replace_the_stated_spread(twelve, made_up):
    made = ordering(twelve, "red", "llpacknet", 3.0)
    repeats = [Results(ordering(twelve, "red", "llpacknet", 3.0 + 0.01 * n)) for n in range(1, 6)]
    (found,) = [
        one for one in claims.judge(Results(made, repeats=repeats)) if one.id == "red-psnr-red-over-llpacknet"
    ]
    assert found.outcome is outcomes.Outcome.REPRODUCED
    assert "training 5" in " ".join(found.rests_on)


def test_weights_that_were_not_trained_on_equal_terms_decide_no_ordering(twelve):
    made = ordering(twelve, "red", "llpacknet", 6.0)
    unequal = [
        replace(r, provenance={k: v for k, v in r.provenance.items() if k != "weights_terms"})
        if r.cell.model == "red"
        else r
        for r in made
    ]
    for some in ({"weights_terms": "equal", "weights_unfinished": True}, None):
        cut = made if some is None else [
            replace(r, provenance={**r.provenance, **some}) if r.cell.model == "red" else r for r in made
        ]  # fmt: skip
        found = judged(unequal if some is None else cut)["red-psnr-red-over-llpacknet"]
        assert (found["verdict"], found["why"]) == ("inconclusive", "weights")
    assert judged(unequal)["red-time-sid-llpacknet"]["verdict"] in DECIDED


def test_the_whole_restoration_is_a_verdict_of_its_own_beside_the_forward_pass(full, verdicts):
    alone, whole = (verdicts[f"readme-three-seconds{end}"] for end in ("", "-end-to-end"))
    assert alone["verdict"] == whole["verdict"] == "reproduced"
    assert whole["measured"] == pytest.approx(alone["measured"] + 0.2, abs=0.05)
    assert whole["n"] == 5
    assert whole["commands"][0].endswith("--dataset DIR")
    once = [
        replace(r, values={**r.values, "scopes": {**r.values["scopes"], "end_to_end": [2.4]}})
        if r.cell.measurement == "latency"
        else r
        for r in full
    ]
    found = judged(once)["readme-three-seconds-end-to-end"]
    assert (found["verdict"], found["why"]) == ("inconclusive", "single")


def test_loops_are_judged_by_their_time_together_and_only_over_processes(full, verdicts):
    assert verdicts["readme-2022-loops"]["verdict"] == "reproduced"
    assert verdicts["readme-2022-loops"]["measured"] == pytest.approx(0.8 / 0.23, rel=0.05)
    old = [
        replace(r, values={k: v for k, v in r.values.items() if k != "processes"}) for r in full
    ]  # rounds of one process, as earlier releases took them
    found = judged(old)["unpack-one-liner-speed"]
    assert (found["verdict"], found["why"]) == ("inconclusive", "one-process")


def test_an_amplifier_is_held_against_a_constant_gain_by_a_command_for_each():
    entry = judged([])["readme-amplification"]
    assert entry["verdict"] == "not-run"
    control, own = sorted(entry["commands"])
    assert "--models llpacknet-2020 " in own
    assert "--protocol paper2020 " in own
    assert "--models llpacknet " in control
    assert "--protocol paper2020-constant " in control
    assert {"paper2020", "paper2020-constant"} < set(protocols.load())


def trained(made_up, arms, seeds):
    made = made_up.trainings(arms, tuple(range(seeds)))
    return [
        Training(one["arm"], one["seed"], one["weights_sha256"], one["curve"][-1][2], one["setting"])
        for one in made.values()
    ]


def test_a_published_distance_is_contradicted_by_trainings_without_one(made_up):
    same = trained(made_up, (("unpack", 24.0), ("pixelshuffle", 24.0)), 5)
    apart = trained(made_up, (("unpack", 24.0), ("pixelshuffle", 22.66)), 5)
    found, other = (
        next(v for v in claims.judge(Results([], some)) if v.id == "ablation-unpack-distance")
        for some in (same, apart)
    )
    assert (found.outcome, found.direction) == (outcomes.Outcome.CONTRADICTED, "below")
    assert other.outcome is outcomes.Outcome.INCONCLUSIVE


def test_trainings_that_get_stuck_are_counted_and_three_of_each_decide_nothing(made_up):
    arms = (("unpack-single", 22.0), ("unpack-as-2020-single", 12.0))
    decided, few = (
        next(
            v
            for v in claims.judge(Results([], trained(made_up, arms, seeds)))
            if v.id == "readme-2022-much-more-stable"
        )
        for seeds in (10, 3)
    )
    assert (decided.outcome, decided.measured, decided.n) == (outcomes.Outcome.REPRODUCED, 1, 10)
    assert few.outcome is outcomes.Outcome.INCONCLUSIVE
    assert few.commands[0].endswith("--seeds 10")


@pytest.mark.parametrize(
    ("shares", "outcome"),
    [
        ([0.0] * 5, "reproduced"),
        ([0.02, 0.03, 0.02, 0.04, 0.05], "contradicted"),
        ([0.0, 0.0, 0.0, 0.0, 0.3], "inconclusive"),
        ([0.0] * 3, "inconclusive"),
        ([None] * 10, "not-run"),
    ],
)
def test_whether_dark_regions_vanish_is_decided_by_what_five_trainings_leave_dark(shares, outcome):
    kept = [Training("unpack-single", seed, str(seed), 22.0, {}, dark) for seed, dark in enumerate(shares)]
    found = {one.id: one for one in claims.judge(Results([], kept))}["readme-2022-underexposed"]
    assert found.outcome == outcome
    assert found.commands[0].endswith("--seeds 10")


def test_random_weights_decide_no_ordering(twelve):
    made = ordering(twelve, "red", "llpacknet", 6.0)
    assert judged(made)["red-psnr-red-over-llpacknet"]["verdict"] in DECIDED
    found = judged(changed(made, "red", "quality", random_weights=True))["red-psnr-red-over-llpacknet"]
    assert (found["verdict"], found["why"]) == ("inconclusive", "weights")
    assert "the weights of one method are random" in found["reason"]


def test_orderings_share_one_error(twelve):
    """One alone is decided by seven scenes of one sign, but not as one of many."""
    made = [
        r for r in ordering(twelve, "red", "llpacknet", 6.0) if r.cell.image is None or r.cell.image < "10010"
    ]
    claim = next(one for one in stated.load()[0] if one.id == "red-psnr-red-over-llpacknet")
    results = Results(made)
    assert claims.verdict(claim, results).outcome is outcomes.Outcome.REPRODUCED
    together = judged(made)[claim.id]
    assert (together["verdict"], together["why"]) == ("inconclusive", "range")
    assert "orderings tested together" in together["reason"]


def test_the_sources_own_images_decide_a_mean_that_no_other_scenes_could_move(made_up):
    """release2022 is scored on 93 images of 50 scenes: the published mean itself must be reproduced."""
    made = made_up.records(
        ("llpacknet",), images=93, synthetic=False, protocols=("release2022",), per_scene=2
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
    assert fewer["verdict"] == "inconclusive"


def test_every_protocol_stands_for_one_of_the_two_exposures():
    for name, protocol in protocols.load().items():
        if protocol.control_of:
            continue
        assert name in (evidence.WITH if protocol.gain == "ratio" else evidence.WITHOUT)


def test_times_of_different_runs_are_not_compared(full):
    apart = judged(changed(full, "sid-unet", "latency", run="another-run"))
    entry = apart["red-time-sid-llpacknet"]
    assert entry["verdict"] == "not-run"
    assert "one interleaved run" in entry["reason"]


@pytest.mark.parametrize(
    ("hours", "changes", "outcome"),
    [(2, {}, "reproduced"), (4, {}, "not-run"), (2, {"threads": 3}, "not-run")],
)
def test_a_single_pass_is_compared_with_what_the_machine_took_within_three_hours(
    full, hours, changes, outcome
):
    def timed(record, hour):
        moment = {"utc": f"2026-11-29T{hour:02d}:00:00Z"}
        return {**record.environment, "rounds": [{"before": moment, "after": moment}]}

    apart = [
        replace(one, environment={**timed(one, 12 + hours), **changes}, values={**one.values, "run": "later"})
        if (one.cell.model, one.cell.measurement) == ("did", "latency")
        else replace(one, environment=timed(one, 12))
        for one in full
    ]
    assert judged(apart)["table1-time-did-over-sgn"]["verdict"] == outcome


def test_a_single_pass_decides_only_by_a_margin_of_two(verdicts):
    ratio = verdicts["table1-time-did-llpacknet"]["measured"]
    assert verdicts["table1-time-did-llpacknet"]["interval"] == pytest.approx(
        [ratio / 2, ratio * 2], rel=1e-5
    )
    assert verdicts["table1-time-did-llpacknet"]["verdict"] == "inconclusive"
    assert verdicts["table1-time-did-over-sgn"]["verdict"] == "reproduced"
    absolute = verdicts["table1-seconds-did"]
    assert absolute["kind"] == "stated"
    assert absolute["interval"] == pytest.approx(
        [absolute["measured"] / 2, absolute["measured"] * 2], rel=1e-5
    )


def test_a_time_on_a_processor_without_a_name_decides_nothing_whether_it_agrees_or_not(full, verdicts):
    quicker = judged(changed(full, "red", "latency", samples_s=[1.17] * 15))
    for entries in (verdicts, quicker):
        found = entries["red-seconds-red"]
        assert (found["verdict"], found["why"]) == ("inconclusive", "machine")
    assert quicker["red-seconds-red"]["measured"] == 1.17
    assert quicker["readme-three-seconds"]["verdict"] == "reproduced"


def test_a_verdict_on_a_ratio_of_times_names_the_cores(verdicts):
    found = verdicts["red-time-sid-llpacknet"]
    assert found["protocol"].endswith("on 2 cores")
    assert found["reason"].startswith("on 2 cores")


def test_a_ratio_of_times_that_is_contradicted_says_that_the_source_names_no_cores(full):
    quicker = judged(changed(full, "sid-unet", "latency", samples_s=[2.0] * 15))["red-time-sid-llpacknet"]
    assert quicker["verdict"] == "contradicted"
    assert "does not say on how many cores" in quicker["reason"]


def test_thread_counts_that_disagree_leave_a_ratio_open(full):
    """SID U-Net as fast as LLPackNet on four threads, but not on two."""
    more = [
        replace(
            r, cell=replace(r.cell, threads=4), values={**r.values, "run": "run-2", "samples_s": [2.0] * 15}
        )
        for r in full
        if r.cell.measurement == "latency" and r.cell.model in {"sid-unet", "llpacknet"}
    ]
    found = judged([*full, *more])["red-time-sid-llpacknet"]
    assert (found["verdict"], found["why"]) == ("inconclusive", "threads")
    assert "sid-unet on 4 threads" in found["reason"]


def test_rounds_that_drift_decide_nothing(full):
    drifting = [2.3 + 0.1 * number for number in range(5) for _ in range(3)]
    found = judged(changed(full, "llpacknet-2020", "latency", samples_s=drifting))["readme-three-seconds"]
    assert (found["verdict"], found["why"], found["kind"]) == ("inconclusive", "drift", "range")


def test_two_rounds_decide_nothing(made_up):
    found = judged(made_up.records(("llpacknet-2020",), rounds=2))["readme-three-seconds"]
    assert (found["verdict"], found["why"], found["n"]) == ("inconclusive", "range", 2)


def test_an_unsteady_twin_widens_every_ratio_of_its_run(full, verdicts):
    steady = verdicts["red-time-sid-llpacknet"]["interval"]
    record = next(r for r in full if r.cell.model == "llpacknet" and r.cell.measurement == "latency")
    unsteady = [1.3 * sample for sample in record.values["samples_s"]]
    entry = judged(changed(full, "llpacknet", "latency", twin_samples_s=unsteady))["red-time-sid-llpacknet"]
    assert entry["interval"][0] < steady[0] / 1.2
    assert entry["interval"][1] > steady[1] * 1.2


def test_costs_at_another_size_do_not_decide_claims_about_full_resolution(made_up):
    small = judged(made_up.records(("sid-unet", "llpacknet"), frame=(712, 1064)))
    entry = small["red-time-sid-llpacknet"]
    assert entry["verdict"] == "not-run"
    assert "measured only at 712x1064" in entry["reason"]
    assert small["red-gmac-llpacknet"]["why"] == "definition"


def test_images_of_different_parts_of_the_frame_are_not_compared(verdicts):
    entry = verdicts["table1-psnr-without-sid-unet-over-sgn"]
    assert entry["verdict"] == "not-run"
    assert "different parts" in entry["reason"]


def test_the_file_is_strict_json_and_the_same_every_time(full, tmp_path, made_up):
    made_up.write(tmp_path, full)
    verdicts = claims.write(tmp_path)
    first = (tmp_path / "claims.json").read_bytes()
    claims.write(tmp_path, Results(list(reversed(store.load(tmp_path)))))
    assert (tmp_path / "claims.json").read_bytes() == first
    keys = {"id", "source", "published", "measured", "interval", "verdict", "direction", "n", "protocol",
            "tolerance"}  # fmt: skip
    for entry in json.loads(first, parse_constant=pytest.fail):
        assert keys <= set(entry)
        assert entry["verdict"] in set(outcomes.Outcome)
    assert outcomes.read(tmp_path / "claims.json") == verdicts


OLD = {
    "id": "x", "title": "t", "source": "s", "published": "p", "range": [1, None], "measured": 2, "unit": "x",
    "interval": [1.5, 2.5], "protocol": "p", "tolerance": {"value": 0.1, "kind": "relative"}, "rule": "r",
    "needs": None, "data": None, "rests_on": ["a"], "commands": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "reason", "outcome", "direction"),
    [
        ("reproduced", "the interval lies inside the claimed range", "reproduced", None),
        ("not-reproduced", "the interval lies below the widened range", "contradicted", "below"),
        ("not-reproduced", "the interval lies above the widened range; x", "contradicted", "above"),
        (
            "not-reproduced",
            "the interval reaches out of the widened range; a narrower one",
            "inconclusive",
            None,
        ),
    ],
)
def test_a_file_of_an_older_release_is_read(tmp_path, verdict, reason, outcome, direction):
    path = tmp_path / "claims.json"
    path.write_text(json.dumps([{**OLD, "verdict": verdict, "reason": reason}]))
    (found,) = outcomes.read(path)
    assert (found.outcome, found.direction) == (outcome, direction)
    assert found.claimed == (1, None)


def test_a_file_that_holds_no_verdicts_is_named_in_one_line(tmp_path):
    (tmp_path / "claims.json").write_text('{"verdict": 1}')
    with pytest.raises(
        InputError, match=r"claims\.json is not a claims\.json .*: write it with 'llbench claims DIR'"
    ):
        outcomes.read(tmp_path / "claims.json")


def test_trainings_of_three_seeds_decide_what_the_sources_say_of_unpack(decisions, made_up, tmp_path):
    entries = {one.id: one.as_json() for one in decisions}
    assert entries["ours-batched"]["verdict"] == "reproduced"
    assert entries["ours-batched"]["measured"] == pytest.approx(5, abs=0.2)
    assert entries["ablation-unpack-training"]["verdict"] == "inconclusive"
    some = made_up.trainings(seeds=(0, 1, 2, 3))
    some["unpack-old.seed-3.json"]["diverged"] = "no finite loss at step 800"
    del some["unpack-old-as-2020.seed-3.json"], some["unpack-old-as-2020.seed-2.json"]
    made_up.write(tmp_path, made_up.records(("llpacknet",), images=1))
    made_up.write_trainings(tmp_path, some)
    fewer = {one.id: one.as_json() for one in claims.judge(Results.load(tmp_path))}
    assert "unpack-old diverged" in fewer["ours-batched"]["reason"]
    assert fewer["ours-batched"]["verdict"] == "reproduced"
    assert fewer["ours-batched-as-2020"]["verdict"] == "not-run"
    assert "2 common seed(s)" in fewer["ours-batched-as-2020"]["reason"]


def test_trainings_that_end_with_the_same_weights_differ_by_exactly_nothing(decisions):
    found = next(one for one in decisions if one.id == "readme-2022-stability")
    assert (found.outcome, found.direction, found.kind) == ("contradicted", "below", "exact")


def test_a_file_that_is_no_training_is_named_in_one_line(folder, tmp_path, made_up):
    made_up.write(tmp_path, made_up.records(("llpacknet",), images=1))
    made_up.write_trainings(tmp_path, {"unpack.seed-0.json": {"arm": "unpack"}})
    with pytest.raises(InputError, match=r"unpack.seed-0.json is not a training"):
        Results.load(tmp_path)


def test_a_ratio_comes_with_one_command_that_times_both_in_one_run(verdicts):
    (line,) = verdicts["red-time-sid-llpacknet"]["commands"]
    assert line == (
        "llbench run --models llpacknet,sid-unet --measure latency --device cpu --runtime published "
        "--precision fp32 --size 2848x4256 --threads 2 --out OUT"
    )
    assert verdicts["table1-time-sgn-llpacknet"]["commands"] == (
        "llbench reproduce --tier quick --models llpacknet-2020,sgn --out OUT",
    )


@pytest.mark.parametrize(("images", "tier"), [(3, "quick"), (6, "standard")])
def test_what_was_cut_short_is_measured_again_by_the_shortest_tier_with_as_many_images(made_up, images, tier):
    records = [one for one in made_up.records(("sgn",), images=images) if one.cell.image]
    cut = [replace(one, values=one.values | {"area_fraction": 0.25}) for one in records]
    assert commands.of_records(cut) == [f"llbench reproduce --tier {tier} --models sgn --out OUT"]


@pytest.mark.parametrize(
    ("images", "protocol"), [(0, "release2022"), (2, "release2022"), (3, "paper2020-gt")]
)
def test_with_gt_exposure_is_the_papers_own_protocol_once_it_judged_enough(made_up, images, protocol):
    records = made_up.records(("llpacknet",), images=6, protocols=("release2022",))
    own = made_up.records(("llpacknet",), images=images, protocols=("paper2020-gt",))
    records += [record for record in own if record.cell.image]
    assert evidence.with_protocol(Results(records)) == protocol


def test_the_command_shows_claims_of_outcomes_asked_for(full, made_up, tmp_path, capsys, verdicts):
    made_up.write(tmp_path, full)
    assert main(["claims", str(tmp_path), "--outcome", "not-run,contradicted", "--json"]) == 0
    shown = {one["id"]: one["verdict"] for one in json.loads(capsys.readouterr().out)}
    assert set(shown.values()) == {"not-run", "contradicted"}
    assert shown == {
        key: one["verdict"] for key, one in verdicts.items() if one["verdict"] in {"not-run", "contradicted"}
    }
    assert main(["claims", str(tmp_path), "--outcome", "wrong"]) == 2
    assert "choose from reproduced" in capsys.readouterr().err
    kept = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert len(kept) == len(verdicts)
