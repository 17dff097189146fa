"""The registry: which methods there are, what they declare, and how to build one.

Names and declarations are read without importing torch; a method's code is imported when it is built.
"""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import baselines.adu_net
import baselines.did
import baselines.dnf
import baselines.gain_only
import baselines.lime
import baselines.llpacknet
import baselines.mcr
import baselines.rawformer
import baselines.red
import baselines.robust_retinex
import baselines.sgn
import baselines.sid_unet
import baselines.sid_unet_raw
import llpacknet
from baselines.own import check_no_path, imported
from baselines.spec import Spec
from llpacknet.conventions import Conventions, conventions_of
from llpacknet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import nn

    from baselines.spec import Kind

ENTRY_POINT_GROUP = "llbench.models"
INITIAL_SEED = 0

# LLPackNet, what its paper compares it with, and the control.
_COMPARED: tuple[Spec, ...] = (
    *baselines.llpacknet.SPECS,
    *baselines.sid_unet.SPECS,
    baselines.sgn.SPEC,
    baselines.did.SPEC,
    baselines.red.SPEC,
    baselines.lime.SPEC,
    baselines.robust_retinex.SPEC,
    baselines.gain_only.SPEC,
)
_NEWER: tuple[Spec, ...] = (
    baselines.adu_net.SPEC,
    baselines.dnf.SPEC,
    *baselines.rawformer.SPECS,
    baselines.mcr.SPEC,
    baselines.sid_unet_raw.SPEC,
)
_DECLARED = (*_COMPARED, *_NEWER)


def names() -> tuple[str, ...]:
    """Every registered method: the suite's, then entry points of the group `llbench.models`."""
    return tuple(_registered())


def named(name: str) -> tuple[str, ...]:
    """Return the methods that a word in a list of names stands for.

    Args:
        name: "all" for LLPackNet, the methods that its paper compares it with, the control, and a user's own
            installed methods; "field" for every learned method; any other name stands for itself.

    """
    newer = {one.name for one in _NEWER}
    if name == "all":
        return tuple(one for one in names() if one not in newer)
    if name == "field":
        return tuple(one for one in names() if spec(one).learned)
    return (name,)


def spec(name: str) -> Spec:
    """Return the declaration of a registered method or of a user's own, given as "package.module:factory".

    What a user's own network declares is known once it is built: see `conventions`.

    Raises:
        InputError: no such method; the message lists the registered ones.

    """
    registered = _registered()
    if name in registered:
        return registered[name]
    if ":" in name:
        return _user_spec(name, name)
    check_no_path(name)
    near = get_close_matches(name.lower().replace("_", "-"), registered, 1)
    meant = f" (did you mean {near[0]!r}?)" if near else ""
    raise UsageError(
        f"there is no method {name!r}{meant}; the registered ones are {', '.join(registered)}, "
        "or give your own as package.module:factory"
    )


def create(name: str, weights: str | Path = "shipped") -> Any:
    """Build a method.

    Args:
        name: a registered name, or "package.module:factory" for a user's own.
        weights: "shipped"; "none" for the same random parameters at every call, for measuring cost; or a
            safetensors file, as `llbench train` and `llbench weights import` write it.

    Returns:
        A network in eval mode on the CPU, called with a normalised mosaic (B, 1, H, W) and giving RGB
        (B, 3, H, W); or, for a classical method and a denoiser, a callable that takes a raw frame and the
        gain and gives RGB (H, W, 3), a denoiser with its network in an attribute `network`. A user's factory
        decides what "shipped" and "none" mean: its result is used unchanged.

    Raises:
        InputError: no such method, no such weights, or weights of a different network.

    """
    declared = spec(name)
    if declared.kind == "classical":
        if str(weights) not in {"shipped", "none"}:
            raise UsageError(f"{name} is not a learned method and takes no weights, got {weights}: drop them")
        return _factory(declared)()
    own = name not in _shipped_names()
    path = (
        None
        if str(weights) == "none" or (own and str(weights) == "shipped")
        else _weights_file(name, weights)
    )
    method = _initialised(_factory(declared))
    network = network_of(name, method)
    if path is not None:
        from llpacknet.loading import load_weights

        load_weights(network, path)
    if name in _shipped_names() and declared.learned:
        # So that whoever is handed the network alone, as `llpacknet.restore`, calls it rightly.
        network.conventions = _declared_conventions(declared)
    if hasattr(network, "eval"):
        network.eval()
    return method


def network_of(name: str, method: Any) -> Any:
    """Return the part of a built method that has weights: a denoiser's network, else the method itself."""
    return method.network if kind_of(name, method) == "denoiser" else method


def has_random_weights(name: str, weights: str | Path = "shipped") -> bool:
    """Whether a method's weights are random at every call: its networks differ between two seeds.

    Args:
        name: as for `create`.
        weights: likewise; with a file they are never random.

    Raises:
        InputError: no such method.

    """
    import torch

    declared = spec(name)
    own = name not in _shipped_names()
    if declared.kind == "classical" or not (str(weights) == "none" or (own and str(weights) == "shipped")):
        return False
    built = [
        network_of(name, _initialised(_factory(declared), seed)) for seed in (INITIAL_SEED, INITIAL_SEED + 1)
    ]
    if not all(isinstance(network, torch.nn.Module) for network in built):
        return False
    first, second = (network.state_dict() for network in built)
    return first.keys() != second.keys() or any(
        not torch.equal(value, second[key]) for key, value in first.items()
    )


def factory(name: str) -> Callable[[], Any]:
    """Find the callable that builds a method, with parameters drawn from torch's current seed.

    Raises:
        InputError: no such method, or its module or factory cannot be found.

    """
    return _factory(spec(name))


def weights_path(name: str) -> Path | None:
    """File of the shipped weights of a registered method; None if none is shipped."""
    path = _shipped_path(spec(name))
    return path if path is not None and path.is_file() else None


def conventions(name: str, method: Any) -> Conventions:
    """Return how a built method is called, by its declaration or, for a user's own, by the method itself."""
    if name in _shipped_names():
        return _declared_conventions(spec(name))
    return conventions_of(method)


def _declared_conventions(declared: Spec) -> Conventions:
    return Conventions(
        declared.needs_gain, declared.input_clip, declared.size_multiple, declared.keeps_negatives
    )


def kind_of(name: str, method: Any) -> Kind:
    """Return the kind of a built method; a user's own may state it in an attribute `kind`."""
    declared = spec(name)
    if name in _shipped_names():
        return declared.kind
    kind: Kind = getattr(method, "kind", declared.kind)
    return kind


@cache
def _registered() -> dict[str, Spec]:
    # It takes a twentieth of a second to import, and a help text needs no installed methods.
    from importlib.metadata import entry_points

    installed = (_user_spec(point.name, point.value) for point in entry_points(group=ENTRY_POINT_GROUP))
    return unique((*_DECLARED, *installed))


def unique(specs: Iterable[Spec]) -> dict[str, Spec]:
    """Index declarations by name.

    Raises:
        InputError: two of them have the same name.

    """
    by_name: dict[str, Spec] = {}
    for one in specs:
        if one.name in by_name:
            raise UsageError(
                f"two methods are registered as {one.name!r}: {by_name[one.name].factory}, {one.factory}"
            )
        by_name[one.name] = one
    return by_name


def _shipped_names() -> frozenset[str]:
    return frozenset(one.name for one in _DECLARED)


def _user_spec(name: str, factory: str) -> Spec:
    return Spec(
        name=name,
        title=name,
        paper="a model of your own",
        year=0,
        kind="network",
        factory=factory,
        needs_gain=True,
        size_multiple=2,
        params=0,
        params_fused=0,
        gmac=None,
        licence="its author's",
        notes="Not part of this suite.",
    )


def _factory(declared: Spec) -> Callable[[], Any]:
    found: Callable[[], Any] = imported(declared.name, declared.factory)
    return found


def _initialised(factory: Callable[[], nn.Module], seed: int = INITIAL_SEED) -> nn.Module:
    """Build with torch's own initialisation from a fixed seed, leaving the global generator as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return factory()


def _weights_file(name: str, weights: str | Path) -> Path:
    if str(weights) != "shipped":
        return Path(weights)
    path = weights_path(name)
    if path is None:
        raise UsageError(without_weights(name))
    return path


def without_weights(name: str) -> str:
    """Say how to get weights for a method that ships none."""
    train = f"train it ('llbench train {name}') or " if spec(name).kind == "network" else ""
    return (
        f"no weights are shipped for {name}: {train}convert a published checkpoint "
        f"('llbench weights import FILE --as {name} --out FILE')"
    )


def _shipped_path(declared: Spec) -> Path | None:
    if declared.weights is None:
        return None
    home = importlib.import_module(declared.factory.partition(":")[0].rpartition(".")[0])
    folder = llpacknet if home is baselines.llpacknet else home
    assert folder.__file__ is not None
    return Path(folder.__file__).parent / "weights" / declared.weights
