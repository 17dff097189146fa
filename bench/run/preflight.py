"""Before a worker starts: compare what its cell is predicted to need with what is available."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.machine.environment import available_memory

if TYPE_CHECKING:
    from bench.records.jobs import Job
    from bench.run.attempt import WorkerLimits


def available(limits: WorkerLimits) -> int:
    """Bytes of memory that a worker may take now, including the limits of control groups and of the user."""
    free = available_memory()
    return free if limits.memory_bytes is None else min(free, limits.memory_bytes)


def too_large(job: Job, limits: WorkerLimits) -> str | None:
    """Say, with the figures, why a job does not fit into memory; None if it does, or if that is unknown."""
    if job.predicted_bytes is None or job.predicted_bytes <= (there := available(limits)):
        return None
    needed, left = job.predicted_bytes / 1e9, there / 1e9
    return f"needs about {needed:.1f} GB of memory and {left:.1f} GB are available"
