"""Takes a state dict out of what training tools put around it: keys that hold it, and words before its names.

What a network wants decides: of all mappings in a checkpoint and all leading words in them, those are taken
under which the most of its names are found. So DataParallel, DDP, torch.compile, FSDP, BasicSR, Lightning,
averaged and EMA weights are understood, nested in any order, without being told which it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from llpacknet.errors import InputError
from llpacknet.loading import SHOWN_DIFFERENCES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from torch import Tensor

_DEEPEST = 5
# Words that torch's own wrappers put anywhere into a name.
_INSIDE = frozenset(
    {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module", "module"}
)
# What averaging and profiling tools keep beside the weights.
_COUNTERS = re.compile(r"(.*\.)?(n_averaged|total_ops|total_params|initted|step)")
# Networks that a training holds beside the one that is trained.
_BESIDE = re.compile(
    r"(loss|criterion|metric|lpips|vgg|percep|perceptual|netd|d|disc|discriminator|online|student)"
    r"[a-z0-9_]*\..*",
    re.IGNORECASE,
)
_AVERAGED = re.compile(r"ema|averag|deploy", re.IGNORECASE)
_USUAL = ("model", "state_dict", "model_state_dict", "netG", "G", "net", "network", "params")


@dataclass(frozen=True)
class Unwrapped:
    """A state dict as a network may take it.

    Attributes:
        entries: tensors by their names, without what was peeled off.
        keys: the keys under which it lay, from the outside.
        prefix: the words that stood before every name, with their dots.
        inside: words of wrappers that were taken out of the names.
        left_out: entries that are no part of it.
        others: further state dicts of the file that would have fitted as well.
    """

    entries: dict[str, Tensor]
    keys: tuple[str, ...] = ()
    prefix: str = ""
    inside: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return what was peeled, for the record of an import."""
        return {
            "keys": list(self.keys),
            "prefix": self.prefix,
            "inside": list(self.inside),
            "others": list(self.others),
        }


@dataclass(frozen=True)
class _Candidate:
    keys: tuple[str, ...]
    prefix: str
    node: Mapping[Any, Any]
    matches: int

    @property
    def place(self) -> str:
        return ".".join((*self.keys, self.prefix)).strip(".") or "the file itself"

    @property
    def rank(self) -> tuple[int, bool, bool, int]:
        """Fit first; then averaged weights before their origin; then a usual key; then the least peeled."""
        last = self.keys[-1] if self.keys else ""
        averaged = bool(_AVERAGED.search(f"{last}.{self.prefix}"))
        return self.matches, averaged, not self.keys or last in _USUAL, -self.prefix.count(".")


def unwrap(loaded: Any, wanted: Collection[Collection[str]], source: object) -> Unwrapped:
    """Find the state dict of a network in what a checkpoint holds.

    Args:
        loaded: what was read from it.
        wanted: the names that the network's entries may have, one collection for each way of naming them.
        source: the file, for messages.

    Raises:
        InputError: there is no mapping from names to tensors, its values are no plain tensors, or two fit
            equally well and nothing tells which is meant.
    """
    known = {word for names in wanted for name in names for word in name.split(".")}
    inside = _INSIDE - known
    candidates = [
        _Candidate(keys, prefix, node, _matches(node, prefix, inside, wanted))
        for keys, node in _mappings(loaded)
        for prefix in _prefixes(node, inside)
    ]
    if not candidates:
        raise InputError(
            f"{source} contains no state dict: a mapping from names to tensors, bare or under 'model'"
        )
    best = max(candidates, key=lambda one: one.rank)
    rivals = [one for one in candidates if one.matches == best.matches > 0 and one is not best]
    rivals = [one for one in rivals if one.keys != best.keys or not best.prefix.startswith(one.prefix)]
    tied = [one for one in rivals if one.rank[:3] == best.rank[:3] and _words(one) != _words(best)]
    if tied:
        raise InputError(
            f"{source} contains several state dicts that fit ({best.place}, {tied[0].place}): save the "
            "one you mean by itself"
        )
    return _taken(best, inside, known, tuple(sorted({one.place for one in rivals})), source)


def _words(one: _Candidate) -> tuple[tuple[str, ...], str]:
    return one.keys, one.prefix


def common_prefix(names: Collection[str]) -> str:
    """Words that all of some names begin with, with their dots."""
    paths = [name.split(".")[:-1] for name in names]
    shared: list[str] = []
    for words in zip(*paths, strict=False):
        if len(set(words)) > 1:
            break
        shared.append(words[0])
    return "".join(f"{word}." for word in shared)


def _mappings(loaded: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping[Any, Any]]]:
    """Every mapping that holds a tensor under a name, with the keys that lead to it."""
    if not isinstance(loaded, Mapping) or len(keys) > _DEEPEST:
        return
    if any(isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in loaded.items()):
        yield keys, loaded
    for key, value in loaded.items():
        if isinstance(key, str):
            yield from _mappings(value, (*keys, key))


def _bare(name: str, inside: frozenset[str]) -> str:
    return ".".join(word for word in name.split(".") if word not in inside)


def _prefixes(node: Mapping[Any, Any], inside: frozenset[str]) -> list[str]:
    """Leading words of the names of a mapping, none of them first."""
    found = {""}
    for key in node:
        words = _bare(key, inside).split(".")[:-1] if isinstance(key, str) else []
        found |= {"".join(f"{word}." for word in words[:count]) for count in range(1, min(len(words), 4) + 1)}
    return sorted(found, key=len)


def _matches(
    node: Mapping[Any, Any], prefix: str, inside: frozenset[str], wanted: Collection[Collection[str]]
) -> int:
    names = {_bare(key, inside) for key in node if isinstance(key, str)}
    names = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    return max((len(names.intersection(each)) for each in wanted), default=0)


def _taken(
    best: _Candidate,
    inside: frozenset[str],
    known: Collection[str],
    others: tuple[str, ...],
    source: object,
) -> Unwrapped:
    prefix = best.prefix if best.matches else ""
    entries: dict[str, Tensor] = {}
    odd, left_out = [], []
    seen: set[str] = set()
    for key, value in best.node.items():
        name = _bare(str(key), inside)
        plain = "." not in name and isinstance(value, (int, float, str, bool, type(None)))
        beside = _BESIDE.fullmatch(name) and name.partition(".")[0] not in {prefix.partition(".")[0], *known}
        if _COUNTERS.fullmatch(name) or plain or beside:
            left_out.append(str(key))
        elif not isinstance(key, str) or not _holds_numbers(value):
            odd.append(str(key))
        else:
            seen |= inside.intersection(key.split("."))
            entries[name.removeprefix(prefix)] = value
    if odd:
        raise InputError(
            f"{source} contains entries that are not plain tensors: {', '.join(odd[:SHOWN_DIFFERENCES])}"
        )
    return Unwrapped(entries, best.keys, prefix, tuple(sorted(seen)), tuple(left_out), others)


def _holds_numbers(value: object) -> bool:
    """Whether it is a dense tensor whose values are there: not sparse, quantised or on the meta device."""
    return (
        isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
    )
