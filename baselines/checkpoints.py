"""Weights in and out: this project's safetensors files, and published checkpoints brought into that form.

A published checkpoint is opened as tensors alone (`weights_only=True`) and never otherwise: a pickle that
asks for anything else is refused before any of it runs.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import warnings
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from baselines.published import Dialect
from baselines.registry import create, network_of, spec
from llpacknet.errors import InputError
from llpacknet.whole import whole

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

MAX_BYTES = 512_000_000
"""Largest checkpoint that is opened; the largest network here, with Adam's two moments, takes 93 MB."""
SHOWN_DIFFERENCES = 3

_WRAPPERS = ("model", "state_dict", "netG", "params_deploy", "params_ema", "params")
# Both of torch's spellings of weight-norm become the one that the publications use.
_LEAVES = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network from a safetensors file of this project; half precision is widened to the network's own.

    Raises:
        InputError: no such file, another format, damaged, or weights of another network.

    """
    state = read_safetensors(path)
    check_entries(state, network.state_dict(), path)
    network.load_state_dict(state)


def import_checkpoint(source: Path, name: str, out: Path) -> dict[str, Any]:
    """Bring a published checkpoint into this project's form.

    Args:
        source: a torch checkpoint (a bare state dict, or one under "model", "state_dict" or the like) or a
            safetensors file, with the published names or this project's own.
        name: the registered network it is for.
        out: the safetensors file to write; `<out>.json` beside it records where it came from.

    Returns:
        The record: name, source file and its sha256, the names' origin, the mapping of layers, what was
        left out, and the date.

    Raises:
        InputError: not a learned method, an unreadable file, a place that cannot be written, or entries
            that do not fit; the first differences are named.

    """
    if not spec(name).learned:
        raise InputError(f"{name} is not learned and takes no weights")
    _check_place(out, source)
    network = network_of(name, create(name, weights="none"))
    state, dialect, ignored = translate(read_checkpoint(source), network, name, source)
    record = {
        "name": name,
        "source": source.name,
        "source_sha256": sha256(source),
        "names": dialect.title,
        "layers": dict(dialect.layers),
        "ignored": ignored,
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
    check_entries(kept, {published: state[own] for published, own in own_names.items()}, source)
    for key, tensor in kept.items():
        if not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
            raise InputError(f"{source}: {key} holds values that are no finite floating-point numbers")
    # Copies: a checkpoint may hold one tensor under two names, which safetensors does not.
    own = {
        own_names[key]: _reordered(key, tensor.detach(), dialect).to(torch.float32, copy=True)
        for key, tensor in kept.items()
    }
    return {key: tensor.contiguous() for key, tensor in own.items()}, dialect, ignored


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Open a checkpoint from outside as tensors alone and take the state dict out of its wrapping.

    Raises:
        InputError: no such file, too large, damaged, asking for more than tensors, or without a state dict.

    """
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    _check_size(path)
    try:
        with warnings.catch_warnings(action="ignore"):
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile pickle can fail in any way
        asked = re.search(r"(?:GLOBAL|global) ([\w.]+)", str(error))
        cause = f"it asks for {asked[1]}" if asked else "it is damaged or no torch checkpoint"
        raise InputError(
            f"{path} cannot be opened as tensors alone, and nothing of it was run or used: {cause}; "
            "give a plain state dict as torch.save writes it"
        ) from error
    for key in _WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    return _tensors(loaded, path)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        InputError: no such file, too large, another format, or damaged.

    """
    _check_size(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is no safetensors file ({error}); "
            "bring a published checkpoint in with 'llbench weights import'"
        ) from error


def check_entries(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], source: Path | str) -> None:
    """Compare a state dict with the one that a network wants.

    Raises:
        InputError: entries are missing, extra or misshaped; the first few differences are named.

    """
    misshaped = (
        f"{name} has shape {tuple(found[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    )
    missing = (f"missing {name} {tuple(wanted[name].shape)}" for name in wanted if name not in found)
    extra = (f"unexpected {name} {tuple(found[name].shape)}" for name in found if name not in wanted)
    # Of each kind in turn, so that a wrong network and a wrong size can be told apart from the first few.
    differences = [one for kinds in zip_longest(misshaped, missing, extra) for one in kinds if one]
    if differences:
        shown = "; ".join(differences[:SHOWN_DIFFERENCES])
        rest = len(differences) - SHOWN_DIFFERENCES
        raise InputError(f"{source} does not fit: {shown}{f'; and {rest} more' if rest > 0 else ''}")


def sha256(path: Path) -> str:
    """Hash of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_size(path: Path) -> None:
    """Refuse files that are, or unpack to, more than the cap, and what is no readable file."""
    if not path.is_file():
        raise InputError(
            f"{path} is a folder or device: name the weights file itself"
            if path.exists()
            else f"there is no weights file {path}: check the name"
        )
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size and zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    size = max(size, sum(member.file_size for member in archive.infolist()))
    except zipfile.BadZipFile:
        return  # torch says what is wrong with it
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): allow reading it") from error
    if size > MAX_BYTES:
        raise InputError(
            f"{path} holds {size / 1e6:.0f} MB; checkpoints over {MAX_BYTES / 1e6:.0f} MB are not opened"
        )


def _tensors(loaded: Any, path: Path) -> dict[str, Tensor]:
    if not isinstance(loaded, Mapping) or not loaded:
        raise InputError(
            f"{path} holds no state dict: a mapping from names to tensors, bare or under 'model'"
        )
    odd = [str(key) for key, value in loaded.items() if not isinstance(key, str) or not _holds_numbers(value)]
    if odd:
        raise InputError(
            f"{path} holds entries that are no plain tensors: {', '.join(odd[:SHOWN_DIFFERENCES])}"
        )
    parallel = all(key.startswith("module.") for key in loaded)
    return {key.removeprefix("module.") if parallel else key: value for key, value in loaded.items()}


def _holds_numbers(value: object) -> bool:
    """Whether it is a dense tensor whose values are there: not sparse, quantised or on the meta device."""
    return (
        isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
    )


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
        raise InputError(f"{out} is a folder or device: give --out the name of a file")
    if out.exists() and source.exists() and out.samefile(source):
        raise InputError(f"{out} is the checkpoint itself: give --out another name")


def _write_whole(out: Path, content: bytes) -> None:
    try:
        with whole(out) as partial:
            partial.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"cannot write {out} ({error.strerror}): choose a folder that exists and can be written"
        ) from error
