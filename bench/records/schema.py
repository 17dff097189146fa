"""What a result file must look like; the validator lists every problem instead of stopping at the first."""

from __future__ import annotations

import math
import sys
from dataclasses import fields
from typing import Any, get_args

from bench.records.cells import SCHEMA_VERSION, Cell, Measurement, Record, Status

MEASUREMENTS: tuple[str, ...] = get_args(Measurement)
STATUSES: tuple[str, ...] = get_args(Status)
AXES = tuple(axis.name for axis in fields(Cell))
KEYS = tuple(part.name for part in fields(Record))

MOST = 2**63 - 1
"""The largest count that a result can hold."""
NEEDED_AXES: dict[str, tuple[str, ...]] = {
    "quality": ("dataset", "protocol", "image", "device", "runtime", "precision"),
    "latency": ("device", "runtime", "precision", "height", "width", "threads"),
    "memory": ("device", "runtime", "precision", "height", "width", "threads"),
    "complexity": ("height", "width"),
    "kernels": ("device", "precision", "height", "width", "threads"),
}
EMPTY_AXES: dict[str, tuple[str, ...]] = {
    "quality": (),
    "latency": ("dataset", "protocol", "image"),
    "memory": ("dataset", "protocol", "image"),
    "complexity": ("dataset", "protocol", "image", "device", "runtime", "precision", "threads"),
    "kernels": ("dataset", "protocol", "image", "runtime"),
}
NEEDED_VALUES: dict[str, tuple[str, ...]] = {
    "quality": ("psnr", "ssim", "lpips", "gain", "ratio", "area_fraction"),
    "latency": ("samples_s", "round", "cold_s", "run", "single_pass"),
    "memory": ("run_peak_bytes", "load_peak_bytes", "process_peak_bytes", "method"),
    "complexity": ("parameters", "parameters_published", "gmac"),
    "kernels": ("seconds", "largest_difference", "batch_size", "batch"),
}


def problems(raw: Any) -> list[str]:
    """Every way in which a decoded JSON value fails to be a result file; empty when it is one."""
    if not isinstance(raw, dict):
        return [f"the top level is {type(raw).__name__}, not an object"]
    found = [f"key '{key}' is missing" for key in KEYS if key not in raw]
    found += [f"key '{key}' is unknown" for key in raw if key not in KEYS]
    version = raw.get("schema_version")
    if version != SCHEMA_VERSION:
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        cure = "; a newer release wrote it: update this one" if newer else ""
        found.append(f"schema_version is {version!r}; this release reads 1 to {SCHEMA_VERSION}{cure}")
    found += [
        f"'{key}' is not an object"
        for key in ("values", "environment", "provenance")
        if key in raw and not isinstance(raw[key], dict)
    ]
    cell = raw.get("cell")
    if isinstance(cell, dict):
        found += _cell_problems(cell)
    elif "cell" in raw:
        found.append("'cell' is not an object")
    found += _status_problems(raw)
    if not found and raw["status"] == "ok":
        found += _value_problems(raw["cell"]["measurement"], raw["values"])
    found += [f"{where} is not a finite number" for where in _non_finite(raw, "")]
    for part in ("environment", "provenance"):
        found += [f"{where} holds an absolute path" for where in _absolute_paths(raw.get(part), part)]
    return found


def _cell_problems(cell: dict[str, Any]) -> list[str]:
    found = [f"cell.{axis} is unknown" for axis in cell if axis not in AXES]
    measurement = cell.get("measurement")
    if measurement not in MEASUREMENTS:
        return [*found, f"cell.measurement is {measurement!r}, not one of {', '.join(MEASUREMENTS)}"]
    for axis in AXES:
        value = cell.get(axis)
        number = axis in {"height", "width", "threads"}
        if value is None:
            if axis == "model" or axis in NEEDED_AXES[measurement]:
                found.append(f"cell.{axis} is empty, which a {measurement} cell needs")
        elif axis in EMPTY_AXES[measurement]:
            found.append(f"cell.{axis} has no meaning for {measurement} and must be null")
        elif number and not _counts(value, least=1):
            found.append(f"cell.{axis} is {value!r}, not a positive integer")
        elif not number and not (isinstance(value, str) and value):
            found.append(f"cell.{axis} is {value!r}, not a name")
    return found


def _status_problems(raw: dict[str, Any]) -> list[str]:
    if "status" not in raw:
        return []
    status, reason = raw["status"], raw.get("reason")
    found = []
    if status not in STATUSES:
        found.append(f"status is {status!r}, not one of {', '.join(STATUSES)}")
    elif status != "ok" and not (isinstance(reason, str) and reason.strip()):
        found.append(f"status {status} stands without a reason")
    if reason is not None and not isinstance(reason, str):
        found.append("reason is not a text")
    return found


def _value_problems(measurement: str, values: dict[str, Any]) -> list[str]:
    found = [f"values.{key} is missing" for key in NEEDED_VALUES[measurement] if key not in values]
    if found:
        return found
    if measurement == "latency":
        return _latency_problems(values)
    if measurement == "memory":
        sizes = ("run_peak_bytes", "load_peak_bytes", "process_peak_bytes")
        return [f"values.{key} is not a count of bytes" for key in sizes if not _counts(values[key])]
    if measurement == "complexity":
        keys = ("parameters", "parameters_published", "parameters_fused", "layer_bytes")
        found = [f"values.{key} is not a count" for key in keys if key in values and not _counts(values[key])]
        if values["gmac"] is not None and not (_is_number(values["gmac"]) and values["gmac"] >= 0):
            found.append("values.gmac is neither null nor a number from 0 on")
        return found
    return _kernel_problems(values) if measurement == "kernels" else _quality_problems(values)


def _latency_problems(values: dict[str, Any]) -> list[str]:
    found = []
    for whose in ("", "twin_", "reference_"):
        samples, places = f"{whose}samples_s", (f"{whose}round", f"{whose}turn")
        if samples not in values:
            continue
        times = values[samples]
        if not (isinstance(times, list) and times and all(_positive(time) for time in times)):
            found.append(f"values.{samples} is not a list of positive seconds")
            continue
        # A record without turns, as an earlier release wrote it, took the samples of a round in one go.
        for place in [one for one in places if one in values or one.endswith("round")]:
            numbers = values.get(place)
            if not (isinstance(numbers, list) and len(numbers) == len(times) and all(map(_counts, numbers))):
                found.append(f"values.{place} does not name a {place.removeprefix(whose)} for each {samples}")
    if not _positive(values["cold_s"]):
        found.append("values.cold_s is not a positive number of seconds")
    if not isinstance(values["single_pass"], bool):
        found.append("values.single_pass is neither true nor false")
    if not isinstance(values["run"], str):
        found.append("values.run is not the name of a run")
    return found


def _kernel_problems(values: dict[str, Any]) -> list[str]:
    seconds, apart = values["seconds"], values["largest_difference"]
    found = []
    lists = isinstance(seconds, dict) and all(isinstance(times, list) for times in seconds.values())
    if not (lists and seconds and all(_positive(time) for times in seconds.values() for time in times)):
        found.append("values.seconds does not list positive seconds for each form")
    elif len({len(times) for times in seconds.values()}) > 1:
        found.append("values.seconds has not the same rounds for each form")
    if not (isinstance(apart, dict) and all(_is_number(value) and value >= 0 for value in apart.values())):
        found.append("values.largest_difference does not give a number from 0 on for each form")
    if not (isinstance(values["batch"], dict) and _counts(values["batch_size"], least=2)):
        found.append("values.batch does not say what each form makes of two pictures or more")
    return found + _peak_problems(values.get("peaks", {}))


def _peak_problems(peaks: Any) -> list[str]:
    """Check what the machine itself can do, in operations and bytes a second; optional."""
    whole = isinstance(peaks, dict) and all(isinstance(rates, list) and rates for rates in peaks.values())
    if whole and all(_positive(rate) for rates in peaks.values() for rate in rates):
        return []
    return ["values.peaks does not list positive rates for each peak"]


def _quality_problems(values: dict[str, Any]) -> list[str]:
    found = []
    if not (values["psnr"] == "inf" or _is_number(values["psnr"])):
        found.append("values.psnr is neither a number nor 'inf'")
    if not (_is_number(values["ssim"]) and -1 <= values["ssim"] <= 1):
        found.append("values.ssim lies outside [-1, 1]")
    if values["lpips"] is None:
        if not values.get("lpips_reason"):
            found.append("values.lpips is null without lpips_reason")
    elif not (_is_number(values["lpips"]) and values["lpips"] >= 0):
        found.append("values.lpips is negative")
    if not (values["gain"] is None or _is_number(values["gain"])):
        found.append("values.gain is neither null nor a number")
    if not _positive(values["ratio"]):
        found.append("values.ratio is not a positive number")
    fraction = values["area_fraction"]
    if not (_positive(fraction) and fraction <= 1):
        found.append("values.area_fraction lies outside (0, 1]")
    return found


def _is_number(value: Any) -> bool:
    # Compared rather than converted: an integer may be too large for a float. NaN compares as false.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _counts(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MOST


def _walk(value: Any, where: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        inner = [(f"{where}.{key}".lstrip("."), part) for key, part in value.items()]
    elif isinstance(value, list):
        inner = [(f"{where}[{index}]", part) for index, part in enumerate(value)]
    else:
        return [(where, value)]
    return [leaf for name, part in inner for leaf in _walk(part, name)]


def _non_finite(value: Any, where: str) -> list[str]:
    return [name for name, leaf in _walk(value, where) if isinstance(leaf, float) and not math.isfinite(leaf)]


def _absolute_paths(value: Any, where: str) -> list[str]:
    """Results are published: no leaf may begin with a slash or a drive letter."""
    texts = [(name, leaf) for name, leaf in _walk(value, where) if isinstance(leaf, str)]
    return [name for name, text in texts if text.startswith(("/", "\\\\")) or text[1:3] in {":\\", ":/"}]
