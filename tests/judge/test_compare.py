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
