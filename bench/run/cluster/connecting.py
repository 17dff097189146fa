"""Connect to Dask workers: at an address, on this machine, or through a queueing system."""

from __future__ import annotations

import contextlib
import logging
import time
import tomllib
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.machine.environment import gpus
from bench.machine.wording import plural
from bench.run.cluster import hosts
from llpacknet.errors import DataError, DeviceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Queues that dask-jobqueue can ask for workers, and its name for each.
QUEUES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "oar": "OARCluster",
    "htcondor": "HTCondorCluster",
}
FIRST_WORKER_S = 60.0
# How long a queue may take to start its first job, unless its file says otherwise (`wait_s`).
QUEUE_WAIT_S = 24 * 3600.0
CONNECT_S = 15.0
ASKED = 10


@dataclass(frozen=True)
class Host:
    """A machine with workers.

    Attributes:
        name: its name in results, see `bench.run.cluster.hosts.label`.
        place: its network address, to which tasks are sent.
        workers: how many workers it has; each does as many tasks at a time as it has threads.
        slots: tasks that it can do at a time.
        cores: cores that its workers may use, together.
        gpus: GPUs that its driver names.
        gpu_workers: how many of its workers declare the resource GPU.
    """

    name: str
    place: str
    workers: int
    slots: int
    cores: int
    gpus: int
    gpu_workers: int


class Cluster:
    """A connection to Dask workers.

    Args:
        client: Dask's client.
    """

    def __init__(self, client: Any) -> None:
        self.client = client

    @property
    def dashboard(self) -> str | None:
        """Address of Dask's dashboard; None if it has none."""
        link = self.client.dashboard_link
        return str(link) if link else None

    def slots(self) -> int:
        """How many tasks can run at a time, now."""
        return sum(self.client.nthreads().values())

    def hosts(self) -> list[Host]:
        """Ask every worker for its host; InputError if it runs other code than this process.

        Ordered by name.
        """
        answers = self._facts()
        own = hosts.facts()["code"]
        threads, declaring = self.client.nthreads(), self._with_gpu()
        grouped: dict[tuple[str, str], list[str]] = {}
        for address, facts in answers.items():
            other = [key for key, value in own.items() if facts["code"][key] != value]
            if other:
                raise DeviceError(
                    f"the worker {address} has a different {' and '.join(other)} from this command: "
                    "install the same version and the same constraints.txt there"
                )
            grouped.setdefault((facts["host"], str(urlsplit(address).hostname)), []).append(address)
        found = []
        for (name, place), addresses in sorted(grouped.items()):
            facts = answers[addresses[0]]
            slots = sum(threads.get(address, 1) for address in addresses)
            with_gpu = len(declaring & set(addresses))
            found.append(Host(name, place, len(addresses), slots, facts["cores"], facts["gpus"], with_gpu))
        return found

    def _facts(self) -> dict[str, dict[str, Any]]:
        """Ask all workers, again if those that were there have died meanwhile."""
        for _ in range(ASKED):
            with lost():
                answers: dict[str, dict[str, Any]] = self.client.run(hosts.facts, on_error="ignore")
            if answers:
                return answers
            time.sleep(1.0)
        raise DeviceError("no worker answers: see the workers' logs")

    def _with_gpu(self) -> set[str]:
        """Addresses of the workers that declare the resource GPU."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        return {address for address, worker in workers.items() if worker.get("resources", {}).get("GPU")}

    def threads(self) -> int:
        """CPU threads for each task, such that no host's cores are promised twice."""
        return max(1, min((host.cores // host.slots for host in self.hosts()), default=1))

    def each(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Apply a function to each item as a task; yields the results as they arrive.

        Raises what `work` raised, and InputError if a file or a worker fails it or the scheduler is lost.
        """
        from distributed import KilledWorker, as_completed

        futures = [self.client.submit(work, item, pure=False) for item in items]
        with lost(), cancelling(futures):
            for future in as_completed(futures):
                try:
                    yield result(future)
                except KilledWorker as error:
                    raise DeviceError(
                        f"workers die while running their task ({error}): see their logs"
                    ) from error


def result(future: Any) -> Any:
    """Return what a task gave, or raise what it raised.

    Raises:
        InputError: a file or connection of the task's own failed it. An OSError that gets past here is the
            scheduler's, see `lost`.
    """
    try:
        return future.result()
    except OSError as error:
        if future.status != "error":
            raise
        raise DeviceError(f"a worker failed: {type(error).__name__}: {error}") from error


@contextmanager
def cancelling(futures: Iterable[Any]) -> Iterator[None]:
    """Cancel what is still on its way when something goes wrong."""
    try:
        yield
    except BaseException:
        for future in futures:
            with contextlib.suppress(Exception):
                future.cancel()
        raise


@contextmanager
def lost() -> Iterator[None]:
    """Turn the end of the connection to the scheduler into an InputError."""
    from distributed.client import FutureCancelledError

    try:
        yield
    except (OSError, FutureCancelledError) as error:
        raise DeviceError(
            "the connection to the scheduler was lost, everything finished so far is kept: start scheduler "
            "and workers again and continue with --resume"
        ) from error


@contextmanager
def connected(spec: str) -> Iterator[Cluster]:
    """Reach the workers that `--cluster` names, and stop at the end what was started for it.

    Args:
        spec: a scheduler's address (tcp://host:8786) or the file that it wrote (scheduler.json); "local:N"
            for N workers on this machine; "slurm:config.toml" (or another of `QUEUES`) for jobs of a queue.

    Raises:
        InputError: there is no such cluster or no worker, or the package's extra [cluster] is missing.
    """
    try:
        import distributed
    except ImportError as error:
        raise DeviceError(
            f"--cluster needs Dask ({error}): install the package with its extra [cluster]"
        ) from error
    # A lost worker is told of in the summary, a lost scheduler in one line.
    for name in ("distributed", "distributed.client", "distributed.comm", "distributed.nanny"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        kind, _, rest = spec.partition(":")
        wait_s = FIRST_WORKER_S
        if kind == "local":
            target: Any = stack.enter_context(_local(rest))
        elif kind in QUEUES and rest:
            queue, jobs, wait_s = _queue(kind, Path(rest))
            target = stack.enter_context(queue)
            target.scale(jobs=jobs)
        else:
            target = None
        client = stack.enter_context(_client(distributed, spec, target))
        _await_first(client, spec, wait_s)
        yield Cluster(client)


def _client(distributed: Any, spec: str, target: Any) -> Any:
    try:
        if target is not None:
            return distributed.Client(target)
        if spec.endswith(".json"):
            if not Path(spec).is_file():
                raise DataError(f"there is no scheduler file {spec}: start `dask scheduler` with it")
            return distributed.Client(scheduler_file=spec, timeout=CONNECT_S)
        return distributed.Client(spec, timeout=CONNECT_S)
    except (OSError, ValueError, TypeError) as error:
        raise DeviceError(
            f"no Dask scheduler answers at {spec} ({error}): start one with `dask scheduler`, or use "
            "--cluster local:N"
        ) from error


def _local(count: str) -> Any:
    """N workers of this machine; the first of them get a GPU each where there are some."""
    if not count.isdecimal() or not 1 <= int(count) <= 1024:
        raise UsageError(
            f"--cluster local:{count} is not understood: give a number of workers, for example local:2"
        )
    from distributed import Nanny, Scheduler, SpecCluster

    devices = len(gpus())
    workers = {
        number: {
            "cls": Nanny,
            "options": {
                "host": "127.0.0.1",
                "nthreads": 1,
                # A measuring process has a limit of its own; the worker itself needs next to nothing.
                "memory_limit": 0,
                "name": f"worker {number}",
                "dashboard": False,
                "silence_logs": logging.CRITICAL,
                **(
                    {"resources": {"GPU": 1}, "env": {"CUDA_VISIBLE_DEVICES": str(number)}}
                    if number < devices
                    else {}
                ),
            },
        }
        for number in range(int(count))
    }
    scheduler = {
        "cls": Scheduler,
        "options": {"host": "127.0.0.1", "port": 0, "dashboard_address": "127.0.0.1:0"},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SpecCluster(
            workers=workers, scheduler=scheduler, silence_logs=logging.CRITICAL, name="llbench"
        )


def _queue(kind: str, file: Path) -> tuple[Any, int, float]:
    """Start a cluster in a queueing system as a file describes it; see docs/clusters.md."""
    try:
        import dask_jobqueue
    except ImportError as error:
        raise DeviceError(f"{kind}: needs dask-jobqueue: install the extra [cluster]") from error
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
        jobs, wait_s = int(settings.pop("jobs")), float(settings.pop("wait_s", QUEUE_WAIT_S))
        return getattr(dask_jobqueue, QUEUES[kind])(**settings), jobs, wait_s
    except OSError as error:
        raise DataError(
            f"{file} cannot be read ({error.strerror}): give the file that describes the jobs"
        ) from error
    except KeyError as error:
        raise DataError(
            f"{file} does not say {error}: add the number of jobs to submit, for example jobs = 4"
        ) from error
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{file} does not describe jobs of {kind}: {error}; its keys are those of "
            f"dask_jobqueue.{QUEUES[kind]}"
        ) from error


def _await_first(client: Any, spec: str, seconds: float) -> None:
    try:
        client.wait_for_workers(1, timeout=seconds)
    except TimeoutError as error:
        raise DeviceError(
            f"no worker has joined {spec} within {seconds:g} s: start some with `dask worker {spec}`"
        ) from error


def describe(found: Iterable[Host]) -> str:
    """Describe the hosts in one line."""
    slots: Counter[str] = Counter()
    for host in found:
        slots[host.name] += host.slots
    each = ", ".join(f"{name} ({count} at a time)" for name, count in slots.items())
    return f"{plural(len(slots), 'host')}: {each}"
