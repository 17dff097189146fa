"""Load weights from safetensors files into networks."""

from __future__ import annotations

import hashlib
import zipfile
from itertools import zip_longest
from typing import TYPE_CHECKING

from llpacknet.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

# The largest network here takes 93 MB with Adam's two moments.
MAX_BYTES = 512_000_000
SHOWN_DIFFERENCES = 3


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network from a safetensors file of this project; half precision is widened to the network's own.

    Raises:
        InputError: no such file, a different format, damaged, or weights of a different network.

    """
    state = read_safetensors(path)
    check_entries(state, network.state_dict(), path)
    network.load_state_dict(state)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        InputError: no such file, too large, another format, or damaged.

    """
    from safetensors import SafetensorError
    from safetensors.torch import load, load_file

    check_size(path)
    try:
        # A name that is no UTF-8 cannot be handed on.
        return load_file(path) if _is_text(path) else load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path} is not a safetensors file ({error}); convert a published checkpoint with 'llbench "
            "weights import'"
        ) from error


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do: with the length of a header in JSON, and the header."""
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size


def _is_text(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def check_entries(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], source: Path | str) -> None:
    """Compare a state dict with the one that a network expects.

    Raises:
        InputError: entries are missing, extra or misshaped; the first few differences are listed.

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
        raise DataError(f"{source} does not fit: {shown}{f'; and {rest} more' if rest > 0 else ''}")


def sha256(path: Path) -> str:
    """Hash of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_size(path: Path) -> None:
    """Refuse what is not a readable file, or is (or unpacks to) more than `MAX_BYTES`.

    Raises:
        InputError: it is.

    """
    if not path.is_file():
        raise DataError(
            f"{path} is a folder or device: give the weights file itself"
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
        raise DataError(f"{path} cannot be read ({error.strerror}): allow reading it") from error
    if size > MAX_BYTES:
        raise DataError(
            f"{path} holds {size / 1e6:.0f} MB; checkpoints over {MAX_BYTES / 1e6:.0f} MB are not opened"
        )
