"""Golden outputs: what each published network must give when a fixed rule fills its parameters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import baselines
from baselines.checkpoints import translate
from baselines.registry import network_of
from bench.measure.subjects import dress
from bench.measure.tolerance import require_close
from llpacknet.runtimes import Calibration

if TYPE_CHECKING:
    from bench.records.cells import Cell

FOLDER = Path(__file__).resolve().parent / "golden_outputs"
GOLDEN = {
    "llpacknet": "llpacknet-2022",
    "llpacknet-2020": "llpacknet-2020-histogram",
    "llpacknet-2020-conv": "llpacknet-2020-conv",
    "llpacknet-pixelshuffle": "llpacknet-2020-conv-pixelshuffle",
    "sid-unet": "sid-unet",
    "sgn": "sgn",
    "did": "did",
    "red": "red",
    **{
        name: name
        for name in (
            "adu-net",
            "dnf",
            "rawformer-s",
            "rawformer-b",
            "rawformer-l",
            "mcr",
            "sid-unet-raw",
        )
    },
}


def check_golden(cell: Cell) -> None:
    """Raise WrongOutputError if the cell's form of a published network misses its golden output.

    A method without one (a user's own, a classical one) passes.
    """
    name = GOLDEN.get(cell.model)
    if name is None:
        return
    method = baselines.create(cell.model, weights="none")
    network = network_of(cell.model, method)
    state, _, _ = translate(golden_state(name), network, cell.model, f"{name}.npz")
    network.load_state_dict(state)
    with np.load(FOLDER / f"{name}.npz") as arrays:
        raw = torch.from_numpy(arrays["raw"])[None, None]
        expected = arrays["rgb" if "rgb" in arrays else "mosaic"]
    # The rule's weights see nothing like a photograph: int8 finds its ranges on the golden input itself.
    subject = dress(cell, method, Calibration((raw,)))
    assert subject.form is not None
    given = subject.form(raw.to(subject.device)).float().cpu().numpy()
    require_close(given, expected, str(cell.precision), "its golden output")


def golden_state(name: str) -> dict[str, Any]:
    """Fill a published state dict by the golden rule: seeded normal numbers, scaled by each tensor's kind."""
    entry = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))[name]
    numbers = np.random.RandomState(entry["seed"])
    state: dict[str, Any] = {}
    for key, shape in _entries(entry["state_dict"]):
        values = numbers.standard_normal(shape)
        if key.endswith("weight_g"):
            values = 1 + 0.1 * np.abs(values)
        elif len(shape) > 1:
            values = values / np.sqrt(np.prod(shape[1:]))
        elif key.endswith(".weight"):
            values = 1 + 0.1 * np.abs(values)
        else:
            values = 0.05 * values
        if key == "amplifier.conv_post.1.bias":
            values = np.full(shape, 2.0)
        state[key] = torch.from_numpy(np.asarray(values, np.float32))
    return state


def _entries(listed: Any) -> list[tuple[str, tuple[int, ...]]]:
    pairs = listed.items() if isinstance(listed, dict) else listed
    return [(key, tuple(shape)) for key, shape in pairs]
