"""Where a result comes from: code, weights, data, settings; and whether an existing one is still valid."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines import spec
from bench.machine import git
from bench.machine.environment import library_versions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.records.cells import Record

ROOT = Path(__file__).resolve().parents[2]
# What a measured number depends on; a change elsewhere (tables, tests, pages) leaves results valid.
MEASURING_CODE = (
    *("llpacknet", "baselines", "bench/measure", "bench/metrics"),
    *("bench/records/protocols.py", "bench/records/protocols.toml", "bench/data/decode/truth.py"),
)
# What of a user's package decides its network's images and costs.
MODEL_FILES = frozenset({".py", ".safetensors", ".pt", ".pth", ".npz"})
# A result is measured again when any of these differs from what it would be now.
KEY = (
    *("code_sha256", "model_sha256", "torch", "rawpy", "libraw"),
    *("weights_sha256", "data_sha256", "synthetic", "settings"),
)
# Ends that follow from code, weights and data alone: with the same key they would come again.
LASTING = frozenset({"ok", "wrong-output", "bad-input"})


@cache
def base() -> dict[str, Any]:
    """Return what applies to every result of this process: versions, commit, hash of the measuring code."""
    import rawpy

    versions = library_versions()
    return {
        "package": versions.get("llpacknet-bench"),
        "commit": commit(),
        "code_sha256": code_sha256(),
        "torch": versions.get("torch"),
        "rawpy": versions.get("rawpy"),
        "libraw": ".".join(str(part) for part in rawpy.libraw_version),
    }


def lasts(record: Record, expected: dict[str, Any]) -> bool:
    """Whether a stored result is what would be measured now, so that `--resume` keeps it."""
    if record.status not in LASTING:
        return False
    return all(record.provenance.get(key) == expected.get(key) for key in KEY)


@cache
def commit() -> str | None:
    """Commit of the source tree, with "+changes" where files differ from it; None outside a checkout."""
    if not (ROOT / ".git").exists():
        return None
    with contextlib.suppress(git.GitError):
        return git.commit_of(ROOT, untracked=False)
    return None


@cache
def code_sha256() -> str:
    """Hash of the code that measured numbers depend on, whatever its commit."""
    digest = hashlib.sha256()
    for path in _code_files():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _code_files() -> Iterable[Path]:
    for name in MEASURING_CODE:
        place = ROOT / name
        found = place.rglob("*") if place.is_dir() else [place]
        yield from sorted(path for path in found if path.suffix in {".py", ".toml"} and path.is_file())


def model_sha256(model: str) -> str | None:
    """Hash of a user's own method, found without importing it; None for the suite's own.

    It covers the code and weights (MODEL_FILES) of the top-level package that the factory lies in, or the
    one file of a plain module.

    Args:
        model: "package.module:factory", or the name of an entry point that says the same.
    """
    factory = model if ":" in model else spec(model).factory
    parts = factory.partition(":")[0].split(".")
    if ":" not in model and parts[0] in MEASURING_CODE:
        return None  # counted in `code_sha256`
    for folder in [*sys.path, str(Path.cwd())]:
        module = Path(folder).joinpath(*parts)
        if not (module.with_suffix(".py").is_file() or (module / "__init__.py").is_file()):
            continue
        top = Path(folder) / parts[0]
        if not top.is_dir():
            return file_sha256(top.with_suffix(".py"))
        digest = hashlib.sha256()
        for path in sorted(path for path in top.rglob("*") if path.suffix in MODEL_FILES and path.is_file()):
            digest.update(f"{path.relative_to(top).as_posix()} {file_sha256(path)}\n".encode())
        return digest.hexdigest()
    return None


def file_sha256(path: Path) -> str:
    """Hash of a file's content, remembered for as long as its size and time of change stay the same."""
    stat = path.stat()
    return _file_sha256(path, stat.st_size, stat.st_mtime_ns)


@cache
def _file_sha256(path: Path, size: int, modified: int) -> str:  # noqa: ARG001
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def data_sha256(paths: Iterable[Path]) -> str | None:
    """Hash over the hashes of the raw files that a measurement read; None when it read none."""
    hashes = [file_sha256(path) for path in paths]
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest() if hashes else None


def weights_facts(path: Path | None) -> dict[str, Any]:
    """Hash of a weights file, and what its model card says about its training.

    `terms` is "equal" for networks that were trained on the same images for the same number of patches,
    each at its own learning rate: only these are ranked beside each other.
    """
    if path is None:
        return {"weights_sha256": None}
    facts: dict[str, Any] = {"weights_sha256": file_sha256(path)}
    card = _card(path)
    if card.get("unfinished") is True or card.get("training", {}).get("unfinished") is True:
        facts["weights_unfinished"] = True
    terms = card.get("terms") or card.get("training", {}).get("terms")
    if terms:
        facts["weights_terms"] = str(terms)
    return facts


def _card(weights: Path) -> dict[str, Any]:
    """Read the model card that the trainer writes beside its weights; empty if there is none."""
    try:
        card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}
