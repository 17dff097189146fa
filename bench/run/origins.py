"""The origin of a job's results, as far as its manager knows: code, weights, settings, raw files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import baselines
from bench.machine.address import versions
from bench.machine.environment import library_versions
from bench.records import provenance
from bench.records.forms import versions_of
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from bench.records.cells import Record
    from bench.records.jobs import Job


def provenance_of(job: Job) -> dict[str, Any]:
    """Return what the manager knows about the origin of a job's result."""
    return {
        **provenance.base(),
        **provenance.weights_facts(_weights_file(job)),
        "model_sha256": provenance.model_sha256(job.cell.model),
        "synthetic": job.synthetic,
        **({"recipe": dict(job.recipe)} if job.recipe else {}),
    }


def settings_of(job: Job, rounds: int) -> dict[str, dict[str, Any]]:
    """Return, by measurement, what else a result depends on: with other settings it is measured again.

    Args:
        job: what is measured.
        rounds: how many rounds the plan gives every latency cell.
    """
    needed = versions_of(job.cell.runtime, library_versions())
    form = {"versions": needed} if needed else {}
    return {
        "complexity": {},
        "latency": {"rounds": 1 if job.single_pass else rounds, **_brief(job), **form},
        "memory": form,
        "quality": {"area_fraction": job.area_fraction, "part_of": job.part_of, **form},
        "kernels": {"rounds": rounds},
        "profile": form,
    }


def _brief(job: Job) -> dict[str, bool]:
    """Say of what is timed in rounds whether its processes are brief."""
    return {"brief": True} if job.brief and not job.single_pass else {}


def data_sha256(job: Job, record: Record, index: int) -> str | None:
    """Hash of the raw files behind a cell of a job as they are now; None if they cannot be read.

    Args:
        job: what is measured.
        record: a stored result of the cell.
        index: which of the job's cells.
    """
    try:
        version = versions(job.sources(index))
        if version is not None and version == record.provenance.get("data_version"):
            # The store says that nothing has changed: no need to copy the files here.
            return str(record.provenance["data_sha256"])
        return provenance.data_sha256(job.fetch(index))
    except (OSError, InputError):
        return None


def _weights_file(job: Job) -> Path | None:
    if job.weights == "none":
        return None
    return baselines.weights_path(job.cell.model) if job.weights == "shipped" else Path(job.weights)
