"""Runtime and precision as axes of cells: measured where they exist, refused with a reason where not."""

from pathlib import Path

import pytest

from bench.measure.failures import WrongOutputError
from bench.measure.golden import check_golden
from bench.measure.subjects import build
from bench.records import store
from bench.records.cells import Cell
from bench.run.manager import execute
from bench.run.plan import plan
from bench.run.request import Request
from llpacknet.errors import UnsupportedError
from llpacknet.runtimes.processor import lacks

METHODS = Path(__file__).parent.parent / "methods"


def cell(model, runtime, precision="fp32"):
    return Cell(
        model, "latency", device="cpu", runtime=runtime, precision=precision, height=64, width=96, threads=1
    )


@pytest.mark.parametrize("model", ["llpacknet", "llpacknet-2020", "sid-unet", "red"])
def test_a_network_gives_its_golden_output_in_openvino(model):
    check_golden(cell(model, "openvino"))


def test_int8_is_near_the_golden_output():
    check_golden(cell("llpacknet", "openvino", "int8"))


def test_forms_are_measured_and_say_what_they_compute_in(tmp_path):
    wanted = plan(
        Request(
            ["llpacknet"],
            ["latency", "memory"],
            runtimes=["openvino", "onnxruntime"],
            precisions=["fp32", "bf16"],
            size=(64, 96),
            rounds=1,
            threads=1,
        )
    )
    summary = execute(wanted, tmp_path)
    assert summary.failures == ()
    found = {(r.cell.measurement, r.cell.runtime, r.cell.precision): r for r in store.load(tmp_path)}
    for kind in ("latency", "memory"):
        assert found[kind, "onnxruntime", "bf16"].status == "unsupported"
        for form in (("openvino", "fp32"), ("onnxruntime", "fp32")):
            record = found[kind, *form]
            assert (record.values["computes"], "note" in record.values) == ("fp32", False)
            assert form[0] in record.provenance["settings"]["versions"]
        bf16 = found[kind, "openvino", "bf16"].values
        assert (bf16["computes"] == "fp32") == ("note" in bf16) == lacks("bf16")


def test_an_export_that_gives_another_image_gets_no_time(monkeypatch):
    monkeypatch.syspath_prepend(METHODS)
    with pytest.raises(WrongOutputError, match="differs from the published form's output"):
        build(cell("nonconforming:FreezesAValue", "onnxruntime"), "none")


def test_a_network_that_cannot_be_exported_has_no_such_form(monkeypatch):
    monkeypatch.syspath_prepend(METHODS)
    with pytest.raises(UnsupportedError, match="cannot be exported to ONNX"):
        build(cell("nonconforming:UnknownToOnnx", "openvino"), "none")
