"""Someone else's cells measured again here: which agree, which differ, which cannot be compared, and why."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.registry import weights_path
from bench.judge.exact import COUNTS
from bench.records import protocols, provenance, store
from bench.records.jobs import ExposurePair, Job
from bench.run import predictions
from bench.run.manager import execute
from bench.run.plan import Plan
from bench.run.span import images, weights_choice
from bench.score import remaking
from bench.score.checked import AGREES, DIFFERS, NOT_COMPARED, Checked
from bench.score.cost_ratios import KINDS, recheck_ratios
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.data.folder.pairs import Dataset
    from bench.records.cells import Cell, Record
    from bench.run.outcome import Progress
    from bench.score.remaking import Making

# Sums in another order move a score by less; another image moves it by more.
SCORES = {"psnr": 0.01, "ssim": 5e-4}


@dataclass(frozen=True)
class Here:
    """What this machine has to measure with.

    Attributes:
        dataset: the images behind the results; without them and `make` no score can be compared.
        make: folder to generate the images in, if those behind the results came from `llbench data make`.
        weights: file per model instead of the shipped one.
        making: context manager that provides a function to call with the number of files done and the total.
        progress: is notified of progress.
    """

    dataset: Dataset | None = None
    make: Path | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)
    making: Making | None = None
    progress: Progress | None = None


def recheck(
    records: Iterable[Record],
    out: Path,
    *,
    cells: int,
    ratios: int = 0,
    seed: int = 0,
    here: Here | None = None,
) -> list[Checked]:
    """Measure all counts and a random sample of the images and ratios of cost again, and compare.

    Args:
        records: someone else's results.
        out: a folder for the new results.
        cells: how many images to draw.
        ratios: for how many methods to measure time and memory relative to a reference.
        seed: of the draw.
        here: what to measure with.

    Returns:
        One for every cell that was looked at: counts, images, costs, then cells that cannot be measured
        again.

    Raises:
        InputError: the folder to generate images in cannot be used.
    """
    here = here or Here()
    ended = [record for record in records if record.status == "ok"]
    counted = [record for record in ended if record.cell.measurement == "complexity"]
    judged = [record for record in ended if record.cell.measurement == "quality"]
    drawn = random.Random(seed).sample(judged, min(cells, len(judged)))  # noqa: S311 -- no secret
    found = _again([*counted, *drawn], ended, out, here)
    found += recheck_ratios(ended, out, count=ratios, seed=seed, weights=here.weights, progress=here.progress)
    rest = [one.cell for one in ended if one.cell.measurement not in {"complexity", "quality", *KINDS}]
    reason = "it depends on the machine: compare your own runs with 'llbench compare'"
    return [*found, *(Checked(cell, NOT_COMPARED, reason) for cell in rest)]


def _again(chosen: Sequence[Record], ended: Sequence[Record], out: Path, here: Here) -> list[Checked]:
    """Measure counts and images again."""
    found: dict[Cell, Checked] = {}
    jobs: list[Job] = []
    there, why = _images([one for one in chosen if one.cell.measurement == "quality"], ended, here)
    for record in chosen:
        made = _job(record, there.get(str(record.cell.dataset), {}), here, why.get(str(record.cell.dataset)))
        if isinstance(made, Job):
            jobs.append(made)
        else:
            found[record.cell] = Checked(record.cell, NOT_COMPARED, made)
    if jobs:
        execute(Plan(_together(jobs), weights=here.weights), out, resume=True, progress=here.progress)
    for record in chosen:
        if record.cell not in found:
            found[record.cell] = _compared(record, store.path_of(out, record.cell))
    return [found[record.cell] for record in chosen]


def _images(
    drawn: Sequence[Record], ended: Sequence[Record], here: Here
) -> tuple[dict[str, dict[str, ExposurePair]], dict[str, str]]:
    """Available images by data set and name; and why those of a data set are missing."""
    there: dict[str, dict[str, ExposurePair]] = {}
    why: dict[str, str] = {}
    sets: dict[str, list[Record]] = defaultdict(list)
    for record in drawn:
        sets[str(record.cell.dataset)].append(record)
    for name, some in sets.items():
        dataset, asked = here.dataset, remaking.recipe(some[0], ended)
        needs_table = asked is not None and bool(asked.get("camera"))
        if dataset is None and asked is not None and here.make is not None and not needs_table:
            dataset = remaking.make_again(here.make / name, some, asked, here.making)
        if dataset is not None:
            there[name] = {one.name: one for one in images(dataset, dataset.pairs)}
        elif asked is not None:
            why[name] = _makeable(some, asked)
        else:
            why[name] = f"the images of {name} are not here and cannot be generated: give them with --dataset"
    return there, why


def _makeable(some: Sequence[Record], asked: dict[str, Any]) -> str:
    how = remaking.command(some, asked)
    if asked.get("camera"):
        return f"its data set needs the noise table of its camera: '{how}', then give it with --dataset"
    known = remaking.recorded(some[0])
    said = "its data set is not here, but can be generated again" if known else (
        "its data set is not here, and the results do not say how it was generated; it may be the "
        "default of the main job"
    )  # fmt: skip
    return f"{said}: --make DIR does it, as {how}; or give it with --dataset"


def _together(jobs: list[Job]) -> tuple[Job, ...]:
    """Count the registered methods in one process, and judge a method's images in one; the rest apart.

    A user's own method, whose construction may fail, is counted in a process of its own.
    """
    plain = [job for job in jobs if job.measurement == "complexity" and ":" not in job.cell.model]
    judged: dict[Job, list[Job]] = defaultdict(list)
    for job in jobs:
        if job.measurement == "quality":
            form = replace(job.cell, protocol=None, image=None)
            judged[replace(job, cells=(form,), images=())].append(job)
    merged = [
        replace(
            some[0],
            cells=tuple(job.cell for job in some),
            images=tuple(image for job in some for image in job.images),
        )
        for some in judged.values()
    ]
    others = [job for job in jobs if job.measurement != "quality" and job not in plain]
    cells = tuple(job.cell for job in plain)
    counted = [Job(cells, predicted_s=predictions.IMPORT_S * len(cells))] if cells else []
    return (*counted, *others, *merged)


def _job(record: Record, named: Mapping[str, ExposurePair], here: Here, why: str | None) -> Job | str:
    """Make the job that measures a cell again, or say why none can be made. `named`: images by name."""
    cell = record.cell
    if cell.measurement == "complexity":
        return Job((cell,), predicted_s=predictions.IMPORT_S)
    if why is not None:
        return why
    try:
        protocols.get(str(cell.protocol))
        choice = weights_choice(cell.model, here.weights)
    except InputError as error:
        return str(error)
    pair = named.get(str(cell.image))
    if pair is None:
        return f"{here.dataset.root if here.dataset else here.make} has no image {cell.image}"
    why = _other_origin(record, pair, choice)
    settings = record.provenance.get("settings") or {}
    share, part = settings.get("area_fraction", 1.0), settings.get("part_of")
    if why is None and share < 1 and part is None:
        why = "a part of the image was scored by the rules of an older release"
    return why or Job(
        (cell,), (pair,), choice, area_fraction=share, part_of=part, synthetic=record.provenance["synthetic"]
    )


def _other_origin(record: Record, pair: ExposurePair, choice: str) -> str | None:
    """Say why a score here is not comparable with the recorded one: other weights, or other raw files."""
    file = weights_path(record.cell.model) if choice == "shipped" else Path(choice)
    facts = provenance.weights_facts(None if choice == "none" else file)
    if facts["weights_sha256"] != record.provenance.get("weights_sha256"):
        return "it was measured with other weights: give them with --weights"
    data = provenance.data_sha256([Path(pair.short), Path(pair.long)])
    if data != record.provenance.get("data_sha256"):
        return "the raw files here differ from those it was measured on"
    return None


def _compared(record: Record, path: Path) -> Checked:
    if not path.is_file():
        return Checked(record.cell, NOT_COMPARED, "it could not be measured here")
    here = store.read(path)
    if here.status != "ok":
        return Checked(record.cell, DIFFERS, f"ok there, {here.status} here: {here.reason}")
    allowed = SCORES if record.cell.measurement == "quality" else dict.fromkeys(COUNTS, 0.0)
    apart: list[str] = []
    equal: list[str] = []
    for name, limit in allowed.items():
        there, now = record.values.get(name), here.values.get(name)
        same = there == now or (there is not None and now is not None and _near(there, now, limit))
        (equal if same else apart).append(f"{name} {there} there, {now} here")
    return Checked(record.cell, DIFFERS if apart else AGREES, "; ".join(apart or equal))


def _near(there: Any, now: Any, limit: float) -> bool:
    return abs(float(there) - float(now)) <= limit
