"""Checkpoints of a training run: written atomically, and loaded as data only."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import torch

from llpacknet.errors import InputError
from llpacknet.whole import whole

if TYPE_CHECKING:
    from pathlib import Path

NAME = "checkpoint.pt"
# Of the last validation: where a run whose loss spikes begins again.
RESTART = "restart.pt"


def write(folder: Path, state: dict[str, Any], name: str = NAME) -> None:
    """Write a checkpoint beside the old one, flush it to the disk, then put it in the old one's place."""
    with whole(folder / name, durable=True) as partial:
        torch.save(state, partial)


def read(folder: Path, name: str = NAME) -> dict[str, Any] | None:
    """Return the folder's checkpoint, tensors on the CPU; None if there is none.

    Raises:
        InputError: for a file that is not a checkpoint of this trainer.
    """
    path = folder / name
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(
            f"{path} cannot be read as a checkpoint ({error}); remove it to start again"
        ) from error
    return state
