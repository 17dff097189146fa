"""What a reader must know about every figure: machine, frame, data, what is synthetic."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from bench.judge import quantities
from bench.judge.results import Results, scene
from bench.machine.wording import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDS = (
    "Over {rounds} rounds (fresh processes): (a–b) and ± are intervals; [a–b] is only a range, "
    "where rounds are too few or drift."
)
SYNTHETIC = "The images are synthetic dark raws: they support orderings, never the paper's absolute dB."


def cost_setting(results: Results, device: str = "cpu", *, one_form: bool = True) -> str:
    """One or two sentences on how time and memory were measured; empty without any.

    Args:
        results: the records.
        device: "cpu" or "cuda".
        one_form: whether what it stands beside is fp32 in the published form throughout.
    """
    frame = results.frame(device)
    if frame is None:
        return ""
    threads = results.threads(device, frame)
    on = processor(results, device)
    parts = [f"{frame[0]}x{frame[1]}", device.upper() if device == "cpu" else "GPU"]
    parts += [on] if on else []
    parts += [plural(threads, "thread")] if threads and device == "cpu" else []
    parts += ["fp32", "in the published form"] if one_form else []
    text = f"Time and memory: {', '.join(parts)}; 1 GB = 1e9 bytes."
    text += floor_sentence(
        results, "A/A noise floor of the timing run", "figures that differ by less are ties"
    )
    rounds = sorted({len(quantities.rounds(one)) for one in results.of("latency") if one.status == "ok"})
    if rounds and rounds[-1] > 1:
        text += f" {ENDS.format(rounds=rounds[-1])}"
    return text


def floor_sentence(results: Results, what: str, then: str) -> str:
    """State the noise floor and what follows from it; empty without an A/A pair."""
    floor = quantities.noise_floor(results)
    if floor is None:
        return ""
    if not is_floor_known(results):
        return f" {what}: not known yet, after a single round; no time counts as better than another."
    return f" {what}: {100 * floor:.1f} %; {then}."


def is_floor_known(results: Results) -> bool:
    """Whether every A/A pair was timed in several rounds: one says next to nothing of its own noise."""
    return all(len(quantities.twin_ratios(one)) != 1 for one in results.of("latency"))


def data_setting(results: Results, protocols: Sequence[str]) -> str:
    """One or two sentences on the images behind quality figures; empty without any."""
    if results.dataset is None:
        return ""
    names = sorted({name for protocol in protocols for name in results.images(protocol)})
    if not names:
        return ""
    scenes = len({scene(name) for name in names})
    text = f"Quality: data set {results.dataset}, {plural(len(names), 'image')} of {plural(scenes, 'scene')}."
    return f"{text} {SYNTHETIC}" if results.synthetic else text


def processor(results: Results, device: str = "cpu") -> str:
    """Name of the processor that the costs were measured on, as the environment states it."""
    keys = ("cpu_model", "cpu", "processor") if device == "cpu" else ("gpu", "gpu_name", "cuda_device")
    found: Counter[str] = Counter()
    for record in results.of("latency"):
        if record.cell.device == device:
            name = first(record.environment, keys)
            if name:
                found[name] += 1
    return max(found, key=lambda name: (found[name], name), default="")


def first(environment: dict[str, Any], keys: Sequence[str]) -> str:
    """Return the first of several keys that an environment holds as text, or its `model` or `name`."""
    for key in keys:
        value = environment.get(key)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            value = value.get("model") or value.get("name")
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
    return ""
