"""Which forms exist where, and what is said of those that do not."""

import pytest

from llpacknet.runtimes import forms
from llpacknet.runtimes.forms import PRECISIONS, RUNTIMES, computed_in_torch, note, why_unsupported


@pytest.mark.parametrize(
    ("runtime", "precision", "device", "said"),
    [
        ("published", "fp32", "cpu", None),
        ("published", "bf16", "cpu", "the published form only computes in fp32"),
        ("eager", "fp32", "cpu", None),
        ("eager", "int8", "cpu", "use openvino"),
        ("onnxruntime", "int8", "cpu", "LLPackNet loses more than 1 dB"),
        ("eager", "fp16", "cpu", "fp16 is only for CUDA"),
        ("onnxruntime", "bf16", "cpu", "use openvino"),
        ("published", "fp32", "cuda", None),
        ("published", "fp16", "cuda", "the published form only computes in fp32"),
        ("eager", "fp16", "cuda", None),
        ("compile", "bf16", "cuda", None),
        ("eager", "int8", "cuda", "use bf16 or fp16"),
        ("openvino", "fp32", "cuda", "only runs on the CPU"),
        ("onnxruntime", "fp32", "cuda", "only runs on the CPU"),
    ],
)
def test_a_form_exists_or_the_reason_is_told(runtime, precision, device, said):
    why = why_unsupported(runtime, precision, device)
    assert why is None if said is None else said in why


def test_every_reason_is_one_line():
    reasons = [why_unsupported(*form) for form in ((r, p) for r in RUNTIMES for p in PRECISIONS)]
    assert all(reason is None or (reason.strip() and "\n" not in reason) for reason in reasons)


@pytest.mark.parametrize("instructions", [frozenset({"avx2"}), frozenset({"avx512_bf16", "avx512_vnni"})])
def test_bf16_is_computed_where_there_are_instructions_for_it_and_so_is_told(monkeypatch, instructions):
    monkeypatch.setattr("llpacknet.runtimes.processor._flags", lambda: instructions)
    has = "avx512_bf16" in instructions
    assert computed_in_torch("bf16") == ("bf16" if has else "fp32")
    assert computed_in_torch("bf16", "cuda") == "bf16"
    assert (note("int8", "int8") is None) == has
    assert note("fp32", "fp32") is None
    lacking = note("bf16", "fp32")
    assert ("the runtime chose to" if has else "no instructions for it") in lacking


def test_instructions_that_onednn_must_not_use_count_as_missing_where_it_computes(monkeypatch):
    monkeypatch.setattr(
        "llpacknet.runtimes.processor._flags", lambda: frozenset({"avx512_bf16", "avx512_vnni"})
    )
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx512_core_vnni")
    assert computed_in_torch("bf16") == "fp32"
    assert note("int8", "int8", "openvino") is None
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    said = "ONEDNN_MAX_CPU_ISA=AVX2 allows no int8 instructions: computed by widening"
    assert note("int8", "int8", "openvino") == said


def test_a_package_that_is_missing_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr(forms, "_installed", lambda name: name != "nncf")
    assert why_unsupported("openvino", "int8").startswith("nncf not installed: python -m pip install")
    assert why_unsupported("openvino", "fp32") is None


def test_compiling_needs_a_compiler(monkeypatch):
    monkeypatch.setattr(forms, "_compiler", lambda: None)
    assert "install g++" in why_unsupported("compile", "fp32")
