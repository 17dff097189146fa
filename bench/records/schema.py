"""What a result file must look like: `schema.json`, and the few rules that JSON Schema cannot state.

The validator lists every problem instead of stopping at the first. Older files are upgraded
to this release, one version at a time.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields
from importlib import resources
from typing import TYPE_CHECKING, Any, get_args

from jsonschema import Draft202012Validator

from bench.records.cells import SCHEMA_VERSION, Cell, Measurement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

FILE = "schema.json"
SCHEMA: dict[str, Any] = json.loads(
    resources.files("bench.records").joinpath(FILE).read_text(encoding="utf-8")
)
MEASUREMENTS: tuple[str, ...] = get_args(Measurement)
AXES = tuple(axis.name for axis in fields(Cell))

_DEFINITIONS = SCHEMA["$defs"]
# The conditions of the schema ("if the measurement is latency, then …") are picked here by the measurement
# itself: trying all of them takes five times as long, and a report reads thousands of files.
_CELL = {key: value for key, value in SCHEMA["properties"]["cell"].items() if key != "allOf"}
_WHOLE = Draft202012Validator(
    {**SCHEMA, "allOf": [], "properties": {**SCHEMA["properties"], "cell": {"type": "object"}}}
)
_PARTS = {
    name: Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _DEFINITIONS}) for name in _DEFINITIONS
}
_AXES = Draft202012Validator(_CELL)


def problems(raw: Any) -> list[str]:
    """Every way in which a decoded JSON value fails to be a result file; empty when it is one."""
    if not isinstance(raw, dict):
        return [f"the top level is {type(raw).__name__}, not an object"]
    found = [_of_the_whole(error) for error in _WHOLE.iter_errors(raw)]
    cell = raw.get("cell")
    if isinstance(cell, dict):
        found += _cell_problems(cell)
    if raw.get("status") in SCHEMA["properties"]["status"]["enum"] and raw["status"] != "ok":
        reason = raw.get("reason")
        if not (isinstance(reason, str) and reason.strip()):
            found.append(f"status {raw['status']} has no reason")
    if not found and raw["status"] == "ok":
        found += _value_problems(raw["cell"]["measurement"], raw["values"])
    found += [f"{where} is not a finite number" for where in _non_finite(raw)]
    for part in ("environment", "provenance"):
        found += [f"{where} holds an absolute path" for where in _absolute_paths(raw.get(part), part)]
    return found


def _of_the_whole(error: Any) -> str:
    key = ".".join(map(str, error.absolute_path))
    if error.validator == "required":
        return f"key {str(error.message).split(' is')[0]} is missing"
    if error.validator == "additionalProperties":
        unknown = sorted(set(error.instance) - set(SCHEMA["properties"]))
        return f"key {', '.join(map(repr, unknown))} is unknown"
    if key == "schema_version":
        newer = isinstance(error.instance, int) and error.instance > SCHEMA_VERSION
        cure = "; a newer release wrote it: update this package" if newer else ""
        return f"schema_version is {error.instance!r}; this release reads 1 to {SCHEMA_VERSION}{cure}"
    if error.validator == "type":
        return f"'{key}' is not an object" if key != "reason" else "reason is not text"
    return f"{key} is {error.instance!r}, not one of {', '.join(error.validator_value)}"


def _cell_problems(cell: dict[str, Any]) -> list[str]:
    found = [f"cell.{axis} is unknown" for axis in cell if axis not in AXES]
    kind = cell.get("measurement")
    if kind not in MEASUREMENTS:
        return [*found, f"cell.measurement is {kind!r}, not one of {', '.join(MEASUREMENTS)}"]
    needed = _DEFINITIONS[f"{kind}-cell"]["required"]
    # An axis that is absent, as older files lack what was added since, says what null says.
    for error in _PARTS[f"{kind}-cell"].iter_errors({axis: cell.get(axis) for axis in AXES}):
        axis = error.absolute_path[0]
        if error.instance is None and axis in needed:
            found.append(f"cell.{axis} is empty, which a {kind} cell needs")
        elif error.validator_value == "null":
            found.append(f"cell.{axis} has no meaning for {kind} and must be null")
        else:
            found.append(f"cell.{axis} is {cell[str(axis)]!r}, not {error.schema['description']}")
    return found


def _value_problems(kind: str, values: dict[str, Any]) -> list[str]:
    errors = list(_PARTS[f"{kind}-values"].iter_errors(values))
    needed = _DEFINITIONS[f"{kind}-values"]["required"]
    missing = [f"values.{key} is missing" for key in needed if key not in values]
    if missing:
        return missing
    wrong = dict.fromkeys(str(error.absolute_path[0]) for error in errors)
    found = [f"values.{key} is not {_description(kind, key)}" for key in wrong]
    if kind == "latency":
        found += _misplaced(values, wrong)
    if not found and kind == "kernels" and len({len(times) for times in values["seconds"].values()}) > 1:
        found = ["values.seconds does not have the same rounds for every form"]
    if not found and kind == "quality" and values["lpips"] is None and not values.get("lpips_reason"):
        found = ["values.lpips is null without lpips_reason"]
    return found


def _description(kind: str, key: str) -> str:
    declared = _DEFINITIONS[f"{kind}-values"]["properties"][key]
    name = declared.get("$ref", "").rpartition("/")[2]
    return str((_DEFINITIONS[name] if name else declared)["description"])


def _misplaced(values: dict[str, Any], wrong: Collection[str]) -> Iterator[str]:
    """List rounds and turns that do not match their samples, except what is already `wrong`."""
    for whose in ("", "twin_", "reference_"):
        samples = f"{whose}samples_s"
        if samples not in values or samples in wrong:
            continue
        # A record without turns, as an earlier release wrote it, took the samples of a round in one go.
        for place in ("round", "turn") if f"{whose}turn" in values else ("round",):
            numbers = values.get(f"{whose}{place}", ())
            if f"{whose}{place}" not in wrong and len(numbers) != len(values[samples]):
                yield f"values.{whose}{place} does not name a {place} for each {samples}"


def _leaves(value: Any, where: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        inner = [(f"{where}.{key}".lstrip("."), part) for key, part in value.items()]
    elif isinstance(value, list):
        inner = [(f"{where}[{index}]", part) for index, part in enumerate(value)]
    else:
        return [(where, value)]
    return [leaf for name, part in inner for leaf in _leaves(part, name)]


def _non_finite(value: Any) -> list[str]:
    return [name for name, leaf in _leaves(value, "") if isinstance(leaf, float) and not math.isfinite(leaf)]


def _absolute_paths(value: Any, where: str) -> list[str]:
    """Results are published: no leaf may begin with a slash or a drive letter."""
    texts = [(name, leaf) for name, leaf in _leaves(value, where) if isinstance(leaf, str)]
    return [name for name, text in texts if text.startswith(("/", "\\\\")) or text[1:3] in {":\\", ":/"}]


def upgraded(raw: Any) -> Any:
    """Upgrade a decoded result file to the present schema; a file of unknown version is not changed.

    Nothing is invented: a step only expresses in the present form what the older one meant.
    """
    for version in range(1, SCHEMA_VERSION):
        if isinstance(raw, dict) and raw.get("schema_version") == version:
            raw = {**STEPS[version](raw), "schema_version": version + 1}
    return raw


def _one_turn_a_round(raw: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew no turns: a process took all its samples of a round in one go."""
    values = raw.get("values")
    cell = raw.get("cell")
    if not (isinstance(values, dict) and isinstance(cell, dict) and cell.get("measurement") == "latency"):
        return raw
    added = {
        f"{whose}turn": [0] * len(values[f"{whose}samples_s"])
        for whose in ("", "twin_")
        if isinstance(values.get(f"{whose}samples_s"), list)
    }
    return {**raw, "values": {**values, **added}}


STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _one_turn_a_round}
