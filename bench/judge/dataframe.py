"""Results as a pandas data frame: one row per cell, for a notebook as for the suite's own tables."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.judge.interleaved import round_medians
from bench.judge.statistics import over_rounds
from bench.records import store
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.judge.statistics import Estimate
    from bench.records.cells import Record

# Missing values are pandas' own in every column: an axis without meaning, a figure that was not measured.
COLUMNS: dict[str, str] = {
    **dict.fromkeys(
        ("model", "measurement", "dataset", "protocol", "image", "device", "runtime", "precision"), "string"
    ),
    **dict.fromkeys(("height", "width", "threads"), "Int64"),
    **dict.fromkeys(("status", "reason"), "string"),
    **dict.fromkeys(("psnr", "ssim", "lpips", "gain", "ratio", "area_fraction"), "float64"),
    **dict.fromkeys(("median", "low", "high"), "float64"),
    "n": "Int64",
    "samples": "object",
    **dict.fromkeys(("load_peak_bytes", "process_peak_bytes"), "Int64"),
    **dict.fromkeys(("parameters", "parameters_published", "parameters_fused"), "Int64"),
    "gmac": "float64",
    **dict.fromkeys(("machine", "commit"), "string"),
}
# What stands in the frame as it stands in a cell's `values`.
PLAIN = (
    *("psnr", "ssim", "lpips", "gain", "ratio", "area_fraction", "load_peak_bytes", "process_peak_bytes"),
    *("parameters", "parameters_published", "parameters_fused", "gmac"),
)


def load(folder: str | Path) -> pd.DataFrame:
    """Read every result of a results folder into a data frame, one row per cell.

    Args:
        folder: a results folder, as given with `--out`; the files are in its `cells/`.

    Returns:
        The columns of `COLUMNS`, in that order, ordered by file name; a folder without results gives the same
        columns without rows. The axes of a cell come first, then `status` and `reason`. A quality cell has
        `psnr` (dB; infinite for equal images), `ssim`, `lpips`, `gain`, `ratio`, `area_fraction`. A latency
        cell (seconds) and a memory cell (bytes, `run_peak_bytes`) have `samples`, an array of what was
        measured, and the `median` over `n` independent repetitions, fresh processes, with the interval `low`
        to `high`; seconds are first reduced to one median per process. A memory cell also has
        `load_peak_bytes` and `process_peak_bytes`; a complexity cell `parameters`, `parameters_published`,
        `parameters_fused` and `gmac`. `machine` and `commit` say where and with which version it was
        measured.

    Raises:
        InputError: no such folder, or a damaged result file.

    """
    if not Path(folder).is_dir():
        raise InputError(f"there is no results folder {folder}: give the folder that --out named")
    return of([store.read(path) for path in store.files(Path(folder))])


def of(records: Iterable[Record]) -> pd.DataFrame:
    """Return records as `load` returns those of a folder."""
    rows = [_row(record) for record in records]
    columns = {name: [row.get(name) for row in rows] for name in COLUMNS}
    return pd.DataFrame({name: pd.Series(columns[name], dtype=COLUMNS[name]) for name in COLUMNS})


def _row(record: Record) -> dict[str, Any]:
    values = record.values
    row = {name: values[name] for name in PLAIN if name in values}
    row |= {"psnr": float(values["psnr"])} if "psnr" in values else {}
    row |= {**asdict(record.cell), "status": record.status, "reason": record.reason}
    row |= {"machine": _machine(record.environment), "commit": record.provenance.get("commit")}
    if record.status == "ok" and record.cell.measurement == "latency":
        medians = round_medians(values["samples_s"], values["round"])
        row |= _estimated(values["samples_s"], over_rounds(medians))
    if record.status == "ok" and record.cell.measurement == "memory":
        peaks = values.get("run_peak_samples_bytes") or [values["run_peak_bytes"]]
        row |= _estimated(peaks, over_rounds(dict(enumerate(peaks))))
    return row


def _estimated(samples: Sequence[float], found: Estimate) -> dict[str, Any]:
    interval = {"median": found.value, "low": found.low, "high": found.high, "n": found.count}
    return {**interval, "samples": np.asarray(samples)}


def _machine(environment: dict[str, Any]) -> str | None:
    cpu = environment.get("cpu", {})
    named = [f"{cpu['model']}, {cpu.get('logical_cores')} cores"] if cpu.get("model") else []
    gpus = environment.get("gpu") or []
    named += [str(gpu.get("name", gpu) if isinstance(gpu, dict) else gpu) for gpu in gpus]
    return "; ".join(named) or None
