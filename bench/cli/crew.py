"""Who measures: this machine alone, or the workers that `--cluster` names."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.data.making.spreading import Spread
    from bench.run.budget import Budget
    from bench.run.cluster.connecting import Cluster
    from bench.run.outcome import Summary
    from bench.run.plan import Plan
    from bench.run.request import Request


@dataclass(frozen=True)
class Crew:
    """Measures plans.

    Attributes:
        cluster: the workers; None for this machine alone.
        threads: CPU threads of a cell where none are asked for; None for all of this machine's.
        every_host: whether every host of the cluster times the cost cells.
    """

    cluster: Cluster | None = None
    threads: int | None = None
    every_host: bool = False

    @property
    def spread(self) -> Spread | None:
        """How something is done for each of many elsewhere; None for here."""
        return self.cluster.each if self.cluster else None

    def suited(self, request: Request) -> Request:
        """Give a request the workers' CPU threads where it asks for none."""
        return replace(request, threads=request.threads or self.threads)

    def execute(self, plan: Plan, out: Path, *, budget: Budget | None = None, **options: Any) -> Summary:
        """Measure the cells of a plan; arguments as for `bench.run.manager.execute`.

        On a cluster, where jobs run beside each other, no budget holds once a stage has begun.
        """
        if self.cluster is None:
            from bench.run import manager  # what is only asked for its --help need not load it

            return manager.execute(plan, out, budget=budget, **options)
        from rich.console import Console

        from bench.run.cluster import running

        summary, totals = running.execute(self.cluster, plan, out, every_host=self.every_host, **options)
        totals.write(out)
        Console(stderr=True, width=None if sys.stderr.isatty() else 120).print(totals.table())
        click.echo(totals.line(), err=True)
        return summary


@contextmanager
def crew(spec: str | None, *, every_host: bool = False) -> Iterator[Crew]:
    """Reach the workers of a cluster, or take this machine alone if none is named."""
    if spec is None:
        yield Crew()
        return
    from bench.run.cluster.connecting import connected, describe

    with connected(spec) as cluster:
        hosts = cluster.hosts()
        click.echo(f"{describe(hosts)}; dashboard: {cluster.dashboard or 'none'}", err=True)
        yield Crew(cluster, cluster.threads(), every_host)


def cluster_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option of a verb that can have its work done on a cluster."""
    return click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Workers: address or file of a Dask scheduler, local:N, slurm:FILE.toml (docs/clusters.md).",
    )(command)


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a verb that can measure on a cluster."""
    every_host = click.option(
        "--every-host",
        is_flag=True,
        help="Measure times on every host of the cluster, each in OUT/hosts/NAME.",
    )
    return cluster_option(every_host(command))
