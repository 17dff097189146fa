"""The inference form gives what the plain form gives, at any size, in memory that no height changes."""

import copy
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils import parametrize

from baselines import create
from llpacknet import LLPackNet, accumulate
from llpacknet.errors import InputError
from llpacknet.fast import FastLLPackNet, fast
from llpacknet.padding import mirrored, pad_to_multiple

FORMS = {
    "2022": {},
    "2020-histogram": {"variant": "2020-histogram"},
    "2020-conv": {"variant": "2020-conv"},
    "pixelshuffle": {"variant": "2020-conv", "upsampler": "pixelshuffle"},
    "unbounded": {"final": "none"},
}
SIZES = [(1, 16, 16), (1, 18, 30), (3, 46, 64), (2, 250, 114), (1, 272, 16)]


@pytest.fixture(autouse=True)
def one_thread():
    """Frames this small are not worth a second thread, and threads that wait for a busy core are slow."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(name, seed=0):
    torch.manual_seed(seed)
    built = LLPackNet(**FORMS[name]).eval()
    with torch.no_grad():
        for layer in built.planes:
            layer.bias.normal_(0, 0.1)
        built.out.bias.normal_(0, 0.5)  # so that something is clipped
    return built


def mosaic(batch, height, width, brightest=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return brightest * torch.rand(batch, 1, height, width, generator=generator) ** 2


def apart(one, other):
    """Largest difference, relative to full scale (or to the largest value beyond it)."""
    return float((one - other).abs().max() / max(1, float(other.abs().max())))


def exact(plain, frames):
    """The plain form in float64: in float32 some of its kernels for batches are themselves off by 2e-6."""
    return copy.deepcopy(plain).double()(frames.double())


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("size", SIZES)
def test_it_gives_the_plain_forms_image(name, size):
    plain = network(name)
    frames = mosaic(*size)
    with torch.inference_mode():
        expected = exact(plain, frames)
        form = fast(plain)
        assert apart(form(frames), expected) < 1e-6
        # Buffers have been used by now.
        assert apart(form(frames), expected) < 1e-6
        levels = form.image(frames)
    unrounded = expected.permute(0, 2, 3, 1).clamp(0, 1) * 255
    assert levels.dtype == torch.uint8
    assert float((levels - unrounded).abs().max()) < 0.501


@settings(max_examples=25)
@given(
    name=st.sampled_from(list(FORMS)),
    rows=st.integers(8, 60),
    columns=st.integers(8, 60),
    seed=st.integers(0, 9),
)
def test_any_even_size_gives_the_same(name, rows, columns, seed):
    plain = network(name, seed)
    frames = mosaic(1, 2 * rows, 2 * columns, seed=seed)
    with torch.inference_mode():
        assert apart(fast(plain)(frames), exact(plain, frames)) < 1e-6


@pytest.mark.parametrize("name", ["2020-histogram", "2020-conv"])
def test_gains_are_the_amplifiers(name):
    plain = network(name)
    frames = mosaic(3, 530, 44, brightest=0.01)
    with torch.inference_mode():
        assert torch.allclose(fast(plain).gain(frames), plain.gain(frames), rtol=2e-6, atol=0)


def test_without_the_fused_kernel_it_gives_the_same(monkeypatch):
    plain = network("2022")
    frames = mosaic(1, 80, 50)
    with torch.inference_mode():
        with_it = fast(plain)(frames)
        monkeypatch.setattr(accumulate, "fused_add_works", lambda dtype: False)
        without = fast(plain)(frames)
    assert apart(without, with_it) < 1e-6


def rms(one, other):
    """Root of the mean square of the difference, relative to the largest magnitude."""
    return float((one - other).square().mean().sqrt() / other.abs().max())


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("size", [(1, 18, 30), (2, 250, 114)])
def test_in_bfloat16_it_is_as_near_as_bfloat16_allows(name, size):
    plain = network(name)
    frames = mosaic(*size)
    with torch.inference_mode():
        expected = exact(plain, frames)
        form = fast(plain, torch.bfloat16)
        found, levels = form(frames), form.image(frames)
        gains = form.gain(frames)
        rounded = copy.deepcopy(plain)
        rounded.amplifier = None  # whose gain no eight bits can hold
        amplified = frames * gains.view(-1, 1, 1, 1)
        coarse = rounded.bfloat16()(amplified.bfloat16()).float()
    assert found.dtype == torch.float32
    assert gains.dtype == torch.float32
    # No further off than the plain form with everything in bfloat16.
    assert rms(found, expected) < 1.2 * rms(coarse, expected) + 1e-4
    assert rms(found, expected) < 0.01
    assert float((levels - found.permute(0, 2, 3, 1).clamp(0, 1) * 255).abs().max()) < 0.501


def test_frames_wider_than_a_band_are_taken_row_by_row(monkeypatch):
    plain = network("2022")
    frames = mosaic(1, 96, 64)
    monkeypatch.setattr("llpacknet.fast.BAND_PIXELS", 3)
    with torch.inference_mode():
        assert apart(fast(plain)(frames), plain(frames)) < 1e-6


def test_an_image_that_is_still_held_is_never_written_again():
    form = fast(network("2022"))
    first, second = mosaic(1, 64, 96), mosaic(1, 64, 96, seed=1)
    with torch.inference_mode():
        held = form(first)[0, :, 5:9].numpy()
        kept = held.copy()
        form(second)
        assert (held == kept).all()
        place = form(first).data_ptr()
        assert form(second).data_ptr() == place  # let go of at once, so there is no need of other memory


def test_calls_from_several_threads_do_not_meet():
    form = fast(network("2022"))
    frames = [mosaic(1, 64 + 16 * (number % 2), 96, seed=number) for number in range(8)]
    with torch.inference_mode():
        expected = [form(frame) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(form, frames))
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_the_network_itself_stays_as_it_is():
    plain = network("2022")
    form = fast(plain)
    assert isinstance(form, FastLLPackNet)
    assert parametrize.is_parametrized(plain.out, "weight")
    assert not parametrize.is_parametrized(form.network.out, "weight")


def test_what_is_not_float32_takes_the_plain_form():
    plain = network("2020-conv")
    form = fast(plain).double()
    frames = mosaic(1, 32, 48).double()
    with torch.inference_mode():
        assert torch.equal(form(frames), plain.double()(frames))
        assert form.image(frames).shape == (1, 32, 48, 3)


def test_a_mosaic_of_another_kind_is_refused_alike():
    form = fast(network("2022"))
    for bad in (torch.zeros(1, 1, 17, 32), torch.zeros(1, 3, 32, 32), torch.full((1, 1, 32, 32), torch.nan)):
        with pytest.raises(InputError):
            form(bad)


def test_other_networks_give_the_same_with_weight_norm_fused():
    red = create("red", weights="none")
    form = fast(red)
    frames = mosaic(1, 64, 96)
    with torch.inference_mode():
        assert apart(form(frames), red(frames)) < 1e-6
    assert parametrize.is_parametrized(red.fine, "weight")


@pytest.mark.parametrize("length", [16, 18, 28, 46, 64])
def test_mirrored_places_are_those_of_the_padding(length):
    line = torch.arange(length * 16.0).view(1, 1, length, 16)
    padded, margins = pad_to_multiple(line, 16)
    places, before = mirrored(length, 16)
    assert before == margins.top
    assert torch.equal(line[:, :, places], padded)


PEAK = """
import json, sys
from pathlib import Path
import torch
from llpacknet import LLPackNet
from llpacknet import fast as module

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))

torch.set_num_threads(1)
module.BAND_PIXELS = 512  # 32 rows of either frame
form = module.fast(LLPackNet("2020-conv").eval())
form(torch.rand(1, 1, 64, 64))
extra = {}
for height in (1024, 6144):
    mosaic = torch.rand(1, 1, height, 256)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    levels = form.image(mosaic)
    extra[height] = status("VmHWM") - before - levels.numel()
print(json.dumps(extra))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own record of the largest resident size")
def test_memory_beside_input_and_output_does_not_grow_with_the_height():
    answer = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True).stdout
    low, high = json.loads(answer).values()
    assert high < low + 8e6
