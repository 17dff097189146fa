"""Read and write weights: this project's safetensors files, and published checkpoints converted to them.

A published checkpoint is only ever opened with `weights_only=True`: a pickle that contains anything but
tensors is refused before any of it runs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import warnings
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save

from baselines.published import Dialect
from baselines.registry import create, network_of, spec
from baselines.wrapping import common_prefix, unwrap
from llpacknet.errors import InputError
from llpacknet.loading import check_entries, check_size, is_safetensors, read_safetensors, sha256
from llpacknet.whole import whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn


# Both of torch's spellings of weight-norm become the one that the publications use.
_LEAVES = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}


def import_checkpoint(source: Path, name: str, out: Path) -> dict[str, Any]:
    """Convert a published checkpoint to this project's format.

    Args:
        source: a torch checkpoint or a safetensors file, with the published names or this project's own; the
            state dict may be nested under keys, and its names may have prefixes of wrappers: see
            `baselines.wrapping`.
        name: the registered network it is for.
        out: the safetensors file to write; `<out>.json` beside it records where it came from.

    Returns:
        The record: name, source file and its sha256, the names' origin, the mapping of layers, the
        entries left out, the wrappers removed, and the date.

    Raises:
        InputError: not a learned method, an unreadable file, an output that cannot be written, or
            entries that do not fit; the message lists the first differences.

    """
    if not spec(name).learned:
        raise InputError(f"{name} is not a learned method and takes no weights")
    _check_place(out, source)
    network = network_of(name, create(name, weights="none"))
    known = [_spellings(_own_names(network, one)) for one in _dialects(name, network)]
    taken = unwrap(read_checkpoint(source), known, source)
    state, dialect, ignored = translate(taken.entries, network, name, source)
    record = {
        "name": name,
        "source": source.name,
        "source_sha256": sha256(source),
        "names": dialect.title,
        "layers": dict(dialect.layers),
        "ignored": [*ignored, *taken.left_out],
        "peeled": taken.record(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    _write_whole(out, save(state))
    record["weights_sha256"] = sha256(out)
    _write_whole(out.with_name(f"{out.name}.json"), json.dumps(record, indent=1).encode() + b"\n")
    return record


def translate(
    found: Mapping[str, Tensor], network: nn.Module, name: str, source: Path | str
) -> tuple[dict[str, Tensor], Dialect, list[str]]:
    """Rename a published state dict to the network's own names.

    Returns:
        The state dict, float32 and contiguous; the dialect it was written in; the entries that were left out.

    Raises:
        InputError: entries are missing, extra or misshaped; the first few are named as published.

    """
    entries = {_published_leaf(key): tensor for key, tensor in found.items()}
    dialect = max(_dialects(name, network), key=lambda one: _matches(one, entries))
    ignored = sorted(key for key in entries if dialect.ignored and re.fullmatch(dialect.ignored, key))
    kept = {key: tensor for key, tensor in entries.items() if key not in ignored}
    own_names = _own_names(network, dialect)
    state = network.state_dict()
    try:
        check_entries(kept, {published: state[own] for published, own in own_names.items()}, source)
    except InputError as error:
        shared = common_prefix(kept)
        raise InputError(f"{error}; all its names begin with {shared!r}" if shared else str(error)) from None
    for key, tensor in kept.items():
        if not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
            raise InputError(f"{source}: {key} contains values that are not finite floating-point numbers")
    # Copies: a checkpoint may hold one tensor under two names, which safetensors does not.
    own = {
        own_names[key]: _reordered(key, tensor.detach(), dialect).to(torch.float32, copy=True)
        for key, tensor in kept.items()
    }
    return {key: tensor.contiguous() for key, tensor in own.items()}, dialect, ignored


def _spellings(names: Mapping[str, str]) -> set[str]:
    """Names of entries with weight-norm spelt as the publications do, and as torch does now."""
    spelt = set(names)
    for own, leaf in _LEAVES.items():
        spelt |= {name.removesuffix(leaf) + own for name in names if name.endswith(f".{leaf}")}
    return spelt


def read_checkpoint(path: Path) -> Any:
    """Open a checkpoint of unknown origin as data only, recognised by its content, not its name.

    Returns:
        its content as saved: tensors by name, possibly inside other mappings.

    Raises:
        InputError: no such file, too large, damaged, or asking for more than tensors and plain data.

    """
    check_size(path)
    if path.suffix.lower() == ".safetensors" or is_safetensors(path):
        return read_safetensors(path)
    try:
        with warnings.catch_warnings(action="ignore"), _data_allowed(), path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile pickle can fail in any way
        asked = re.search(r"(?:GLOBAL|global) ([\w.]+)", str(error))
        cause = f"it asks for {asked[1]}" if asked else "it is damaged or not a torch checkpoint"
        if "TorchScript" in str(error):
            cause = "it is a TorchScript archive, which contains code"
        raise InputError(
            f"{path} cannot be opened as tensors only, so nothing in it was run or used: {cause}; "
            "give a plain state dict as written by torch.save"
        ) from error


def _data_allowed() -> AbstractContextManager[Any]:
    """Admit, beside tensors, two things that trainings save and that hold data only."""
    safe_globals = getattr(torch.serialization, "safe_globals", None)  # not in torch 2.4
    if safe_globals is None:
        return nullcontext()
    scalar = np.float64(0).__reduce__()[0]
    kinds = {type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "u1", "?")}
    manager: AbstractContextManager[Any] = safe_globals([argparse.Namespace, scalar, np.dtype, *kinds])
    return manager


def _dialects(name: str, network: nn.Module) -> tuple[Dialect, ...]:
    """List the names that are understood for a network: the publications', and this project's own."""
    package = spec(name).factory.partition(":")[0].rpartition(".")[0]
    published: tuple[Dialect, ...] = ()
    if package.startswith("baselines.") and ":" not in name:
        published = importlib.import_module(f"{package}.published").DIALECTS[name]
    layers = {
        _split(_published_leaf(key))[0]: _split(_published_leaf(key))[0] for key in network.state_dict()
    }
    return (*published, Dialect("this project", layers))


def _matches(dialect: Dialect, entries: Mapping[str, Tensor]) -> int:
    return sum(_split(key)[0] in dialect.layers for key in entries)


def _own_names(network: nn.Module, dialect: Dialect) -> dict[str, str]:
    """Map each entry's published name to the network's own, in the network's order."""
    published = {own: layer for layer, own in dialect.layers.items()}
    names = {}
    for own in network.state_dict():
        layer, leaf = _split(_published_leaf(own))
        names[f"{published[layer]}.{leaf}"] = own
    return names


def _reordered(key: str, tensor: Tensor, dialect: Dialect) -> Tensor:
    """Bring a convolution that reads or writes planes in an order of its own to this project's, R G1 G2 B."""
    layer, _ = _split(key)
    if layer in dialect.reads and tensor.ndim > 1:
        tensor = tensor[:, list(dialect.reads[layer])]
    if layer in dialect.writes:
        tensor = tensor[list(dialect.writes[layer])]
    return tensor


def _published_leaf(key: str) -> str:
    for own, leaf in _LEAVES.items():
        if key.endswith(f".{own}"):
            return key.removesuffix(own) + leaf
    return key


def _split(key: str) -> tuple[str, str]:
    layer, _, leaf = key.rpartition(".")
    return layer, leaf


def _check_place(out: Path, source: Path) -> None:
    """Refuse to write where something other than a weights file lies, or over the source."""
    if not out.name or (out.exists() and not out.is_file()):
        raise InputError(f"{out} is a folder or device: give a file name with --out")
    if out.exists() and source.exists() and out.samefile(source):
        raise InputError(f"{out} is the checkpoint itself: choose another --out")


def _write_whole(out: Path, content: bytes) -> None:
    try:
        with whole(out) as partial:
            partial.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"cannot write {out} ({error.strerror}): choose a folder that exists and can be written"
        ) from error
