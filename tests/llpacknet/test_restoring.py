"""One call restores a file as the network restores its mosaic, upright and in 8 bits."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from baselines import create
from llpacknet import InputError, LLPackNet, restore
from llpacknet.raw.dng import write_dng
from llpacknet.raw.read import read_raw
from llpacknet.red_gain import red_gain
from llpacknet.restoring import Restorer


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(5)
    return LLPackNet("2022").eval()


@pytest.fixture
def dark(tmp_path):
    mosaic = np.random.default_rng(3).integers(512, 700, (48, 64)).astype(np.uint16)
    path = tmp_path / "dark.DNG"
    write_dng(path, mosaic)
    return path


def test_a_file_gives_what_the_network_gives_on_its_amplified_mosaic(dark, network):
    mosaic = read_raw(dark).normalised()
    with torch.inference_mode():
        expected = network(torch.from_numpy(mosaic * np.float32(7))[None, None])[0]
    image = restore(dark, model=network, gain=7.0)
    assert image.dtype == np.uint8
    assert image.shape == (48, 64, 3)
    np.testing.assert_array_equal(image, (expected.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())


def test_auto_is_the_closed_form_estimate_for_a_network_without_amplifier(dark, network):
    gain = red_gain(read_raw(dark).normalised())
    np.testing.assert_array_equal(restore(dark, network), restore(dark, network, gain=gain))


def test_a_network_with_its_own_amplifier_refuses_a_gain(dark):
    with pytest.raises(InputError, match="its own gain"):
        restore(dark, LLPackNet("2020-histogram").eval(), gain=3.0)


@pytest.mark.parametrize("gain", [0.0, -1.0, float("nan"), "much"])
def test_an_impossible_gain_is_refused(dark, network, gain):
    with pytest.raises(InputError, match="positive number"):
        restore(dark, network, gain=gain)


def test_a_portrait_file_comes_out_upright(tmp_path, network):
    mosaic = np.full((32, 48), 512, np.uint16)
    mosaic[:, 24:] = 4000  # the right half is bright
    upright, turned = tmp_path / "a.DNG", tmp_path / "b.DNG"
    write_dng(upright, mosaic)
    write_dng(turned, mosaic, orientation=6)  # to be turned a quarter clockwise: the right half goes down
    image = restore(turned, network, gain=2.0)
    assert image.shape == (48, 32, 3)
    np.testing.assert_array_equal(image, np.rot90(restore(upright, network, gain=2.0), -1))


def test_a_mosaic_of_integers_is_refused(network):
    with pytest.raises(InputError, match="uint16"):
        restore(np.zeros((32, 32), np.uint16), network)


def test_the_own_names_need_no_registry_and_another_method_is_asked_for_built(dark):
    assert restore(dark, "llpacknet", gain=2.0).shape == (48, 64, 3)
    with pytest.raises(InputError, match=r"baselines\.create\('red'\)"):
        restore(dark, "red")


def test_a_built_baseline_is_called_by_its_own_conventions(dark):
    network = create("sid-unet")
    mosaic = np.minimum(read_raw(dark).normalised() * np.float32(900), 1)
    with torch.inference_mode():
        expected = network(torch.from_numpy(mosaic)[None, None])[0].clamp(0, 1)
    image = torch.from_numpy(restore(dark, network, gain=900.0, runtime="published"))
    torch.testing.assert_close(image, (expected.permute(1, 2, 0) * 255).round().to(torch.uint8))


ALONE = """
import builtins, sys
allowed = {*sys.stdlib_module_names, "llpacknet", "numpy", "torch"}
torch_needs = set("typing_extensions sympy mpmath networkx jinja2 markupsafe fsspec filelock".split())
import torch, numpy  # what these import is theirs
real = builtins.__import__
def limited(name, globals=None, locals=None, fromlist=(), level=0):
    top = name.partition(".")[0]
    asked_by = (globals or {}).get("__name__", "")
    if level == 0 and asked_by.partition(".")[0] == "llpacknet" and top not in allowed:
        raise ImportError(f"{asked_by} imports {name}")
    if level == 0 and top not in allowed | torch_needs and top not in sys.modules:
        raise ImportError(name)
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = limited
import llpacknet
frame = torch.rand(1, 1, 32, 48)
for variant in ("2022", "2020-histogram", "2020-conv"):
    assert llpacknet.LLPackNet(variant).eval()(frame).shape == (1, 3, 32, 48)
assert torch.equal(llpacknet.unpack(llpacknet.pack(frame, 8), 8), frame)
"""


def test_a_network_that_keeps_negatives_is_given_them(tmp_path):
    class Looking(torch.nn.Module):
        keeps_negatives = True
        size_multiple = 2

        def forward(self, mosaic):
            return mosaic.expand(-1, 3, -1, -1)

    mosaic = np.full((48, 64), 500, np.uint16)
    mosaic[0, 0] = 600
    write_dng(tmp_path / "dark.DNG", mosaic)
    restorer = Restorer(Looking().eval(), 10.0)
    placed = restorer.place(read_raw(tmp_path / "dark.DNG")).mosaic
    assert placed.min().item() == pytest.approx(-12 / 15871 * 10)
    assert placed.max().item() == pytest.approx(88 / 15871 * 10)


def test_the_network_needs_torch_and_numpy_alone():
    ended = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
