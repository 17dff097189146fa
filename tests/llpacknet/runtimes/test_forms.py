"""Every form of every learned method gives the image that the network gives as published."""

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest
import torch

import baselines
from baselines.registry import conventions, network_of
from llpacknet.errors import UnsupportedError
from llpacknet.runtimes import PRECISIONS, RUNTIMES, Calibration, exporting, prepare, why_unsupported
from llpacknet.runtimes import calibration as training
from llpacknet.runtimes.processor import lacks

LEARNED = [name for name in baselines.names() if baselines.spec(name).learned]
# One method of each trunk: NNCF takes several seconds for each.
TRUNKS = ("llpacknet", "llpacknet-pixelshuffle", "sid-unet", "sgn", "did", "red", "adu-net", "rawformer-s")
# What differs from another method in its width alone: its export is the other's, and takes longest.
LARGER = ("rawformer-b", "rawformer-l")
IN_FP32 = [
    (name, runtime)
    for name in LEARNED
    for runtime in ("eager", "onnxruntime", "openvino")
    if runtime == "eager" or name not in LARGER
]
ROOT = Path(__file__).parents[3]
# Largest difference, relative to the image's largest magnitude: sums in another order.
FP32 = 1e-4
# Root of the mean square of the difference, likewise.
INT8 = 0.1


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads of several runtimes that wait for each other spin; on so small a frame one is as fast."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@lru_cache(maxsize=1)
def built(name):
    network = network_of(name, baselines.create(name, weights="none"))
    scenes = training.placed(conventions(name, network))
    return network, scenes


class Exports:
    """Keeps the ONNX of the last network: every runtime is given the same, which takes long to make."""

    def __init__(self):
        self.name, self.export, self.content = None, exporting.to_onnx, b""

    def of(self, name):
        """What exports a trunk of this network."""

        def to_onnx(trunk, multiple):
            if self.name != name:
                self.name, self.content = name, self.export(trunk, multiple)
            return self.content

        return to_onnx


@pytest.fixture(scope="module")
def exports():
    return Exports()


def made(name, runtime, precision, network, scenes=()):
    small = Calibration([scene[..., :64, :96].contiguous() for scene in scenes])
    return prepare(
        network,
        runtime,
        precision,
        multiple=conventions(name, network).size_multiple,
        threads=1,
        calibration=small,
    )


def published(network, mosaic):
    with torch.inference_mode():
        return network(mosaic)


def apart(found, expected):
    difference = (found - expected).abs()
    scale = expected.abs().max()
    return float(difference.max() / scale), float(difference.square().mean().sqrt() / scale)


@pytest.mark.parametrize(("name", "runtime"), IN_FP32)
def test_in_fp32_it_gives_the_published_image_of_any_size(name, runtime, exports, monkeypatch):
    network, scenes = built(name)
    monkeypatch.setattr(exporting, "to_onnx", exports.of(name))
    form = made(name, runtime, "fp32", network)
    for height, width in ((64, 96), (70, 90)):
        mosaic = scenes[1][..., :height, :width].contiguous()
        found = form(mosaic)
        assert found.shape[-2:] == (height, width)
        assert apart(found, published(network, mosaic))[0] < FP32
    assert form.computes == "fp32"
    assert form.note is None


@pytest.mark.skipif(why_unsupported("compile", "fp32") is not None, reason="no compiler")
def test_compiled_it_gives_the_published_image():
    network, scenes = built("llpacknet")
    mosaic = scenes[1][..., :64, :96].contiguous()
    form = made("llpacknet", "compile", "fp32", network)
    assert apart(form(mosaic), published(network, mosaic))[0] < FP32


@pytest.mark.parametrize("name", TRUNKS)
def test_in_int8_it_gives_nearly_the_published_image(name):
    network, scenes = built(name)
    form = made(name, "openvino", "int8", network, scenes[:1])
    mosaic = scenes[1][..., :64, :96].contiguous()
    assert apart(form(mosaic), published(network, mosaic))[1] < INT8
    assert form.computes == "int8"
    assert (form.note is not None) == lacks("int8", "openvino")


def test_bf16_in_openvino_says_what_it_computes_in():
    network, scenes = built("llpacknet")
    form = made("llpacknet", "openvino", "bf16", network)
    mosaic = scenes[1][..., :64, :96].contiguous()
    assert apart(form(mosaic), published(network, mosaic))[1] < 0.05
    if lacks("bf16"):
        assert form.computes == "fp32"
        assert form.note == "asked for bf16, computed in fp32: this processor has no instructions for it"
    else:
        assert form.computes == "bf16"
        assert form.note is None


def test_the_network_it_was_made_from_stays_as_it_was():
    network, scenes = built("llpacknet-2020")
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for runtime in ("eager", "onnxruntime", "openvino"):
        made("llpacknet-2020", runtime, "fp32", network)(scenes[0])
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_a_quantised_model_is_kept_and_used_again(tmp_path):
    network, scenes = built("llpacknet")
    mosaics = [scene[..., :64, :96].contiguous() for scene in scenes[:2]]
    images = []
    for _ in range(2):
        form = prepare(network, "openvino", "int8", multiple=16, calibration=Calibration(mosaics, tmp_path))
        images.append(form(mosaics[0]).clone())
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("openvino-")
    assert torch.equal(*images)


def test_int8_without_scenes_is_refused():
    network, _ = built("llpacknet")
    with pytest.raises(UnsupportedError, match="training scenes"):
        prepare(network, "openvino", "int8", multiple=16)


def test_what_cannot_be_exported_says_so():
    class Counting(torch.nn.Module):
        def forward(self, mosaic):
            return torch.linalg.matrix_exp(mosaic).repeat(1, 3, 1, 1)

    with pytest.raises(UnsupportedError, match="cannot be exported to ONNX"):
        prepare(Counting(), "onnxruntime", "fp32")


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_form_is_made_or_refused_with_a_reason(runtime, precision):
    reason = why_unsupported(runtime, precision)
    if (runtime, precision) in {("published", "fp32"), ("eager", "fp32")}:
        assert reason is None
    if precision == "fp16" or (runtime == "published" and precision != "fp32"):
        assert reason
    if reason:
        network, _ = built("llpacknet")
        with pytest.raises(UnsupportedError) as refused:
            prepare(network, runtime, precision, multiple=16)
        assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("runtime", "precision", "names"),
    [("openvino", "fp32", "openvino"), ("openvino", "int8", "nncf"), ("onnxruntime", "fp32", "onnxruntime")],
)
def test_where_packages_are_absent_the_reason_names_the_command_that_installs_them(runtime, precision, names):
    # Without its site packages this interpreter has none of them.
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r});"
        "from llpacknet.runtimes.forms import why_unsupported;"
        f"print(why_unsupported({runtime!r}, {precision!r}))"
    )
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert names in said
    assert said.strip().endswith('not installed: python -m pip install "llpacknet-bench[accel]"')
