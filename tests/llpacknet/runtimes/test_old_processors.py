"""Where newer instructions may not be used everything still works, and says what it computes in."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("openvino")
pytest.importorskip("onnx")

PROGRAM = """
import json, sys
import torch
import baselines
from llpacknet.runtimes import prepare

torch.set_num_threads(1)
network = baselines.create("llpacknet", weights="none")
mosaic = torch.rand(1, 1, 64, 96, generator=torch.Generator().manual_seed(0))
found = {"capability": torch.backends.cpu.get_cpu_capability()}
with torch.inference_mode():
    expected = network(mosaic)
    for runtime in ("eager", "openvino"):
        for precision in ("fp32", "bf16"):
            form = prepare(network, runtime, precision, multiple=16, threads=1)
            apart = float((form(mosaic) - expected).abs().max() / expected.abs().max())
            found[f"{runtime} {precision}"] = [apart, form.computes, form.note]
json.dump(found, sys.stdout)
"""


def test_without_avx512_every_form_computes_in_fp32_and_says_so():
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("capability") == "AVX2"
    for form, (apart, computes, note) in found.items():
        assert apart < 1e-4, form
        assert computes == "fp32", form
        assert (note is None) == form.endswith("fp32")
        assert note is None or note.startswith("asked for bf16, computed in fp32: ")
