"""The records of a results folder, looked up by method: its cost, its images."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from baselines.paper import FULL_SIZE
from bench.judge import trainings
from bench.records import pending, store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.judge.trainings import Training
    from bench.records.cells import Record

# Order of preference: the form that the papers timed comes first.
RUNTIMES = ("published", "eager", None, "compile", "onnxruntime", "openvino")
NOT_MEASURED = "not measured"
# Within a results folder: those of the same networks trained from other seeds.
SEEDS = "seeds"


@dataclass(frozen=True)
class Scored:
    """The quality records of one method under one protocol on the main data set.

    Attributes:
        ok: scored images by name.
        failed: reason per image that could not be scored.
    """

    ok: dict[str, Record]
    failed: dict[str, str]

    @property
    def reason(self) -> str:
        """Why there is no figure at all: the most common reason among the failed images."""
        if not self.failed:
            return NOT_MEASURED
        return Counter(sorted(self.failed.values())).most_common(1)[0][0]


class Results:
    """All records of one results folder; order of the files and time of writing have no influence.

    Attributes:
        records: what was measured, cell by cell.
        trainings: of the experiment on UnPack, where the folder holds it.
        pending: what a run has not measured yet, with its predicted seconds (`bench.records.pending`).
        repeats: results of the same networks trained from other seeds, in the order of their folders' names.
    """

    def __init__(
        self,
        records: Iterable[Record],
        trainings: Iterable[Training] = (),
        pending: Mapping[pending.Key, float] | None = None,
        repeats: Iterable[Results] = (),
    ) -> None:
        self.repeats = tuple(repeats)
        self.pending = dict(pending or {})
        self.trainings = tuple(sorted(trainings, key=lambda one: (one.arm, one.seed)))
        self.records = sorted(records, key=lambda record: [str(axis) for axis in vars(record.cell).values()])
        self._by: dict[tuple[str, str], list[Record]] = {}
        self._of: dict[str, list[Record]] = {}
        for record in self.records:
            self._by.setdefault((record.cell.measurement, record.cell.model), []).append(record)
            self._of.setdefault(record.cell.measurement, []).append(record)
        self._scored: dict[tuple[str, str, str | None, str], Scored] = {}
        self._images: dict[str, set[str]] | None = None

    @classmethod
    def load(cls, out: Path, unpack: Path | None = None) -> Results:
        """Every record under `<out>/cells/` and every training of the UnPack experiment.

        Where the same networks were trained from further seeds, `llbench run --weights NAME=FILE --measure
        quality --out <out>/seeds/2` and so on score these on the same images.

        Args:
            out: the results folder, of a finished run or an unfinished one.
            unpack: folder of the experiment; `<out>/unpack` if None.
        """
        folders = sorted(path for path in (out / SEEDS).glob("*") if store.files(path))
        repeats = [cls(store.load(path)) for path in folders]
        found = trainings.load(unpack or out / trainings.FOLDER)
        return cls(store.load(out), found, pending.read(out), repeats)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of all methods with at least one record, sorted."""
        return tuple(sorted({record.cell.model for record in self.records}))

    @cached_property
    def dataset(self) -> str | None:
        """The data set that the tables are about: a real one before a synthetic one, then the larger."""
        counted: Counter[str] = Counter()
        real: set[str] = set()
        for record in self.records:
            if record.cell.measurement == "quality" and record.cell.dataset and record.status == "ok":
                counted[record.cell.dataset] += 1
                if record.provenance.get("synthetic") is False:
                    real.add(record.cell.dataset)
        return max(counted, key=lambda name: (name in real, counted[name], name), default=None)

    @cached_property
    def synthetic(self) -> bool:
        """Whether the images of the main data set are synthetic; if unknown, they count as synthetic."""
        judged = [r for r in self.of("quality") if r.cell.dataset == self.dataset and r.status == "ok"]
        return any(record.provenance.get("synthetic") is not False for record in judged)

    def of(self, measurement: str, model: str | None = None) -> list[Record]:
        """Return records of one measurement, of one method or of all."""
        if model is not None:
            return self._by.get((measurement, model), [])
        return self._of.get(measurement, [])

    def frame(self, device: str = "cpu") -> tuple[int, int] | None:
        """Frame size of the main cost figures: the paper's where it was measured, else the largest."""
        sizes = {
            (record.cell.height, record.cell.width)
            for kind in ("latency", "memory")
            for record in self.of(kind)
            if record.cell.device == device
            and record.status == "ok"
            and record.cell.height
            and record.cell.width
        }
        known = [(height, width) for height, width in sizes if height is not None and width is not None]
        return (
            FULL_SIZE
            if FULL_SIZE in known
            else max(known, key=lambda size: (size[0] * size[1], size), default=None)
        )

    def threads(self, device: str, frame: tuple[int, int]) -> int | None:
        """Thread count of the main cost figures: the commonest at that size, then the greatest."""
        counted = Counter(
            record.cell.threads
            for record in self.of("latency")
            if record.cell.device == device
            and record.status == "ok"
            and (record.cell.height, record.cell.width) == frame
            and record.cell.threads is not None
        )
        return max(counted, key=lambda count: (counted[count], count), default=None)

    def thread_counts(self, device: str, frame: tuple[int, int]) -> tuple[int, ...]:
        """Thread counts on which several methods were timed at a size, as a sweep over threads does."""
        timed = {
            (record.cell.threads, record.cell.model)
            for record in self.of("latency")
            if record.cell.device == device
            and record.status == "ok"
            and (record.cell.height, record.cell.width) == frame
            and record.cell.threads is not None
        }
        methods = Counter(threads for threads, _ in timed)
        return tuple(
            sorted(threads for threads, count in methods.items() if count > 1 and threads is not None)
        )

    def cost(
        self,
        kind: str,
        model: str,
        *,
        device: str = "cpu",
        frame: tuple[int, int] | None = None,
        runtimes: Sequence[str | None] = RUNTIMES,
        precision: str = "fp32",
        threads: int | None = None,
    ) -> Record | str:
        """Return the latency or memory record that stands for a method, or the reason why there is none.

        Args:
            kind: "latency" or "memory".
            model: the method.
            device: "cpu" or "cuda".
            frame: rows and columns; the main frame of this folder if None.
            runtimes: acceptable runtimes, the preferred one first.
            precision: number format.
            threads: thread count; if None the main one of this folder, or what there is.
        """
        size = frame or self.frame(device)
        if size is None:
            return self._why(kind, model, device, None)
        main = self.threads(device, size)
        fitting = [
            record
            for record in self.of(kind, model)
            if (record.cell.height, record.cell.width) == size
            and record.cell.device == device
            and (record.cell.precision or precision) == precision
            and record.cell.runtime in runtimes
            and threads in {None, record.cell.threads}
        ]
        fitting.sort(
            key=lambda r: (
                list(runtimes).index(r.cell.runtime),
                r.cell.threads != main,
                -(r.cell.threads or 0),
            )
        )
        ok = next((record for record in fitting if record.status == "ok"), None)
        return ok if ok is not None else self._why(kind, model, device, size)

    def complexity(self, model: str, frame: tuple[int, int] = FULL_SIZE) -> Record | str:
        """Return the complexity record of a method, counted at that frame if there are several."""
        records = self.of("complexity", model)
        ok = [record for record in records if record.status == "ok"]
        ok.sort(
            key=lambda r: (
                (r.cell.height, r.cell.width) != frame,
                -(r.cell.height or 0) * (r.cell.width or 0),
            )
        )
        return ok[0] if ok else _reason(records)

    def scored(
        self, model: str, protocol: str, runtime: str | None = None, precision: str = "fp32"
    ) -> Scored:
        """Return what was scored of a method under a protocol, one runtime for all images.

        Args:
            model: the method.
            protocol: the protocol's name.
            runtime: the runtime; the first of `RUNTIMES` that has a scored image if None.
            precision: number format.
        """
        key = (model, protocol, runtime, precision)
        if key not in self._scored:
            self._scored[key] = self._judged(*key)
        return self._scored[key]

    def trained(self, model: str, protocol: str) -> list[Scored]:
        """Return what was scored of a method, once for each training: this folder's first."""
        further = [repeat.scored(model, protocol) for repeat in self.repeats]
        return [self.scored(model, protocol), *(scored for scored in further if scored.ok)]

    def _judged(self, model: str, protocol: str, runtime: str | None, precision: str) -> Scored:
        fitting = [
            record
            for record in self.of("quality", model)
            if record.cell.protocol == protocol
            and (record.cell.precision or precision) == precision
            and (record.cell.dataset == self.dataset or self.dataset is None)
        ]
        have = {record.cell.runtime for record in fitting if record.status == "ok"}
        chosen = runtime if runtime is not None else next((name for name in RUNTIMES if name in have), None)
        ok = {str(r.cell.image): r for r in fitting if r.status == "ok" and r.cell.runtime == chosen}
        failed = {
            str(r.cell.image): describe(r)
            for r in fitting
            if r.status != "ok" and str(r.cell.image) not in ok
        }
        return Scored(ok, failed)

    def images(self, protocol: str) -> list[str]:
        """Names of all images that any method was asked to restore under a protocol."""
        if self._images is None:
            self._images = {}
            for record in self.of("quality"):
                if record.cell.dataset in {self.dataset, None}:
                    self._images.setdefault(str(record.cell.protocol), set()).add(str(record.cell.image))
        return sorted(self._images.get(protocol, ()))

    @cached_property
    def judged(self) -> dict[str, int]:
        """How many images of the main data set were scored under each protocol."""
        counted = Counter(
            str(r.cell.protocol)
            for r in self.of("quality")
            if r.status == "ok" and r.cell.dataset == self.dataset
        )
        return dict(sorted(counted.items()))

    @cached_property
    def protocols(self) -> tuple[str, ...]:
        """Protocols under which anything of the main data set was scored or tried."""
        return tuple(sorted({str(r.cell.protocol) for r in self.of("quality") if r.cell.protocol}))

    def _why(self, kind: str, model: str, device: str, size: tuple[int, int] | None) -> str:
        """Why there is no such record: that cell's own failure, or what was measured instead."""
        records = [r for r in self.of(kind, model) if r.cell.device in {device, None}]
        failed = [r for r in records if (r.cell.height, r.cell.width) == size and r.status != "ok"]
        elsewhere = sorted({f"{r.cell.height}x{r.cell.width}" for r in records if r.status == "ok"})
        if failed or not elsewhere:
            return _reason(failed or records)
        where = f"measured only at {', '.join(elsewhere)}"
        return (
            where
            if size is None or f"{size[0]}x{size[1]}" not in elsewhere
            else "measured only in other settings"
        )


def describe(record: Record) -> str:
    """Status and reason of a record that is not ok, in one line."""
    reason = (record.reason or "").strip().splitlines()
    return f"{record.status}: {reason[0]}" if reason else record.status


def scene(image: str) -> str:
    """Return the scene an image shows: its name up to the first underscore."""
    return image.split("_", 1)[0]


def number(value: Any) -> float:
    """Return a value of a record as a float; infinite PSNR is stored as the string "inf"."""
    return float(value)


def _reason(records: Sequence[Record]) -> str:
    failed = [record for record in records if record.status != "ok"]
    if not failed:
        return NOT_MEASURED
    failed.sort(key=lambda r: RUNTIMES.index(r.cell.runtime) if r.cell.runtime in RUNTIMES else len(RUNTIMES))
    return describe(failed[0])
