"""Weights in and out: this project's safetensors files, and published checkpoints brought into that form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

SHOWN_DIFFERENCES = 3


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network from a safetensors file of this project; half precision is widened to the network's own.

    Raises:
        InputError: no such file, another format, damaged, or weights of another network.

    """
    state = read_safetensors(path)
    check_entries(state, network.state_dict(), path)
    network.load_state_dict(state)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        InputError: no such file, another format, or damaged.

    """
    if not path.is_file():
        raise InputError(
            f"no weights file {path}; 'llbench train' and 'llbench weights import' write such files"
        )
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is no safetensors file ({error}); bring a published checkpoint in with 'llbench weights import'"
        ) from error


def check_entries(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], source: Path | str) -> None:
    """Compare a state dict with the one that a network wants.

    Raises:
        InputError: entries are missing, extra or misshaped; the first few differences are named.

    """
    differences = [f"missing {name} {tuple(wanted[name].shape)}" for name in wanted if name not in found]
    differences += [f"unexpected {name} {tuple(found[name].shape)}" for name in found if name not in wanted]
    differences += [
        f"{name} has shape {tuple(found[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    if differences:
        shown = "; ".join(differences[:SHOWN_DIFFERENCES])
        more = (
            f"; and {len(differences) - SHOWN_DIFFERENCES} more"
            if len(differences) > SHOWN_DIFFERENCES
            else ""
        )
        raise InputError(f"{source} holds no weights of this network: {shown}{more}")
