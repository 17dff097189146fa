"""Published state dicts, filled by the rule under which the golden outputs were made."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines import create
from baselines.checkpoints import import_checkpoint

GOLDEN = Path(__file__).parents[2] / "bench" / "measure" / "golden_outputs"
GOLDEN_NAMES = {
    "llpacknet": "llpacknet-2022",
    "llpacknet-2020": "llpacknet-2020-histogram",
    "llpacknet-2020-conv": "llpacknet-2020-conv",
    "llpacknet-pixelshuffle": "llpacknet-2020-conv-pixelshuffle",
    "sid-unet": "sid-unet",
    "sgn": "sgn",
    "did": "did",
    "red": "red",
    **{name: name for name in ("adu-net", "dnf", "rawformer-s", "rawformer-b", "rawformer-l", "mcr")},
    "sid-unet-raw": "sid-unet-raw",
}


def fill(layout, seed):
    """Fill published names and shapes, in order, by the golden rule."""
    random = np.random.RandomState(seed)
    state = {}
    for name, shape in layout:
        values = random.standard_normal(shape)
        if name.endswith("weight_g"):
            values = 1 + 0.1 * np.abs(values)
        elif values.ndim > 1:
            values /= np.sqrt(np.prod(shape[1:]))
        elif name.endswith(".weight"):
            values = 1 + 0.1 * np.abs(values)
        else:
            values *= 0.05
        if name == "amplifier.conv_post.1.bias":
            values = np.full(shape, 2.0)
        state[name] = torch.from_numpy(values.astype(np.float32))
    return state


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def layouts():
    """Registered name -> published names and shapes in order."""
    models = json.loads((GOLDEN / "models.json").read_text())
    found = {name: models[golden]["state_dict"] for name, golden in GOLDEN_NAMES.items()}
    amplifier = [entry for entry in found["llpacknet-2020-conv"] if entry[0].startswith("amplifier.")]
    return {**found, "sid-unet+amplifier": amplifier + found["sid-unet"]}


@pytest.fixture(scope="session")
def published(layouts):
    """Registered name and seed -> state dict with the published names."""
    filled = lru_cache(maxsize=4)(lambda name, seed: fill(layouts[name], seed))
    return lambda name, seed=1: dict(filled(name, seed))


@pytest.fixture(scope="session")
def built(published, tmp_path_factory):
    """Registered name -> the network, filled through the importer as a user would, for several tests."""

    @lru_cache(maxsize=16)
    def build(name, seed=1):
        folder = tmp_path_factory.mktemp("published")
        torch.save({"model": published(name, seed)}, folder / "published.pth")
        import_checkpoint(folder / "published.pth", name, folder / "own.safetensors")
        return create(name, weights=folder / "own.safetensors")

    return build


@pytest.fixture(scope="session")
def golden():
    """Registered name -> the golden arrays."""
    return lambda name: np.load(GOLDEN / f"{GOLDEN_NAMES[name]}.npz")
