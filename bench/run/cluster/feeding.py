"""Hand out tasks: only as many at a time as the workers can run.

Neither client nor scheduler grows with the number of tasks, which are made as they are needed.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.run.cluster import tasks
from bench.run.cluster.connecting import cancelling, lost, result
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bench.run.cluster.connecting import Cluster, Host
    from bench.run.cluster.placing import Work
    from bench.run.cluster.summary import Totals
    from bench.run.cluster.tasks import Account

# How often the workers are counted again.
LOOK_S = 2.0
# So often a task is sent again that Dask has given up because its workers died.
TRIES = 3


@dataclass
class Feeder:
    """Send tasks and receive their accounts.

    Attributes:
        cluster: the workers.
        hosts: their hosts.
        totals: counts what was done.
        take: called with each task and its account.
    """

    cluster: Cluster
    hosts: Sequence[Host]
    totals: Totals
    take: Callable[[Work, Account], None]
    _flying: dict[Any, Work] = field(default_factory=dict)
    _again: list[Work] = field(default_factory=list)
    _tries: Counter[str] = field(default_factory=Counter)
    _looked: float = 0.0
    _slots: int = 0

    def feed(self, alone: Iterable[Work], rest: Iterable[Work]) -> None:
        """Run all tasks: those that need a host to themselves first, the others elsewhere meanwhile.

        Raises:
            InputError: the scheduler was lost, a worker cannot do its task, or workers die before they begin.
        """
        from distributed import as_completed

        finished, waiting = as_completed(), iter(rest)
        with lost(), cancelling(self._flying):
            for work in alone:
                self._send(finished, work)
            self._fill(finished, waiting)
            for future in finished:
                self._receive(future)
                self._fill(finished, waiting)

    def _fill(self, finished: Any, waiting: Iterator[Work]) -> None:
        self._look()
        busy = {work.host for work in self._flying.values() if work.host}
        free = [host for host in self.hosts if host.name not in busy]
        # A preference only: should those hosts go, a task waits for its turn on another.
        places = [host.place for host in free] if busy else None
        slots = sum(host.slots for host in free) if busy else max(1, self._slots)
        beside = sum(work.host is None for work in self._flying.values())
        # No more than can run: a task that waits behind a long one is not available by a worker that is free.
        while beside < slots:
            work = self._again.pop() if self._again else next(waiting, None)
            if work is None:
                return
            self._send(finished, work, places)
            beside += 1

    def _send(self, finished: Any, work: Work, places: list[str] | None = None) -> None:
        own = [host.place for host in self.hosts if host.name == work.host]
        future = self.cluster.client.submit(
            tasks.measure,
            work,
            key=f"{work.name}-{secrets.token_hex(8)}",
            pure=False,
            workers=own or places,
            allow_other_workers=not own and places is not None,
            resources={"GPU": 1} if work.gpu else None,
        )
        self._flying[future] = work
        finished.add(future)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked >= LOOK_S:
            self._looked = now
            threads = self.cluster.client.nthreads()
            self._slots = sum(threads.values())
            self.totals.look(threads)

    def _receive(self, future: Any) -> None:
        from distributed import KilledWorker

        work = self._flying.pop(future)
        try:
            account: Account = result(future)
        except KilledWorker as error:
            self._send_again(work, str(error))
            return
        finally:
            future.release()
        self.totals.add(account, work.name)
        self.take(work, account)

    def _send_again(self, work: Work, said: str) -> None:
        """Keep a task whose workers died; what it finished is kept, and what killed them is counted."""
        self._tries[work.key] += 1
        self.totals.given_up += 1
        if self._tries[work.key] > TRIES:
            raise InputError(f"workers die before they can start {work.name} ({said}): see their logs")
        self._again.append(work)
