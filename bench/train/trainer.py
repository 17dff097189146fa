"""Training as one call: a network, or several side by side, from their options to their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.train.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.train.options import Options
    from bench.train.sources import Data


def train(options: Options, data: Data | None = None) -> Path:
    """Train a network and write its weights, model card, log and curve under `options.out`.

    Args:
        options: what to train, on what, and how.
        data: what to train and validate on, if not what `options` say.

    Returns:
        The weights' file: fp16 safetensors of the averaged weights that validated best.

    Raises:
        InputError: for unusable options or data, or an output folder that holds another run.
        Diverged: the loss or gradient became infinite or NaN.
        KeyboardInterrupt: after SIGINT or SIGTERM, once a checkpoint is written, and the weights that
            validated best so far, which their card calls unfinished.
    """
    (weights,) = train_side_by_side([options], data)
    return weights


def train_side_by_side(runs: Sequence[Options], data: Data | None = None) -> list[Path]:
    """Train several networks on the same patches, step by step; each ends as it would alone.

    Args:
        runs: what to train; they may differ only in the network's name, the learning rate and the output
        folder.
        data: as for `train`.

    Returns:
        The weights' files, in the order of the runs.

    Raises:
        InputError, KeyboardInterrupt: as `train`.
        Diverged: once all other networks are trained.
    """
    return Session(runs, data).run()
