"""Start a network's training from other weights, as far as they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llpacknet.errors import InputError
from llpacknet.loading import check_entries, read_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

_LENGTH, _DIRECTION = ".parametrizations.weight.original0", ".parametrizations.weight.original1"


def start_from(network: nn.Module, path: Path) -> tuple[str, ...]:
    """Fill a network from a weights file of its own, or of a network with the same layers.

    Weight-norm is fused where the network has none: so "2020-conv" can start at the trunk of "2022". Parts of
    the network (its direct children) that are missing in the file keep their random weights.

    Returns:
        The parts that keep their random weights.

    Raises:
        InputError: no such file, a damaged one, or one whose entries do not fit.
    """
    wanted = network.state_dict()
    state = read_safetensors(path)
    if not any(name.endswith(_LENGTH) for name in wanted):
        state = fused(state)
    known = {_part(name) for name in state}
    fresh = tuple(dict.fromkeys(_part(name) for name in wanted if _part(name) not in known))
    kept = {name: value for name, value in wanted.items() if _part(name) in fresh}
    if len(kept) == len(wanted):
        raise InputError(
            f"{path} fits none of this network's layers: give weights of a network with the same layers"
        )
    check_entries({**state, **kept}, wanted, path)
    network.load_state_dict({**state, **kept})
    return fresh


def fused(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Fuse weight-norm: a filter is its direction times its length."""
    plain = {name: value for name, value in state.items() if not name.endswith((_LENGTH, _DIRECTION))}
    for name, length in state.items():
        if name.endswith(_LENGTH):
            layer = name.removesuffix(_LENGTH)
            # In doubles: files hold half precision, in which the product would be rounded once more.
            direction = state[layer + _DIRECTION].double()
            norm = direction.flatten(1).norm(dim=1).reshape(length.shape)
            plain[f"{layer}.weight"] = (direction * (length.double() / norm)).float()
    return plain


def _part(name: str) -> str:
    return name.partition(".")[0]
