"""Results in formats that other tools read: pytest-benchmark's JSON, CSV, Parquet, JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from bench.judge import dataframe
from bench.records import store
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pandas as pd

    from bench.records.cells import Record

Format = Literal["pytest-benchmark", "csv", "parquet", "json"]


def export(folder: Path, kind: Format) -> bytes:
    """Return the results of a folder as the bytes of one file.

    Args:
        folder: a results folder.
        kind: "pytest-benchmark" holds the latency cells, as `pytest-benchmark compare` and dashboards read
            them; the others hold `bench.load`'s data frame, samples as JSON text in CSV.

    Raises:
        InputError: no results, no times (for pytest-benchmark), or no library that writes Parquet.
    """
    writers: dict[Format, Callable[[list[Record]], bytes]] = {
        "pytest-benchmark": _pytest_benchmark,
        "csv": lambda records: _plain(records).to_csv(index=False).encode(),
        "json": lambda records: _plain(records).to_json(orient="records", indent=1).encode() + b"\n",
        "parquet": _parquet,
    }
    return writers[kind](store.load(folder))


def _plain(records: Iterable[Record]) -> pd.DataFrame:
    frame = dataframe.of(records)
    frame["samples"] = [None if one is None else json.dumps(one.tolist()) for one in frame["samples"]]
    return frame


def _parquet(records: list[Record]) -> bytes:
    try:
        return dataframe.of(records).to_parquet(index=False)
    except ImportError as error:
        raise InputError("writing Parquet needs pyarrow: python -m pip install pyarrow") from error


def _pytest_benchmark(records: list[Record]) -> bytes:
    from pytest_benchmark import __version__

    timed = [one for one in records if one.cell.measurement == "latency" and one.status == "ok"]
    if not timed:
        raise InputError("this folder has no times: measure some with --measure latency")
    rounds = [one for record in timed for one in record.environment.get("rounds", [])]
    written = {
        "machine_info": _machine_info(timed[0]),
        "commit_info": {
            "id": timed[0].provenance.get("commit"), "dirty": False, "project": "llpacknet-bench",
            "branch": None, "time": None, "author_time": None,
        },
        "benchmarks": [_benchmark(record) for record in timed],
        "datetime": max((one["after"]["utc"] for one in rounds), default=None),
        "version": __version__,
    }  # fmt: skip
    return json.dumps(written, indent=1).encode() + b"\n"


def _benchmark(record: Record) -> dict[str, Any]:
    """One cell as one benchmark; its quartiles and outliers are computed by pytest-benchmark itself."""
    from pytest_benchmark.stats import Stats

    stats = Stats()
    for seconds in record.values["samples_s"]:
        stats.update(seconds)
    cell = record.cell
    form = f"{cell.runtime}-{cell.precision}-{cell.device}-{cell.threads}threads-{cell.height}x{cell.width}"
    axes = ("model", "runtime", "precision", "device", "threads", "height", "width")
    return {
        "group": form,
        "name": f"latency[{cell.model}-{form}]",
        "fullname": f"llbench::latency[{cell.model}-{form}]",
        "params": {axis: getattr(cell, axis) for axis in axes},
        "param": f"{cell.model}-{form}",
        "extra_info": {"cold_s": record.values["cold_s"], "rounds": record.values["round"]},
        "options": {"disable_gc": False, "timer": "perf_counter", "warmup": True},
        "stats": {**stats.as_dict(), "data": stats.data, "iterations": 1},
    }


def _machine_info(record: Record) -> dict[str, Any]:
    found = record.environment
    cpu, python, system = (found.get(part, {}) for part in ("cpu", "python", "system"))
    return {
        "node": None,  # a result never names the host
        "processor": cpu.get("model"),
        "machine": system.get("architecture"),
        "python_implementation": python.get("implementation"),
        "python_version": python.get("version"),
        "release": system.get("kernel"),
        "system": system.get("name"),
        "cpu": {
            "brand_raw": cpu.get("model"),
            "count": cpu.get("logical_cores"),
            "arch": system.get("architecture"),
        },
    }
