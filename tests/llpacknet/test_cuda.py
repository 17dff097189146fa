"""The form for CUDA: what of it a processor can run, and where there is a GPU, the replayed recording."""

import pytest
import torch

from llpacknet import LLPackNet
from llpacknet.cuda import CudaForm
from llpacknet.errors import InputError


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return LLPackNet().eval()


def mosaic(seed=0, height=48, width=80):
    return torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-6), ("bf16", 1e-2)])
def test_it_gives_the_networks_image_in_float32(network, precision, tolerance):
    with torch.inference_mode():
        expected = network(mosaic())
    rgb = CudaForm(network, precision, "cpu")(mosaic())
    assert rgb.dtype == torch.float32
    assert float((rgb - expected).abs().max()) < tolerance
    assert next(network.parameters()).dtype == torch.float32


def test_convolutions_get_channels_last(network):
    form = CudaForm(network, "bf16", "cpu")
    weight = form.network.out.weight
    assert weight.dtype == torch.bfloat16
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_an_unknown_precision_and_an_unusable_mosaic_are_refused(network):
    with pytest.raises(InputError, match="int4"):
        CudaForm(network, "int4", "cpu")
    with pytest.raises(InputError, match="NaN"):
        CudaForm(network, "fp32", "cpu")(torch.full((1, 1, 32, 32), torch.nan))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("bf16", 1e-2), ("fp16", 2e-3)])
def test_a_replayed_recording_gives_each_frames_own_image(network, precision, tolerance, monkeypatch):
    # As the harness has it: else float32 convolutions are rounded to ten bits of mantissa.
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    form = CudaForm(network, precision)
    for seed, height in ((0, 48), (1, 48), (2, 64), (3, 48)):
        frame = mosaic(seed, height)
        with torch.inference_mode():
            expected = network(frame)
        assert float((form(frame.cuda()).cpu() - expected).abs().max()) < tolerance
