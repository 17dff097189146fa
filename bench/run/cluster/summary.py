"""Who did what on a cluster: tasks, cells, time at work and idle, what was tried again."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from rich.table import Table

from bench.machine.wording import plural
from bench.records import store

if TYPE_CHECKING:
    from pathlib import Path

    from bench.run.cluster.tasks import Account

FILE = "cluster.json"


@dataclass
class WorkerTotals:
    """What one worker did.

    Attributes:
        host: where it stands.
        tasks: tasks that it ended.
        cells: cells that it ended.
        failed: those of them that are not `ok`.
        seconds: at work on tasks, over all its threads.
        waited_s: part of it that went into waiting for a timed cell on its host to end.
        built: measuring processes that it started; each builds a method.
        kept: cells that it found finished by a worker that had died.
        retries: how often cells that it was given had been begun before by workers that died.
    """

    host: str
    tasks: int = 0
    cells: int = 0
    failed: int = 0
    seconds: float = 0.0
    waited_s: float = 0.0
    built: int = 0
    kept: int = 0
    retries: int = 0


@dataclass
class Totals:
    """A run on a cluster as it goes.

    Attributes:
        dashboard: address of Dask's dashboard.
        shares: by worker.
        kinds: seconds of all tasks, by what the dashboard calls them.
        lost: workers that were there and are no more.
        given_up: tasks that Dask gave up because their workers died, and that were sent again.
        seconds: wall time.
        slot_s: seconds that workers were there for, over all their threads.
    """

    dashboard: str | None
    shares: dict[str, WorkerTotals] = field(default_factory=dict)
    kinds: dict[str, float] = field(default_factory=dict)
    lost: int = 0
    given_up: int = 0
    seconds: float = 0.0
    slot_s: float = 0.0

    def __post_init__(self) -> None:
        self._begun = self._last = time.monotonic()
        self._there: dict[str, int] = {}

    def look(self, threads: dict[str, int]) -> None:
        """Take note of the workers that are there now: threads by address."""
        now = time.monotonic()
        self.slot_s += sum(self._there.values()) * (now - self._last)
        self.lost += len(set(self._there) - set(threads))
        self._there, self._last = dict(threads), now

    def add(self, account: Account, kind: str) -> None:
        """Count what a task has done."""
        share = self.shares.setdefault(account.worker, WorkerTotals(account.host))
        share.tasks += 1
        share.cells += len(account.cells)
        share.failed += sum(status not in {"ok", "unsupported", "skipped"} for _, status, _ in account.cells)
        share.seconds += account.seconds
        share.waited_s += account.waited_s
        share.built += account.built
        share.kept += account.kept
        share.retries += account.retries
        self.kinds[kind] = self.kinds.get(kind, 0.0) + account.seconds

    def end(self) -> None:
        """Take note that the run has ended."""
        self.look(self._there)
        self.seconds = time.monotonic() - self._begun

    @property
    def idle(self) -> float:
        """Share of the workers' time in which they had no task."""
        busy = sum(share.seconds - share.waited_s for share in self.shares.values())
        return max(0.0, 1 - busy / self.slot_s) if self.slot_s else 0.0

    @property
    def cells_per_s(self) -> float:
        """Throughput."""
        cells = sum(share.cells for share in self.shares.values())
        return cells / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "seconds": round(self.seconds, 2),
            "cells_per_s": round(self.cells_per_s, 4),
            "idle": round(self.idle, 4),
            "workers_lost": self.lost,
            "tasks_given_up": self.given_up,
            "workers": {
                name: {
                    key: round(value, 2) if isinstance(value, float) else value for key, value in one.items()
                }
                for name, one in sorted((name, asdict(share)) for name, share in self.shares.items())
            },
            "seconds_by_kind": {kind: round(seconds, 2) for kind, seconds in sorted(self.kinds.items())},
        }

    def write(self, out: Path) -> None:
        """Keep it as `<out>/cluster.json`."""
        store.replace(out / FILE, json.dumps(self.as_dict(), indent=1) + "\n")

    def table(self) -> Table:
        """One row for each worker."""
        table = Table(title="work per worker", title_justify="left", box=None, pad_edge=False)
        table.add_column("worker", no_wrap=True)
        table.add_column("host", no_wrap=True)
        for name in ("tasks", "cells", "failed", "built", "busy s", "waited s", "found", "retries"):
            table.add_column(name, justify="right")
        for name, share in sorted(self.shares.items()):
            at_work = f"{share.seconds - share.waited_s:.1f}"
            counts = (share.tasks, share.cells, share.failed, share.built)
            row = [str(one) for one in counts]
            row += [at_work, f"{share.waited_s:.1f}", str(share.kept), str(share.retries)]
            table.add_row(name, share.host, *row)
        return table

    def line(self) -> str:
        """Put the whole into one line."""
        cells = sum(share.cells for share in self.shares.values())
        tasks = sum(share.tasks for share in self.shares.values())
        retries = sum(share.retries for share in self.shares.values())
        return (
            f"{plural(cells, 'cell')} in {plural(tasks, 'task')}, {self.cells_per_s:.3g} cells/s, "
            f"workers idle {100 * self.idle:.0f} % of the time; {plural(self.lost, 'worker')} lost, "
            f"{plural(retries, 'cell')} restarted, "
            f"{plural(self.given_up, 'task')} resubmitted"
        )
