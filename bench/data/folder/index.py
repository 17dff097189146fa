"""Indexes a folder in SID's layout: which short exposure belongs to which long one."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.folder.pairs import Dataset, Pair
from bench.data.folder.sidlist import read_list
from bench.data.folder.subsets import PUBLISHED, count, select
from bench.machine.address import as_path, local, names
from bench.machine.wording import plural
from llpacknet.errors import InputError
from llpacknet.raw.container import NPY, inspect
from llpacknet.raw.dng import CAMERA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# SID's file names: scene, frame number, exposure time.
NAME = re.compile(
    r"(?P<scene>\d{5})_(?P<frame>\d{2})_(?P<seconds>\d{1,6}(\.\d{1,9})?)s\.(arw|dng)", re.IGNORECASE
)

# At the root of synthetic data: its kind, seed and files.
MANIFEST = "manifest.json"

SID_TEST_SCENES = 50
_STRANGER = "created by another user, not followed: put the file itself there, or create the link yourself"
_MANIFEST_LIMIT = 50_000_000
_KINDS = {"procedural": "made", "redark": "redark"}


@dataclass(frozen=True)
class _Exposure:
    scene: str
    frame: str
    seconds: float
    path: Path


def index(root: Path | str, list_file: Path | None = None) -> Dataset:
    """Pair the files of DIR/Sony/{short,long} or DIR/{short,long}, `.ARW` and `.DNG` alike.

    Nothing is decoded. Links to files are followed unless another user created them; these, folders,
    pipes and files with other names are not opened, and each gets a line among the problems.

    Args:
        root: the folder; as text also its address, such as s3://bucket/folder, of which the names are listed
            and at most one file is copied to this machine.
        list_file: one of SID's lists; only pairs it names are kept.

    Raises:
        InputError: no such folder, one that is not in SID's layout or has no pair, or an unusable list.
    """
    path = as_path(str(root))
    if path is None:
        return _index_address(str(root).rstrip("/"), list_file)
    root = path
    base = _base(root)
    problems: list[str] = []
    shorts = list(_exposures(base / "short", root, problems))
    longs = list(_exposures(base / "long", root, problems))
    pairs = _pairs(base, shorts, longs, list_file, problems, Path.samefile)
    manifests = [root / MANIFEST, *([root.parent / MANIFEST] if root.name == "Sony" else [])]
    name, synthetic, recipe = _identity(manifests, pairs, pairs[0].long, problems)
    return Dataset(root, name, synthetic, tuple(pairs), tuple(problems), recipe=recipe)


def _index_address(address: str, list_file: Path | None) -> Dataset:
    # Only names are needed: as a path, the address sorts and splits as those of a folder do.
    root = Path(address.partition("://")[2])
    problems: list[str] = []
    for base in (f"{address}/Sony", address):
        listed = {kind: names(f"{base}/{kind}") for kind in ("short", "long")}
        if listed["short"] and listed["long"]:
            break
    else:
        raise InputError(
            f"data set {address} contains no raw files in SID's layout (short/ and long/, or Sony/short/ and "
            "Sony/long/): check the address"
        )
    folder = root.joinpath(*base.removeprefix(address).split("/"))
    shorts, longs = (list(_named(folder / kind, listed[kind], problems)) for kind in ("short", "long"))
    pairs = _pairs(folder, shorts, longs, list_file, problems)
    found = Dataset(root, "", False, tuple(pairs), address=address)
    manifests = [local(f"{address}/{MANIFEST}")] if MANIFEST in names(address) else []
    long = pairs[0].long if manifests else local(found.source(pairs[0].long))
    name, synthetic, recipe = _identity(manifests, pairs, long, problems)
    return replace(found, name=name, synthetic=synthetic, problems=tuple(problems), recipe=recipe)


def _pairs(
    base: Path,
    shorts: list[_Exposure],
    longs: list[_Exposure],
    list_file: Path | None,
    problems: list[str],
    same: Callable[[Path, Path], bool] = lambda *_: False,
) -> list[Pair]:
    pairs = _pair(shorts, _one_per_scene(longs, problems), problems, same)
    if list_file is not None:
        pairs = _listed(pairs, list_file, problems)
    if not pairs:
        raise InputError(_nothing(base, problems))
    return pairs


def _base(root: Path) -> Path:
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise InputError(
            f"data set {root} {what}: give a folder in SID's layout, or create one with `llbench data make`"
        )
    for base in (root / "Sony", root):
        if (base / "short").is_dir() and (base / "long").is_dir():
            _keep_inside(base, root)
            return base
    for array in root.glob("*/*/*.npy"):  # as short_sid2/00001/00001_00_0.04s.npy
        raise InputError(f"{array} {NPY}")
    state = "is empty" if not any(root.iterdir()) else "is not in SID's layout"
    raise InputError(
        f"data set {root} {state}: it needs the folders short and long, or Sony/short and Sony/long; "
        "`llbench data make` creates one"
    )


def _keep_inside(base: Path, root: Path) -> None:
    for folder in (base / "short", base / "long"):
        if not folder.resolve().is_relative_to(root.resolve()):
            for link in (one for one in (base, folder) if one.is_symlink()):
                if not _trusted(link, root):
                    raise InputError(f"{link} is a link out of {root} {_STRANGER}")


def _exposures(folder: Path, root: Path, problems: list[str]) -> Iterable[_Exposure]:
    """Files that carry SID's names; one problem for every other entry that is not hidden."""
    here = [path.name for path in sorted(folder.iterdir())]
    return _named(folder, here, problems, lambda path: _not_a_file(path, root))


def _named(
    folder: Path,
    entries: Iterable[str],
    problems: list[str],
    refuse: Callable[[Path], str | None] = lambda _: None,
) -> Iterable[_Exposure]:
    stems: set[str] = set()
    for name in entries:
        path = folder / name
        if name.startswith("."):
            continue
        match = NAME.fullmatch(name)
        if path.suffix.lower() == ".npy":
            problems.append(f"{path} {NPY}")
        elif match is None:
            problems.append(f"{path}: not a name like SID's 10003_00_0.1s.ARW: rename or remove it")
        elif (refusal := refuse(path)) is not None:
            problems.append(f"{path}: {refusal}")
        elif float(match["seconds"]) == 0:
            problems.append(f"{path}: its name says an exposure time of zero: rename or remove it")
        elif path.stem.lower() in stems:
            problems.append(
                f"{path}: a file of the same name with another suffix exists, skipped: remove one"
            )
        else:
            stems.add(path.stem.lower())
            yield _Exposure(match["scene"], match["frame"], float(match["seconds"]), path)


def _not_a_file(path: Path, root: Path) -> str | None:
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()) and not _trusted(path, root):
        return f"a link out of the data set {_STRANGER}"
    if not path.is_file():
        return "not a file (a folder, pipe or broken link), not opened: remove it"
    return None


def _trusted(link: Path, root: Path) -> bool:
    """Whether a link was created by this user or by the owner of the data set, as caches of files do.

    Links of other users in a folder that all may write to are not followed, as in kernels.
    """
    owner = link.lstat().st_uid
    return owner in {os.geteuid() if hasattr(os, "geteuid") else owner, root.stat().st_uid}


def _one_per_scene(longs: Iterable[_Exposure], problems: list[str]) -> dict[str, _Exposure]:
    chosen: dict[str, _Exposure] = {}
    for long in sorted(longs, key=lambda each: (each.frame, -each.seconds, each.path)):
        if long.scene in chosen:
            problems.append(
                f"{long.path}: scene {long.scene} already has {chosen[long.scene].path.name}: remove one"
            )
        else:
            chosen[long.scene] = long
    return chosen


def _pair(
    shorts: Iterable[_Exposure],
    longs: dict[str, _Exposure],
    problems: list[str],
    same: Callable[[Path, Path], bool],
) -> list[Pair]:
    pairs = []
    alone: dict[str, int] = {}
    for short in shorts:
        long = longs.get(short.scene)
        if long is None:
            alone[short.scene] = alone.get(short.scene, 0) + 1
        else:
            pair = Pair(short.scene, short.frame, short.seconds, long.seconds, short.path, long.path)
            if same(short.path, long.path):
                problems.append(f"{short.path}: identical to its long exposure: copy it again")
            else:
                pairs.append(pair)
    problems += [
        f"scene {scene}: short exposures ({frames}) but no long one: add its long exposure, or remove them"
        for scene, frames in alone.items()
    ]
    return sorted(pairs)


def _listed(pairs: list[Pair], list_file: Path, problems: list[str]) -> list[Pair]:
    wanted, refused = read_list(list_file)
    problems += refused
    kept = [pair for pair in pairs if (pair.short.stem, pair.long.stem) in wanted]
    missing = sorted(wanted - {(pair.short.stem, pair.long.stem) for pair in kept})
    if missing:
        problems.append(
            f"{list_file}: {len(missing)} of its {len(wanted)} pairs are missing, first {missing[0][0]}"
        )
    return kept


def _nothing(base: Path, problems: list[str]) -> str:
    if problems:
        return (
            f"data set {base} has no usable pair: {problems[0]} ({plural(len(problems), 'problem')} in total)"
        )
    return f"data set {base} has no raw files: put some into short and long, or run `llbench data make`"


def _identity(
    manifests: Iterable[Path], pairs: list[Pair], long: Path, problems: list[str]
) -> tuple[str, bool, dict[str, Any] | None]:
    """Find a name that is the same wherever the folder lies, whether the files were made, and by what."""
    for manifest in manifests:
        made = _manifest_kind(manifest, problems)
        if made is not None:
            kind, recipe = made
            return f"{kind}-{_short_hash(manifest.read_bytes())}", True, recipe
    synthetic = _says_synthetic(long)
    if not synthetic and _is_sid(pairs):
        return "sid-sony", False, None
    listed = "\n".join(f"{pair.short.name} {pair.long.name}" for pair in pairs)
    return f"folder-{_short_hash(listed.encode())}", synthetic, None


def _manifest_kind(path: Path, problems: list[str]) -> tuple[str, dict[str, Any] | None] | None:
    """Kind of synthetic data, and the parameters of `data make`; None if a file is not a manifest of such."""
    if not path.is_file() or (path.is_symlink() and not _trusted(path, path.parent)):
        return None
    try:
        with path.open("rb") as file:
            manifest: Any = json.loads(file.read(_MANIFEST_LIMIT))
        kind, parameters = _KINDS[manifest["kind"]], dict(manifest.get("parameters", {}))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        problems.append(
            f"{path}: not a manifest of `llbench data` ({error!r}): remove it or generate the data again"
        )
        return None
    # A set under stress is another set, and says so by its name.
    name = f"{kind}-black" if parameters.get("black_offset") else kind
    return name, parameters if kind == "made" else None


def _says_synthetic(path: Path) -> bool:
    try:
        return inspect(path).camera == CAMERA
    except InputError:
        return False


def _is_sid(pairs: list[Pair]) -> bool:
    """Whether the test part is SID's, by number of pairs at each ratio and of scenes."""
    found = count(pairs, "all")
    scenes = {pair.scene for pair in select(pairs, "all")}
    return found == PUBLISHED["all"] and len(scenes) == SID_TEST_SCENES


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]
