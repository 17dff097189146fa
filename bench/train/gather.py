"""Gather the photographs that the shipped weights were trained on: `python -m bench.train.gather FOLDER`.

They come from Debian packages, fetched with `apt-get download` and unpacked with `dpkg -x` (no root needed,
nothing is installed), and from scikit-image and scikit-learn, which come with the project. The list with
author and licence of each is `bench/train/photographs.csv`; a copy is written beside the photographs.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

import click

from bench.machine.wording import plural
from bench.train.photo_pool import LIST_NAME, Photograph, read_list
from llpacknet.errors import InputError

INSTALLED = {"scikit-image": "skimage", "scikit-learn": "sklearn"}


def shipped_list() -> str:
    """CSV text of the project's own list of photographs."""
    return resources.files("bench").joinpath(f"train/{LIST_NAME}").read_text(encoding="utf-8")


def gather(folder: Path) -> tuple[Photograph, ...]:
    """Copy every listed photograph to `folder`, and the list with it.

    Raises:
        InputError: a package is not available (no apt, no network) or no longer contains a listed file.
    """
    photographs = read_list(shipped_list(), LIST_NAME)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        roots = {
            package: _root(package, Path(temporary)) for package in {each.package for each in photographs}
        }
        for each in photographs:
            source = roots[each.package] / each.path
            if not source.is_file():
                raise InputError(
                    f"package {each.package} has no {each.path}, so it is a different release; "
                    "give any folder of photographs to llbench train --photos"
                )
            shutil.copyfile(source, folder / each.file)
    (folder / LIST_NAME).write_text(shipped_list(), encoding="utf-8")
    return photographs


def _root(package: str, temporary: Path) -> Path:
    """Return the folder that a listed path of this package starts from."""
    if package in INSTALLED:
        spec = importlib.util.find_spec(INSTALLED[package])
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).parents[1]
    target = temporary / package
    target.mkdir()
    try:
        subprocess.run(["apt-get", "download", package], cwd=target, check=True, capture_output=True)
        (archive,) = target.glob("*.deb")
        subprocess.run(["dpkg", "-x", archive.name, "."], cwd=target, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise InputError(
            f"cannot get the Debian package {package} ({error}): run this on Debian after apt-get update, "
            "or give any folder of photographs to llbench train --photos"
        ) from error
    return target


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Gather the listed free photographs into FOLDER."""
    try:
        photographs = gather(folder)
    except InputError as error:
        print(f"gather: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    count = plural(len(photographs), "photograph")
    print(f"{count} in {folder}, with their authors and licences in {LIST_NAME}")


if __name__ == "__main__":
    command()
