"""LLPackNet's networks by name, with the weights that this package ships for them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from llpacknet.errors import InputError
from llpacknet.loading import load_weights
from llpacknet.network import LLPackNet

if TYPE_CHECKING:
    from collections.abc import Callable

# Two of 2020, of which the first trained the released network and the second stands in the ablation; the
# ablation's own rival; and the re-release of 2022.
BUILDERS: dict[str, Callable[[], LLPackNet]] = {
    "llpacknet": partial(LLPackNet, "2022"),
    "llpacknet-2020": partial(LLPackNet, "2020-histogram"),
    "llpacknet-2020-conv": partial(LLPackNet, "2020-conv"),
    "llpacknet-pixelshuffle": partial(LLPackNet, "2020-conv", "pixelshuffle"),
}
WEIGHTS = Path(__file__).with_name("weights")


def shipped(name: str) -> LLPackNet:
    """Build one of LLPackNet's networks with its shipped weights, in eval mode.

    Args:
        name: "llpacknet", "llpacknet-2020", "llpacknet-2020-conv" or "llpacknet-pixelshuffle".

    Raises:
        InputError: another name.
    """
    if name not in BUILDERS:
        raise InputError(
            f"{name!r} is not one of LLPackNet's own networks ({', '.join(BUILDERS)}): give any other method "
            f"as a built network, baselines.create({name!r})"
        )
    network = BUILDERS[name]()
    load_weights(network, WEIGHTS / f"{name}.safetensors")
    return network.eval()
