"""`llbench data`: create, index, verify and calibrate data sets in SID's layout."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from baselines.paper import FULL_SIZE
from bench.cli.counting import counting
from bench.cli.crew import cluster_option, crew
from bench.cli.examples import examples
from bench.cli.size import Size
from bench.data.folder.subsets import PUBLISHED, RATIOS, SUBSETS, count, deviations
from bench.machine.wording import plural
from llpacknet.errors import InputError, one_line

if TYPE_CHECKING:
    from bench.data.folder.pairs import Dataset
    from bench.data.folder.verify import Verification
    from bench.data.making.noise_table import NoiseTable

_FOLDER = click.Path(path_type=Path)
_BLACK = click.option(
    "--black-offset",
    "black",
    is_flag=True,
    help="A stress set: the black level of each short exposure is wrong by -2 to +2.9 digital numbers.",
)
_CAMERA = click.option(
    "--camera",
    type=_FOLDER,
    help="CSV from `data calibrate`: use that camera's noise instead of the Sony A7S II's. Between its ISOs "
    "it is interpolated logarithmically; exposures are drawn only at those of SID's ISOs that it covers.",
)
_LIST = click.option(
    "--list", "list_file", type=_FOLDER, help="One of SID's list files: only the pairs in it are used."
)

SHOWN_LEAKS = 3
SHOWN_DRIFTS = 3


@click.group(epilog=examples("llbench data make --scenes 3 --out dark", "llbench data index dark"))
def command() -> None:
    """Create, index, verify and calibrate data sets in SID's layout."""


@command.command(
    short_help="Generate dark raws from procedural night scenes.",
    epilog=examples(
        "llbench data make --scenes 3 --seed 7 --out dark",
        "llbench data make --scenes 1 --size 356x532 --out small",
    ),
)
@click.option("--scenes", type=click.IntRange(1), required=True, help="Number of scenes.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Random seed; the same seed gives the same files.",
)
@click.option("--size", type=Size(), default=FULL_SIZE, help="Height and width; default: 2848x4256.")
@click.option("--out", type=_FOLDER, required=True, help="Folder to write the data set to.")
@_BLACK
@_CAMERA
@cluster_option
def make(
    scenes: int,
    seed: int,
    size: tuple[int, int],
    out: Path,
    black: bool,
    camera: Path | None,
    cluster: str | None,
) -> None:
    """Generate dark raws from procedural night scenes, each one long and at least three short exposures."""
    from bench.data.making.camera import BLACK_OFFSETS
    from bench.data.making.make import make as make_data

    offsets, table = BLACK_OFFSETS if black else None, _noise_table(camera, drawn=True)

    with crew(cluster) as workers, counting("generating dark raws") as progress:
        dataset = make_data(
            out, scenes, seed, size, black_offset=offsets, table=table, progress=progress,
            spread=workers.spread,
        )  # fmt: skip
    _say_what_was_made(dataset)


@command.command(
    short_help="Generate dark raws from photographs.",
    epilog=examples(
        "llbench data redark photos --out dark",
        "llbench data redark photos --exposures exposures.csv --camera mine.csv --out dark",
    ),
)
@click.argument("photos", type=_FOLDER)
@click.option("--out", type=_FOLDER, required=True, help="Folder to write the data set to.")
@click.option(
    "--exposures",
    type=_FOLDER,
    help="CSV with the columns photo,short_s,long_s,iso and optionally wb_r,wb_b.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Random seed; the same seed gives the same files.",
)
@_BLACK
@_CAMERA
@cluster_option
def redark(
    photos: Path,
    out: Path,
    exposures: Path | None,
    seed: int,
    black: bool,
    camera: Path | None,
    cluster: str | None,
) -> int:
    """Generate dark raws from a folder of photographs (JPEG, PNG, 16-bit TIFF).

    A photograph that cannot be used is reported and skipped; the exit status is then 1.
    """
    from bench.data.making.camera import BLACK_OFFSETS
    from bench.data.making.redark import redark as redark_photos

    offsets, table = BLACK_OFFSETS if black else None, _noise_table(camera, drawn=exposures is None)
    left_out: list[str] = []

    def refused(reason: str) -> None:
        left_out.append(reason)
        print(f"llbench: skipped: {one_line(reason)}", file=sys.stderr, flush=True)

    with crew(cluster) as workers, counting("redarking photographs") as progress:
        dataset = redark_photos(
            photos, out, exposures=exposures, seed=seed, black_offset=offsets, table=table,
            progress=progress, spread=workers.spread, refused=refused,
        )  # fmt: skip
    _say_what_was_made(dataset)
    return 1 if left_out else 0


@command.command(
    short_help="Pair the files, count the subsets, and find leaks between lists.",
    epilog=examples(
        "llbench data index ~/SID",
        "llbench data index ~/SID --list ~/SID/Sony_test_list.txt",
        "llbench data index --list train.txt --list test.txt",
    ),
)
@click.argument("folder", type=_FOLDER, required=False)
@click.option(
    "--list",
    "lists",
    type=_FOLDER,
    multiple=True,
    help="One of SID's list files: only the pairs in it are used. Several: report what they share.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def index(folder: Path | None, lists: tuple[Path, ...], as_json: bool) -> int:
    """Pair the files of FOLDER and count the published subsets; nothing is decoded.

    With several lists (for example of training and test pairs), compare these instead: report scenes, inputs
    and truths that are in more than one list, and inputs that are their own truth. If FOLDER is given too,
    files with the same content count as one, whatever their names. Exit status 1 if anything leaks.
    """
    if len(lists) > 1:
        return _show_leaks(lists, folder, as_json=as_json)
    if folder is None:
        raise InputError("nothing to index: give a folder in SID's layout, or two lists to compare")
    _show_index(folder, lists[0] if lists else None, as_json=as_json)
    return 0


def _show_leaks(lists: tuple[Path, ...], folder: Path | None, *, as_json: bool) -> int:
    from bench.data.folder.leaks import leaks, read_entries

    names = [str(path) if [one.name for one in lists].count(path.name) > 1 else path.name for path in lists]
    if len(set(names)) < len(names):
        raise InputError(f"list {lists[0]} was given twice: give two different lists")
    entries = {name: read_entries(path) for name, path in zip(names, lists, strict=True)}
    found = leaks(entries, folder)
    if as_json:
        sizes = {name: len(listed) for name, listed in entries.items()}
        print(json.dumps({"lists": sizes, "leaks": {one.what: list(one.found) for one in found}}))
    else:
        for name, listed in entries.items():
            scenes = len({one.scene for one in listed})
            print(f"{name}: {plural(len(listed), 'pair')}, {plural(scenes, 'scene')}")
        for leak in found:
            shown = ", ".join(leak.found[:SHOWN_LEAKS])
            more = f", and {len(leak.found) - SHOWN_LEAKS} more" if len(leak.found) > SHOWN_LEAKS else ""
            print(one_line(f"{leak.what}: {len(leak.found)}{f' ({shown}{more})' if shown else ''}"))
    return 1 if any(leak.found for leak in found) else 0


def _show_index(folder: Path, list_file: Path | None, *, as_json: bool) -> None:
    from bench.data.folder.index import index as index_folder

    dataset = index_folder(folder, list_file)
    if as_json:
        print(json.dumps(_as_json(dataset)))
        return
    made = ", synthetic" if dataset.synthetic else ""
    print(f"{dataset.name}{made}: {plural(len(dataset.pairs), 'pair')}, {plural(_scenes(dataset), 'scene')}")
    print(f"{'subset':<20}{'pairs':>7}{'first':>7}   x100/x250/x300   {'SID':>6}")
    for subset in SUBSETS:
        found = count(dataset.pairs, subset)
        at = "/".join(str(number) for number in found.ratios or ())
        print(f"{subset:<20}{found.pairs:>7}{found.first_frames:>7}   {at:<17}{PUBLISHED[subset].pairs:>6}")
    if dataset.name == "sid-sony":
        print("\n".join(deviations(dataset.pairs) or ["every subset has its published count"]))
    _list("problem", dataset.problems)


@command.command(
    short_help="Decode and check every file.",
    epilog=examples("llbench data verify dark", "llbench data verify ~/SID --json"),
)
@click.argument("folder", type=_FOLDER)
@_LIST
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def verify(folder: Path, list_file: Path | None, as_json: bool) -> int:
    """Decode every file and check it; exit status 1 if there is a problem.

    Checksums and alignment are checked for all files. Files that have SID's names and are not marked as
    synthetic are also compared with the known mean levels of SID's 93 first test frames and with SID's lists.
    For every short exposure, the error of its stated black level is estimated; --json lists them all.
    """
    from bench.data.folder.verify import verify as verify_folder

    with counting("verifying") as progress:
        found = verify_folder(folder, list_file, progress=progress)
    if as_json:
        lists = {"files": found.files, "problems": found.problems, "warnings": found.warnings}
        print(json.dumps({**_as_json(found.dataset), **lists, **_beside_sid(found)}))
    else:
        _list("problem", found.problems)
        _list("warning", found.warnings)
        _show_beside_sid(found)
        found_out = f"problems: {len(found.problems)}, warnings: {len(found.warnings)}"
        print(f"{found.dataset.name}: {plural(found.files, 'file')} read, {found_out}")
    return 1 if found.problems else 0


@command.command(
    short_help="Measure a camera's noise from dark and flat frames.",
    epilog=examples("llbench data calibrate --dark dark --flat flat --out mine.csv"),
)
@click.option("--dark", "darks", type=_FOLDER, required=True, help="Folder of dark frames, several per ISO.")
@click.option("--flat", "flats", type=_FOLDER, required=True,
              help="Folder of flat frames, two per exposure and ISO.")  # fmt: skip
@click.option("--out", type=_FOLDER, required=True, help="The CSV file to write.")
def calibrate(darks: Path, flats: Path, out: Path) -> None:
    """Measure a camera's gain, read noise, row noise and black error at each ISO from its raw frames.

    The CSV is what --camera of `data make`, `data redark` and `train` takes.
    """
    from bench.data.making.noise_calibration import calibrate as calibrate_frames
    from bench.data.making.noise_calibration import write

    found = calibrate_frames(darks, flats)
    write(out, found)
    for one in found:
        print(
            f"ISO {one.iso}: K {one.gain_dn_per_electron:.4g} DN per electron, read noise "
            f"{one.gaussian_read_sigma_dn:.3f} DN, rows {one.row_sigma_dn:.3f} DN, black "
            f"{one.black_error_dn:+.2f} DN ({plural(one.darks, 'dark frame')}, "
            f"{plural(one.flat_pairs, 'pair')} of flat frames)"
        )


def _noise_table(camera: Path | None, *, drawn: bool) -> NoiseTable | None:
    """Read the table that --camera names; say so where it narrows which of SID's settings are drawn."""
    if camera is None:
        return None
    from bench.data.making.camera_settings import covered
    from bench.data.making.noise_table import read

    table = read(camera)
    if drawn:
        count, of = covered(table)
        if count < of:
            print(
                f"llbench: {one_line(table.name)} covers the ISO of {count} of SID's {of} test scenes: "
                "settings are drawn from these",
                file=sys.stderr,
                flush=True,
            )
    return table


def _beside_sid(found: Verification) -> dict[str, object]:
    return {
        "levels_compared": found.compared,
        "lists": {one.list: {"there": one.there, "pairs": one.pairs} for one in found.lists},
        "black_drift": {path.stem: asdict(drift) for path, drift in found.drifts.items()},
    }


def _show_beside_sid(found: Verification) -> None:
    """Report how much of SID is present, and the black-level errors: median, range and the largest three."""
    from bench.data.folder.known import levels

    if any(one.there for one in found.lists):
        print("pairs in SID's lists: " + ", ".join(f"{o.list} {o.there} of {o.pairs}" for o in found.lists))
        print(f"mean levels compared with those of SID: {found.compared} of {len(levels())} known")
    known = sorted((drift.dn, path.stem) for path, drift in found.drifts.items() if drift.dn is not None)
    if not known:
        return
    values = [dn for dn, _ in known]
    far = sorted(known, key=lambda one: -abs(one[0]))[:SHOWN_DRIFTS]
    print(
        f"black levels are {median(values):+.2f} DN off what the files say ({values[0]:+.2f} to "
        f"{values[-1]:+.2f}), estimated in {len(known)} of {len(found.drifts)} short exposures; largest: "
        + ", ".join(f"{name} {dn:+.2f}" for dn, name in far)
    )


def _say_what_was_made(dataset: Dataset) -> None:
    pairs, scenes = plural(len(dataset.pairs), "pair"), plural(_scenes(dataset), "scene")
    print(f"{dataset.name}: {pairs} of {scenes} in {dataset.root}")


def _scenes(dataset: Dataset) -> int:
    return len({pair.scene for pair in dataset.pairs})


def _as_json(dataset: Dataset) -> dict[str, object]:
    counts = {subset: count(dataset.pairs, subset) for subset in SUBSETS}
    return {
        "name": dataset.name,
        "synthetic": dataset.synthetic,
        "pairs": len(dataset.pairs),
        "scenes": _scenes(dataset),
        "subsets": {
            subset: {
                "pairs": found.pairs,
                "first_frames": found.first_frames,
                "ratios": dict(zip(map(str, RATIOS), found.ratios or (), strict=True)),
            }
            for subset, found in counts.items()
        },
        "problems": list(dataset.problems),
    }


def _list(kind: str, lines: list[str] | tuple[str, ...]) -> None:
    for line in lines:
        print(f"{kind}: {one_line(line)}")
