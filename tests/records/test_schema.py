"""Each way in which a result file can be wrong is told by its own words."""

import json
from dataclasses import asdict

import pytest
from jsonschema import Draft202012Validator

from bench.records import schema
from bench.records.cells import Cell, Record

FORM = {"device": "cpu", "runtime": "published", "precision": "fp32", "threads": 2}
SIZED = {"height": 64, "width": 96}
RIGHT = {
    "latency": Record(
        Cell("red", "latency", **FORM, **SIZED),
        "ok",
        values={
            "samples_s": [1.0, 2.0], "round": [0, 1], "turn": [0, 0], "cold_s": 1.0, "run": "a",
            "single_pass": False, "twin_samples_s": [1.0], "twin_round": [0],
        },
    ),
    "memory": Record(
        Cell("red", "memory", **FORM, **SIZED),
        "ok",
        values={"run_peak_bytes": 3, "load_peak_bytes": 1, "process_peak_bytes": 4, "method": "VmHWM"},
    ),
    "complexity": Record(
        Cell("red", "complexity", **SIZED),
        "ok",
        values={"parameters": 3, "parameters_published": 3, "gmac": 1.5},
    ),
    "quality": Record(
        Cell("red", "quality", dataset="d", protocol="release2022", image="i", **FORM),
        "ok",
        values={"psnr": 20.0, "ssim": 0.5, "lpips": 0.1, "gain": None, "ratio": 100.0, "area_fraction": 1.0},
    ),
    "kernels": Record(
        Cell("llpacknet", "kernels", device="cpu", precision="fp32", threads=2, **SIZED),
        "ok",
        values={
            "seconds": {"a": [1.0], "b": [2.0]}, "largest_difference": {"a": 0.0}, "batch_size": 2,
            "batch": {"a": "equal"}, "peaks": {"copy": [1e9]},
        },
    ),
    "profile": Record(
        Cell("red", "profile", **FORM, **SIZED),
        "ok",
        values={
            "seconds": 1.0, "unprofiled_s": 0.9,
            "kinds": {"sums": {"seconds": 1.0, "operations": 0.0}},
        },
    ),
}  # fmt: skip


def part(of, kind):
    """What the schema says of the cell or the values of a measurement."""
    return schema.SCHEMA["$defs"][f"{kind}-{of}"]


@pytest.mark.parametrize("kind", list(RIGHT))
def test_a_right_one_has_no_problem(kind):
    assert schema.problems(asdict(RIGHT[kind])) == []


@pytest.mark.parametrize(
    ("kind", "wrong", "told"),
    [
        ("latency", {"samples_s": []}, "values.samples_s is not a list of positive seconds"),
        ("latency", {"samples_s": [1.0, -1.0]}, "values.samples_s is not a list of positive seconds"),
        ("latency", {"round": [0]}, "values.round does not name a round for each samples_s"),
        ("latency", {"turn": [0, -1]}, "values.turn is not a list of counts"),
        ("latency", {"turn": [0]}, "values.turn does not name a turn for each samples_s"),
        (
            "latency",
            {"twin_round": [0, 0]},
            "values.twin_round does not name a round for each twin_samples_s",
        ),
        ("latency", {"cold_s": 0}, "values.cold_s is not a positive number of seconds"),
        ("latency", {"single_pass": 1}, "values.single_pass is not true or false"),
        ("latency", {"run": 7}, "values.run is not the name of a run"),
        ("memory", {"load_peak_bytes": 1.5}, "values.load_peak_bytes is not a count of bytes"),
        ("memory", {"run_peak_bytes": -1}, "values.run_peak_bytes is not a count of bytes"),
        ("complexity", {"parameters": -1}, "values.parameters is not a count"),
        ("complexity", {"layer_bytes": 0.5}, "values.layer_bytes is not a count"),
        ("complexity", {"gmac": -1.0}, "values.gmac is not null or a number from 0 on"),
        ("quality", {"psnr": "high"}, "values.psnr is not a number or 'inf'"),
        ("quality", {"ssim": 1.01}, "values.ssim is not a number in [-1, 1]"),
        ("quality", {"lpips": None}, "values.lpips is null without lpips_reason"),
        ("quality", {"lpips": -0.1}, "values.lpips is not null or a number from 0 on"),
        ("quality", {"gain": "much"}, "values.gain is not null or a number"),
        ("quality", {"ratio": 0}, "values.ratio is not a positive number"),
        ("quality", {"area_fraction": 1.5}, "values.area_fraction is not a number in (0, 1]"),
        (
            "kernels",
            {"seconds": {"a": [1.0], "b": [0.0]}},
            "values.seconds is not positive seconds",
        ),
        ("kernels", {"seconds": []}, "values.seconds is not positive seconds"),
        (
            "kernels",
            {"seconds": {"a": [1.0], "b": [1.0, 2.0]}},
            "values.seconds does not have the same rounds",
        ),
        (
            "kernels",
            {"largest_difference": {"a": -1}},
            "values.largest_difference is not a number from 0 on",
        ),
        ("kernels", {"batch_size": 1}, "values.batch_size is not a number of images, two or more"),
        ("kernels", {"batch": None}, "values.batch is not what each form makes of a batch"),
        ("kernels", {"peaks": {"copy": []}}, "values.peaks is not positive rates for each peak"),
        ("kernels", {"peaks": {"copy": [-1.0]}}, "values.peaks is not positive rates for each peak"),
        ("kernels", {"peaks_bf16": {"copy": []}}, "values.peaks_bf16 is not positive rates for each peak"),
        ("profile", {"unprofiled_s": 0}, "values.unprofiled_s is not a positive number of seconds"),
        ("profile", {"kinds": {"sums": 1.0}}, "values.kinds is not seconds and operations for each kind"),
    ],
)
def test_a_wrong_value_is_named(kind, wrong, told):
    raw = asdict(RIGHT[kind])
    raw["values"] |= wrong
    (problem,) = schema.problems(raw)
    assert problem.startswith(told)


@pytest.mark.parametrize("kind", list(RIGHT))
def test_each_value_that_is_needed_is_missed(kind):
    for key in part("values", kind)["required"]:
        raw = asdict(RIGHT[kind])
        del raw["values"][key]
        assert schema.problems(raw) == [f"values.{key} is missing"]


@pytest.mark.parametrize("kind", list(RIGHT))
def test_each_axis_that_is_needed_is_missed_and_each_that_has_no_meaning_refused(kind):
    for axis in part("cell", kind)["required"]:
        raw = asdict(RIGHT[kind])
        raw["cell"][axis] = None
        assert f"cell.{axis} is empty, which a {kind} cell needs" in schema.problems(raw)
    properties = part("cell", kind)["properties"]
    for axis in (one for one in properties if properties[one] == {"type": "null"}):
        raw = asdict(RIGHT[kind])
        raw["cell"][axis] = 64 if axis in {"height", "width", "threads"} else "something"
        assert f"cell.{axis} has no meaning for {kind} and must be null" in schema.problems(raw)


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [
        ("schema_version", schema.SCHEMA_VERSION + 1, "a newer release wrote it"),
        ("schema_version", 0, "this release reads 1 to"),
        ("values", [], "'values' is not an object"),
        ("environment", None, "'environment' is not an object"),
        ("cell", "red", "'cell' is not an object"),
        ("reason", 3, "reason is not text"),
        ("cell", {"model": "red", "measurement": "weight"}, "cell.measurement is 'weight', not one of"),
        ("cell", asdict(RIGHT["memory"].cell) | {"model": 3}, "cell.model is 3, not a name"),
        ("cell", asdict(RIGHT["memory"].cell) | {"threads": 0}, "cell.threads is 0, not a positive integer"),
    ],
)
def test_a_wrong_part_is_named(part, value, told):
    raw = asdict(RIGHT["memory"])
    raw[part] = value
    assert any(told in problem for problem in schema.problems(raw))


@pytest.mark.parametrize("raw", [None, [], "text", 3])
def test_what_is_no_object_is_no_result(raw):
    assert schema.problems(raw) == [f"the top level is {type(raw).__name__}, not an object"]


def test_the_whole_schema_says_the_same_without_this_code():
    whole = Draft202012Validator(schema.SCHEMA)
    whole.check_schema(schema.SCHEMA)
    for record in RIGHT.values():
        raw = asdict(record)
        kind = raw["cell"]["measurement"]
        assert whole.is_valid(raw)
        for key in part("values", kind)["required"]:
            assert not whole.is_valid(raw | {"values": {k: v for k, v in raw["values"].items() if k != key}})
        for axis in part("cell", kind)["required"]:
            assert not whole.is_valid(raw | {"cell": raw["cell"] | {axis: None}})
        assert not whole.is_valid(raw | {"status": "crash"})


def test_the_schema_lies_beside_the_results_too(pytestconfig):
    published = pytestconfig.rootpath / "results" / schema.FILE
    assert published.read_text(encoding="utf-8") == json.dumps(schema.SCHEMA, indent=1) + "\n"
