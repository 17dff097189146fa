"""Two results folders against each other: verdicts, likely causes, and no times across machines unasked."""

import json
from dataclasses import replace

import pytest

from bench.cli import main
from bench.judge.compare import compare
from bench.judge.verdicts import Limits
from bench.records import store
from bench.records.cells import Record

MACHINE = {
    "cpu": {"model": "A", "flags": "avx avx2 fma", "affinity": [0, 1]},
    "libraries": {"torch": "2.13.0", "numpy": "2.4.6"},
    "capability": "AVX2",
    "threads": 2,
}


@pytest.fixture
def records(made_up):
    made = made_up.records(("llpacknet", "red"), rounds=8, frame=(64, 96))
    return [replace(record, environment=MACHINE) for record in made]


def on(records, **changed):
    return [replace(record, environment={**MACHINE, **changed}) for record in records]


def scaled(records, factor, run="another"):
    """The same results with times longer by a factor, from another run."""
    made = []
    for record in records:
        values = dict(record.values)
        for key in {"samples_s", "twin_samples_s"} & set(values):
            values[key] = [factor * sample for sample in values[key]]
        made.append(replace(record, values={**values, **({"run": run} if "run" in values else {})}))
    return made


def words(found, quantity):
    return {one.verdict for one in found.findings if one.quantity == quantity}


def test_results_against_themselves_show_no_difference(records):
    found = compare(records, records, Limits())
    assert not found.causes
    assert words(found, "gmac") | words(found, "memory") | words(found, "psnr") == {"equal"}
    assert not any(one.fallen for one in found.findings)


def test_a_cell_twice_as_slow_is_slower_with_its_interval(records):
    found = compare(records, scaled(records, 2.0), Limits())
    for one in (one for one in found.findings if one.quantity == "latency"):
        assert one.verdict == "slower"
        assert one.interval[0] < 1.0 < one.interval[1]
    assert "not measured in one run" in found.notes[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"cpu": {**MACHINE["cpu"], "model": "B"}},
        {"cpu": {**MACHINE["cpu"], "flags": "avx avx2 avx512f fma"}},
        {"capability": "AVX512"},
    ],
)
def test_times_of_different_machines_are_judged_only_when_asked(records, changed):
    other = on(scaled(records, 2.0), **changed)
    found = compare(records, other, Limits())
    assert found.refused
    assert words(found, "latency") == {"not judged"}
    assert "different machines" in found.notes[0]
    assert words(found, "gmac") == {"equal"}
    asked = compare(records, other, Limits(), across_machines=True)
    assert words(asked, "latency") == {"slower"}


def test_the_likeliest_cause_comes_first(records):
    threads = [replace(one, cell=replace(one.cell, threads=one.cell.threads and 1)) for one in records]
    libraries = {"torch": "2.12.0", "numpy": "2.4.6"}
    other = on(threads, libraries=libraries, cpu={**MACHINE["cpu"], "flags": "avx avx2 avx512f fma"})
    names = [cause.name for cause in compare(records, other, Limits()).causes]
    assert names == ["threads", "CPU flags", "torch"]
    flags = next(one for one in compare(records, other, Limits()).causes if one.name == "CPU flags")
    assert (flags.base, flags.head) == ("none more", "avx512f")


def test_a_condition_of_what_only_one_side_has_is_no_cause(records):
    def with_weights(some, **weights):
        return [
            replace(one, provenance={**one.provenance, "weights_sha256": weights[one.cell.model]})
            for one in some
            if one.cell.model in weights
        ]

    base = with_weights(records, llpacknet="a" * 64, red="b" * 64)
    assert not compare(base, with_weights(records, llpacknet="a" * 64), Limits()).causes
    alone = [replace(one, cell=replace(one.cell, runtime="eager")) for one in base if one.cell.runtime]
    assert not compare([*base, *alone], base, Limits()).causes
    elsewhere = [replace(one, cell=replace(one.cell, dataset="another")) for one in base if one.cell.dataset]
    assert not compare([*base, *alone], elsewhere, Limits()).causes
    (cause,) = compare(base, with_weights(records, llpacknet="c" * 64), Limits()).causes
    assert str(cause) == "weights: aaaaaaaaaaaa | cccccccccccc"


def peaks(records, *rounds):
    """Results with these peaks of the rounds, in MB."""
    every = [round(1e6 * peak) for peak in rounds]
    seen = {"memory": {"run_peak_bytes": every[0]}, "latency": {"run_peak_samples_bytes": every}}
    return [replace(one, values={**one.values, **seen.get(one.cell.measurement, {})}) for one in records]


# Seen in runs of one network on one machine: LLPackNet, RED, SID U-Net at 712x1064, LLPackNet at full size.
@pytest.mark.parametrize(
    ("frame", "base", "head"),
    [
        ((712, 1064), (111.4, 96.5), (91.6, 68.8)),
        ((712, 1064), (111.4, 96.5), (70.6, 90.8)),
        ((712, 1064), (111.4,), (68.8,)),
        ((712, 1064), (147.8, 147.4), (119.6, 120.2)),
        ((712, 1064), (227.0,), (342.2,)),
        ((2848, 4256), (609.7,), (732.0,)),
        ((2848, 4256), (703.0, 630.4), (706.0, 632.5, 705.6, 709.3, 609.7)),
    ],
)
def test_peaks_of_one_network_in_two_runs_are_neither_better_nor_worse(made_up, frame, base, head):
    made = made_up.records(("llpacknet",), rounds=2, frame=frame)
    for one, other in ((base, head), (head, base)):
        found = compare(peaks(made, *one), peaks(made, *other), Limits())
        assert words(found, "memory") in ({"equal"}, {"inconclusive"})


def test_memory_beyond_its_repeatability_is_worse_and_less_is_better(made_up):
    for frame, base, head in (((712, 1064), 70.0, 130.0), ((2848, 4256), 700.0, 850.0)):
        made = made_up.records(("llpacknet",), rounds=2, frame=frame)
        one, other = peaks(made, base, base), peaks(made, head, head)
        assert words(compare(one, other, Limits()), "memory") == {"worse"}
        assert words(compare(other, one, Limits()), "memory") == {"better"}


def test_peaks_that_cannot_be_told_apart_are_said_to_be_so(made_up):
    made = made_up.records(("llpacknet",), rounds=2, frame=(712, 1064))
    found = compare(peaks(made, 111.4, 96.5), peaks(made, 91.6, 68.8), Limits())
    (one,) = (one for one in found.findings if one.quantity == "memory")
    assert (one.base, one.head) == (pytest.approx(103.95e6), pytest.approx(80.2e6))
    assert one.reason == "-22.85%; peaks of one network differ by up to 52.1 MB between runs"
    assert "llbench gate" in found.notes[-1]


def test_the_folders_of_a_gate_keep_the_limits_of_the_gate(made_up):
    made = made_up.records(("llpacknet",), rounds=2, frame=(712, 1064))
    memory = [one for one in made if one.cell.measurement == "memory"]
    base, head = (
        [replace(one, values={**one.values, "run_peak_samples_bytes": [peak] * 3}) for one in memory]
        for peak in (71_000_000, 75_000_000)
    )
    assert words(compare(base, head, Limits()), "memory") == {"worse"}


def test_a_cell_that_fails_on_one_side_is_named(records):
    broken = [
        Record(one.cell, "crash", "it broke") if one.cell.measurement == "memory" else one for one in records
    ]
    found = compare(records, broken, Limits())
    assert words(found, "memory") == {"failed"}


def test_images_are_compared_over_scenes(records):
    worse = [
        replace(one, values={**one.values, "psnr": one.values["psnr"] - 0.05})
        if one.cell.measurement == "quality"
        else one
        for one in records
    ]
    assert words(compare(records, worse, Limits()), "psnr") == {"worse"}


def test_a_loss_on_one_device_is_not_hidden_by_the_other(records):
    seen = [one for one in records if one.cell.measurement == "quality" and one.status == "ok"]
    again = [replace(one, cell=replace(one.cell, device="cuda")) for one in seen]
    worse = [replace(one, values={**one.values, "psnr": one.values["psnr"] - 1}) for one in seen]
    found = compare(seen + again, worse + again, Limits())
    devices = {one.detail["device"]: one.verdict for one in found.findings if one.quantity == "psnr"}
    assert devices == {"cpu": "worse", "cuda": "equal"}


def test_on_the_command_line(records, tmp_path, capsys):
    for name, some in (("a", records), ("b", on(scaled(records, 2.0), capability="AVX512"))):
        for record in some:
            store.write(tmp_path / name, record)
    folders = [str(tmp_path / name) for name in "ab"]
    assert main(["compare", *folders]) == 0
    shown = capsys.readouterr().out
    assert shown.index("instruction set") < shown.index("not judged")
    assert main(["compare", *folders, "--across-machines", "--strict", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["refused"] is False
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "nothing")]) == 2


def test_a_folder_compared_with_itself_is_said_to_be(records, tmp_path, capsys):
    for record in records:
        store.write(tmp_path / "a", record)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    main(["compare", str(tmp_path / "a"), str(tmp_path / "b")])
    assert "are the same folder" in capsys.readouterr().err
