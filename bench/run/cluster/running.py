"""The client's side of a run on a cluster: what is sent where, and the results.

Workers write the cells; nothing but names and short accounts goes through the scheduler.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bench.records import store
from bench.records.cells import TIMED
from bench.run import rounds
from bench.run.attempt import WorkerLimits
from bench.run.cluster import events, tasks
from bench.run.cluster.feeding import Feeder
from bench.run.cluster.hosts import facts
from bench.run.cluster.placing import Work, part, shared, timed
from bench.run.cluster.strikes import Strikes
from bench.run.cluster.summary import Totals
from bench.run.manager import Execution, check_disk
from bench.run.outcome import FAILURES, Summary, failure_line
from bench.run.resume import Resume
from llpacknet.errors import DeviceError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.records.jobs import Job
    from bench.run.cluster.connecting import Cluster
    from bench.run.cluster.tasks import Account
    from bench.run.outcome import Progress
    from bench.run.plan import Plan

# Folder of the cost cells of every host but the one whose cells the tables show.
HOSTS = "hosts"


def execute(
    cluster: Cluster,
    plan: Plan,
    out: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    limits: WorkerLimits | None = None,
    every_host: bool = False,
) -> tuple[Summary, Totals]:
    """Measure the cells of a plan on a cluster into `<out>/cells/`, a folder that all workers share.

    Timed cells run first, one at a time and alone on their host, all on one host so that they can be
    compared; meanwhile the others' workers do the rest. With `every_host` each host times them all, the
    others' into `<out>/hosts/NAME/`, folders of results of their own.

    Args:
        cluster: the workers.
        plan: what to measure.
        out: the results folder, at the same path on all hosts.
        resume: as `bench.run.manager.execute`.
        progress: is notified of progress.
        limits: what a measuring process may use; its memory, if not given, is its share of the host's.
        every_host: whether every host times the cost cells.

    Raises:
        InputError: like `bench.run.manager.execute`; a worker runs other code or cannot write; no worker has
            the requested GPU; the scheduler was lost.
        KeyboardInterrupt: interrupted; everything finished so far is kept.
    """
    with store.held(out, resume=resume):
        try:
            check_disk(plan, out)
            return _Run(cluster, plan, out.absolute(), limits or WorkerLimits(), progress, every_host).go()
        finally:
            for folder in (out, *out.glob(f"{HOSTS}/*")):
                with contextlib.suppress(OSError):
                    (folder / tasks.RUN_FILE).unlink(missing_ok=True)


@dataclass
class _Run:
    cluster: Cluster
    plan: Plan
    out: Path
    limits: WorkerLimits
    progress: Progress | None
    every_host: bool
    _showing: threading.Lock = field(default_factory=threading.Lock)

    def go(self) -> tuple[Summary, Totals]:
        start = time.monotonic()
        self.hosts = self.cluster.hosts()
        self._check_gpus()
        self._forget_strikes()
        self.token = secrets.token_hex(8)
        store.replace(self.out / tasks.RUN_FILE, self.token)
        self.totals = Totals(self.cluster.dashboard)
        self.totals.look(self.cluster.client.nthreads())
        host = self._main_host()
        set_apart(self.out, host)
        resume = Resume(self.plan, self.out, host)
        jobs = resume.remaining()
        # What is known without measuring is written here, where nothing is measured.
        Execution(replace(self.plan, jobs=()), self.out, self.limits).run()
        costs = self._costs(timed(jobs), host)
        # Made as they are needed: no more of them lie in memory than are on their way.
        rest = (self._task(part(self.plan, (job,)), self.out) for job in shared(jobs, self.cluster.slots()))
        if self.progress:
            self.progress.start(jobs)
            self.cluster.client.subscribe_topic(self.token, self._hear)
        try:
            Feeder(self.cluster, self.hosts, self.totals, self._take).feed(costs, rest)
        finally:
            if self.progress:
                with contextlib.suppress(Exception):  # the scheduler may be gone
                    self.cluster.client.unsubscribe_topic(self.token)
                self.progress.stop()
            self.totals.end()
        self._forget_strikes()
        return self._collected(len(resume.kept), time.monotonic() - start), self.totals

    def _check_gpus(self) -> None:
        wanted = any(job.cell.device == "cuda" for job in self.plan.jobs)
        if wanted and not any(host.gpu_workers for host in self.hosts):
            raise DeviceError(
                "no worker declares a GPU: start those that have one with "
                '`dask worker --nthreads 1 --resources "GPU=1"`'
            )

    def _forget_strikes(self) -> None:
        for folder in (self.out, *self.out.glob(f"{HOSTS}/*")):
            Strikes(folder).clear()

    def _timing(self) -> set[str]:
        """Hosts that can time all cost cells: those with a GPU worker where one is asked for."""
        on_gpu = any(job.cell.device == "cuda" for job in timed(self.plan.jobs))
        return {host.name for host in self.hosts if host.gpu_workers or not on_gpu}

    def _main_host(self) -> str:
        """Choose the host whose costs the tables show: the one that began them, else the first by name."""
        known = self._timing()
        begun = Counter([*timed_on(self.out).values(), *timing_on(self.out)])
        return max(known & set(begun), key=lambda name: begun[name], default=min(known))

    def _costs(self, jobs: Sequence[Job], main: str) -> list[Work]:
        """One task for each host that times the cost cells."""
        names = sorted(self._timing()) if self.every_host else [main]
        works = []
        for name in names:
            folder = self.out if name == main else self.out / HOSTS / name
            todo = list(jobs) if name == main else timed(self.plan.left())
            if todo:
                works.append(self._task(part(self.plan, todo), folder, host=name))
        return works

    def _task(self, plan: Plan, out: Path, host: str | None = None) -> Work:
        share = max((one.slots for one in self.hosts), default=1)
        code = facts()["code"]
        if out != self.out:
            store.replace(out / tasks.RUN_FILE, self.token)
        return Work(
            plan, str(out), self.token, code, share, host, self.limits.memory_bytes, self.limits.timeout_s
        )

    def _hear(self, event: tuple[float, str]) -> None:
        """Show what a long task tells while it runs, in a thread of Dask's."""
        if self.progress:
            with self._showing:
                events.from_json(event[1]).tell(self.progress)

    def _take(self, work: Work, account: Account) -> None:
        if self.progress is None or work.host:
            return
        with self._showing:
            for job in work.plan.jobs:
                cells = set(job.cells)
                for cell, status, reason in account.cells:
                    if cell in cells:
                        self.progress.cell(job, cell, status, reason)
                self.progress.finish(job)

    def _collected(self, kept: int, seconds: float) -> Summary:
        """Read what is in the folder: only the folder says what was measured."""
        counts: Counter[str] = Counter()
        failures = []
        for cell in self.plan.cells:
            path = store.path_of(self.out, cell)
            if not path.is_file():
                raise InputError(
                    f"{store.file_name(cell)} is not in {self.out}: give an --out that all workers share, or "
                    "continue with --resume"
                )
            record = store.read(path)
            counts[record.status] += 1
            if record.status in FAILURES:
                failures.append(failure_line(cell, record.status, record.reason))
        return Summary(dict(counts), len(self.plan.cells) - kept, kept, seconds, tuple(failures))


def timed_on(out: Path) -> dict[Path, str]:
    """Host of every stored cost cell that was timed on a cluster, by file."""
    found = {}
    for path in store.files(out):
        if path.name.partition("_")[0] in TIMED and not store.validate(path):
            host = store.read(path).environment.get("host")
            if host:
                found[path] = str(host)
    return found


def timing_on(out: Path) -> list[str]:
    """Hosts of the interleaved rounds that an interrupted run has left."""
    found = []
    for path in (out / rounds.FOLDER).glob("*.json"):
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            raw = json.loads(path.read_text(encoding="utf-8"))
            found.append(str(raw["shares"][0]["record"]["environment"]["host"]))
    return found


def set_apart(out: Path, host: str) -> None:
    """Move the cost cells of other hosts into `<out>/hosts/NAME/`: a table shows those of one."""
    for path, name in timed_on(out).items():
        if name != host:
            target = out / HOSTS / name / store.CELLS / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
