import json
from dataclasses import replace

import pytest

from bench.judge import claims, commands, evidence
from bench.judge.results import Results
from bench.records import protocols, store
from llpacknet.errors import InputError

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
    for name, entry in before.items():
        assert entry["verdict"] not in DECIDED or (entry["rests_on"] and entry["commands"]), name
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


@pytest.fixture(scope="module")
def folder(made_up, tmp_path_factory):
    out = made_up.write(tmp_path_factory.mktemp("results"), made_up.records(pictures=3))
    made_up.write_trainings(out, made_up.trainings())
    return out


def measured_otherwise(raw):
    """Change every measured figure of a result file."""
    if "arm" in raw:
        return {**raw, "curve": [[1500, 0.1, raw["curve"][-1][2] - 9]]}
    values, kind = dict(raw["values"]), raw["cell"]["measurement"]
    if kind == "latency":
        values["samples_s"] = [6 * one for one in values["samples_s"]]
        values |= {"twin_samples_s": [5 * one for one in values.get("twin_samples_s", ())] or None}
        values |= {"run_peak_samples_bytes": [3 * one for one in values.get("run_peak_samples_bytes", ())]}
        values = {key: value for key, value in values.items() if value is not None}
    elif kind == "memory":
        values["run_peak_bytes"] *= 3
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
    """One picture stands for all of its method and protocol, one seed for all of its arm."""
    found = {}
    for path in [*store.files(folder), *sorted(folder.glob("unpack/runs/*.json"))]:
        raw = json.loads(path.read_text())
        sort = (raw["arm"],) if "arm" in raw else tuple({**raw["cell"], "image": None}.values())
        found.setdefault(sort, (path, raw))
    return list(found.values())


def test_changing_one_measured_file_changes_exactly_the_verdicts_that_rest_on_it(folder):
    whole = Results.load(folder)
    before, records = claims.judge(whole), {record.cell: record for record in whole.records}
    files = one_file_of_each_sort(folder)
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
        after = claims.judge(changed)
        path.write_text(text)
        moved = {a["id"] for a, b in zip(before, after, strict=True) if a != b}
        assert moved == {entry["id"] for entry in before if rests_on(entry, raw)}, path.name
        flipped |= {a["id"] for a, b in zip(before, after, strict=True) if a["verdict"] != b["verdict"]}
    assert len(flipped & decided) > len(decided) / 2


def test_a_slower_sid_unet_flips_four_verdicts(folder):
    before = claims.judge(Results.load(folder))
    path = next(folder.glob("cells/latency_sid-unet_*.json"))
    text = path.read_text()
    path.write_text(json.dumps(measured_otherwise(json.loads(text))))
    after = claims.judge(Results.load(folder))
    path.write_text(text)
    assert {a["id"] for a, b in zip(before, after, strict=True) if a["verdict"] != b["verdict"]} == {
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


def test_weights_of_an_unfinished_training_decide_nothing(full):
    claim = "table1-psnr-with-sid-unet-over-llpacknet"
    assert judged(full)[claim]["verdict"] in DECIDED
    cut = [
        replace(r, provenance={**r.provenance, "weights_unfinished": True})
        if (r.cell.model, r.cell.measurement) == ("sid-unet", "quality")
        else r
        for r in full
    ]
    entry = judged(cut)[claim]
    assert entry["verdict"] == "untestable-here"
    assert "unfinished" in entry["reason"]
    assert judged(cut)["table1-time-sid-unet-llpacknet"]["verdict"] in DECIDED


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


def test_trainings_of_three_seeds_decide_what_the_sources_say_of_unpack(folder, made_up, tmp_path):
    entries = {entry["id"]: entry for entry in claims.judge(Results.load(folder))}
    assert entries["readme-2022-stability"]["verdict"] == "reproduced"
    assert entries["readme-2022-stability"]["measured"] == pytest.approx(5, abs=0.2)
    assert entries["ablation-unpack-training"]["verdict"] == "not-reproduced"
    assert "below the widened range" in entries["ablation-unpack-training"]["reason"]
    some = made_up.trainings(seeds=(0, 1, 2, 3))
    some["unpack-old.seed-3.json"]["diverged"] = "no finite loss at step 800"
    del some["unpack-old-as-2020.seed-3.json"], some["unpack-old-as-2020.seed-2.json"]
    made_up.write(tmp_path, made_up.records(("llpacknet",), pictures=1))
    made_up.write_trainings(tmp_path, some)
    fewer = {entry["id"]: entry for entry in claims.judge(Results.load(tmp_path))}
    assert "unpack-old diverged" in fewer["readme-2022-stability"]["reason"]
    assert fewer["readme-2022-stability"]["verdict"] == "reproduced"
    assert fewer["readme-2022-stability-as-2020"]["verdict"] == "untestable-here"
    assert "2 common seed(s)" in fewer["readme-2022-stability-as-2020"]["reason"]


def test_a_file_that_is_no_training_is_named_in_one_line(folder, tmp_path, made_up):
    made_up.write(tmp_path, made_up.records(("llpacknet",), pictures=1))
    made_up.write_trainings(tmp_path, {"unpack.seed-0.json": {"arm": "unpack"}})
    with pytest.raises(InputError, match=r"unpack.seed-0.json is no training"):
        Results.load(tmp_path)


def test_a_ratio_comes_with_one_command_that_times_both_in_one_run(full):
    entries = judged(full)
    (line,) = entries["table1-time-sid-unet-llpacknet"]["commands"]
    assert line == (
        "llbench run --models llpacknet,sid-unet --measure latency --device cpu --runtime published "
        "--precision fp32 --size 2848x4256 --threads 2 --out OUT"
    )
    assert entries["table1-time-sgn-llpacknet"]["commands"] == [
        "llbench reproduce --tier quick --models llpacknet,sgn --out OUT"
    ]


@pytest.mark.parametrize(("pictures", "tier"), [(3, "quick"), (6, "standard")])
def test_what_was_cut_short_is_measured_again_by_the_shortest_tier_with_as_many_pictures(
    made_up, pictures, tier
):
    records = [one for one in made_up.records(("sgn",), pictures=pictures) if one.cell.image]
    cut = [replace(one, values=one.values | {"area_fraction": 0.25}) for one in records]
    assert commands.of_records(cut) == [f"llbench reproduce --tier {tier} --models sgn --out OUT"]


@pytest.mark.parametrize(
    ("pictures", "protocol"), [(0, "release2022"), (2, "release2022"), (3, "paper2020-gt")]
)
def test_with_gt_exposure_is_the_papers_own_protocol_once_it_judged_enough(made_up, pictures, protocol):
    records = made_up.records(("llpacknet",), pictures=6, protocols=("release2022",))
    own = made_up.records(("llpacknet",), pictures=pictures, protocols=("paper2020-gt",))
    records += [record for record in own if record.cell.image]
    assert evidence.with_protocol(Results(records)) == protocol
