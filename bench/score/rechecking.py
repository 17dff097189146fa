"""Someone else's cells measured again here: which agree, which differ, which cannot be compared, and why."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.registry import weights_path
from bench.judge.exact import COUNTS
from bench.records import protocols, provenance, store
from bench.records.jobs import ExposurePair, Job
from bench.run import predictions
from bench.run.manager import execute
from bench.run.plan import Plan
from bench.run.span import pictures, weights_choice
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.data.folder.pairs import Dataset
    from bench.records.cells import Cell, Record

AGREES, DIFFERS, NOT_COMPARED = "agrees", "differs", "not compared"
# Sums in another order move a score by less; another picture moves it by more.
SCORES = {"psnr": 0.01, "ssim": 5e-4}


@dataclass(frozen=True)
class Checked:
    """What became of one cell.

    Attributes:
        cell: which.
        word: "agrees", "differs" or "not compared".
        reason: the figures, or why there are none.
    """

    cell: Cell
    word: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return asdict(self)


def recheck(
    records: Iterable[Record],
    out: Path,
    *,
    cells: int,
    seed: int = 0,
    dataset: Dataset | None = None,
    weights: Mapping[str, Path] | None = None,
) -> list[Checked]:
    """Measure all counts and a random sample of the pictures again, and compare.

    Args:
        records: someone else's results.
        out: a folder for the new results.
        cells: how many pictures are drawn.
        seed: of the drawing.
        dataset: the same pictures here; without them no score can be compared.
        weights: file per model instead of the shipped one.

    Returns:
        One for every cell that was looked at, in the order of the records.
    """
    ended = [record for record in records if record.status == "ok"]
    counted = [record for record in ended if record.cell.measurement == "complexity"]
    judged = [record for record in ended if record.cell.measurement == "quality"]
    drawn = random.Random(seed).sample(judged, min(cells, len(judged)))  # noqa: S311 -- no secret
    found: dict[Cell, Checked] = {}
    jobs: list[Job] = []
    here = {one.name: one for one in pictures(dataset, dataset.pairs)} if dataset else {}
    for record in [*counted, *drawn]:
        made = _job(record, dataset, here, weights or {})
        if isinstance(made, Job):
            jobs.append(made)
        else:
            found[record.cell] = Checked(record.cell, NOT_COMPARED, made)
    if jobs:
        execute(Plan(_together(jobs), weights=weights), out, resume=True)
    for record in [*counted, *drawn]:
        if record.cell not in found:
            found[record.cell] = _compared(record, store.path_of(out, record.cell))
    timed = [record.cell for record in ended if record.cell.measurement not in {"complexity", "quality"}]
    reason = "times and memory peaks depend on the machine: compare your own runs with 'llbench compare'"
    return [*found.values(), *(Checked(cell, NOT_COMPARED, reason) for cell in timed)]


def _together(jobs: list[Job]) -> tuple[Job, ...]:
    """Count the registered methods in one process; each of a user's own, which may fail, in its own."""
    plain = [job for job in jobs if job.measurement == "complexity" and ":" not in job.cell.model]
    others = [job for job in jobs if job not in plain]
    cells = tuple(job.cell for job in plain)
    return (Job(cells, predicted_s=predictions.IMPORT_S * len(cells)), *others) if cells else tuple(others)


def _job(
    record: Record, dataset: Dataset | None, here: Mapping[str, ExposurePair], weights: Mapping[str, Path]
) -> Job | str:
    """Make the job that measures a cell again; or say why none can. `here` holds the pictures, by name."""
    cell = record.cell
    if cell.measurement == "complexity":
        return Job((cell,), predicted_s=predictions.IMPORT_S)
    if dataset is None:
        return "its data set is not here: give it with --dataset"
    try:
        protocols.get(str(cell.protocol))
        choice = weights_choice(cell.model, weights)
    except InputError as error:
        return str(error)
    pair = here.get(str(cell.image))
    if pair is None:
        return f"{dataset.root} has no picture {cell.image}"
    why = _other_origin(record, pair, choice)
    settings = record.provenance.get("settings") or {}
    share, part = settings.get("area_fraction", 1.0), settings.get("part_of")
    if why is None and share < 1 and part is None:
        why = "a part of the picture was scored by the rules of an older release"
    return why or Job(
        (cell,), (pair,), choice, area_fraction=share, part_of=part, synthetic=record.provenance["synthetic"]
    )


def _other_origin(record: Record, pair: ExposurePair, choice: str) -> str | None:
    """Say what makes a score here another thing than the recorded one: other weights, or other raw files."""
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
