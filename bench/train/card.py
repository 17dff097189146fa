"""The shipped form of weights: half precision, with a model card as JSON and Markdown beside them."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save

from baselines.registry import spec
from bench.machine.wording import plural
from llpacknet.loading import sha256
from llpacknet.whole import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

    from bench.train.photo_pool import Photograph

LICENCE = "MIT, as the code; the photographs keep their own licences and authors, listed below"
_NOT_OF_THE_TRAINING = frozenset({"name", "photos", "validation", "terms"})
PACKAGES = ("llpacknet-bench", "torch", "numpy", "pillow")


def write(
    weights: Path, state: Mapping[str, Tensor], facts: Mapping[str, Any], credits_: Iterable[Photograph]
) -> None:
    """Write the weights and, beside them, `.json` and `.md` with a description and their origin.

    Args:
        weights: the safetensors file to write.
        state: half-precision weights by their names in the network's state dict.
        facts: recipe and result of the training.
        credits_: the photographs it was trained on.
    """
    # One key alone: safetensors writes several in an order that changes from run to run.
    content = save(dict(state), metadata={"model": str(facts["name"])})
    _replace(weights, content)
    declared = spec(str(facts["name"]))
    contents: dict[str, Any] = {
        "model": facts["name"],
        "title": declared.title,
        "paper": declared.paper,
        "weights": weights.name,
        "weights_sha256": sha256(weights),
        "licence": LICENCE,
        **({"terms": facts["terms"]} if facts.get("terms") else {}),
        "training": {key: value for key, value in facts.items() if key not in _NOT_OF_THE_TRAINING},
        "hardware": hardware(str(facts["device"])),
        "versions": {package: version(package) for package in PACKAGES},
        "photographs": [
            {key: value for key, value in asdict(each).items() if key != "use"} for each in credits_
        ],
    }
    _replace(
        weights.with_suffix(".json"), _encoded(json.dumps(contents, indent=2, ensure_ascii=False) + "\n")
    )
    _replace(weights.with_suffix(".md"), _encoded(_markdown(contents)))


def _encoded(text: str) -> bytes:
    # A photograph's name need not be UTF-8; what Python writes for such bytes JSON reads as well.
    return text.encode(errors="backslashreplace")


def _replace(path: Path, content: bytes) -> None:
    with whole(path, durable=True) as partial:
        partial.write_bytes(content)


def hardware(device: str) -> str:
    """Name of the processor, with torch's threads, or of the current GPU."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name()
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    threads = torch.get_num_threads()
    return f"{model}, {plural(threads, 'thread')}"


def _markdown(contents: Mapping[str, Any]) -> str:
    training = contents["training"]
    hours = training["seconds"] / 3600
    rows = "\n".join(f"| {key} | {value} |" for key, value in training.items())
    photographs = "\n".join(
        f"| {each['file']} | {each['author']} | {each['licence']} | {each['package'] or '–'} |"
        for each in contents["photographs"]
    )
    scenes = training.get("scenes", 0)
    made = f" and {plural(scenes, 'procedural scene')}" if scenes else ""
    noise = ""
    if training.get("camera"):
        noise = f" with the noise of `{training['camera']}` ({training['camera_sha256'][:16]}…)"
    data = (
        f"Photographs{made} through the camera model of a Sony A7S II{noise}: night-time darkening, white "
        "balance, photon, read and row noise. None of SID's images was used.\n\n"
        f"| photograph | author | licence | package |\n|---|---|---|---|\n{photographs}\n"
        if contents["photographs"]
        else f"The data set at {training['dataset']}, scenes whose ids begin with 0.\n"
    )
    beside = f", side by side with {training['beside']}" if "beside" in training else ""
    begun = ""
    if training.get("init"):
        begun = f", from the weights in `{training['init']}` on ({training['init_sha256'][:16]}…)"
    return f"""# {contents["title"]}: weights

`{contents["weights"]}`, half precision, SHA-256 `{contents["weights_sha256"]}`.
{contents["paper"]}.
Licence of these weights: {contents["licence"]}.

Trained for {training["steps"]} steps in {hours:.2f} h on {contents["hardware"]}{beside}{begun}.
PSNR on held-out photographs through the same camera model: {training["validation_psnr"]:.2f} dB.
{_remarks(contents)}
| training | |
|---|---|
{rows}

## Data

{data}"""


def _remarks(contents: Mapping[str, Any]) -> str:
    """List in sentences what a reader of the figures has to know, one per line."""
    training = contents["training"]
    remarks = []
    if "terms" in contents:
        remarks.append(f'Trained on the terms "{contents["terms"]}" (docs/training.md), as others were.')
    else:
        remarks.append("Not trained on equal terms with others: never ranked, and no claim rests on it.")
    if "rate_choice" in training:
        remarks.append(f"Learning rate: {training['rate_choice']}.")
    if "late_gain_db" in training:
        remarks.append(f"The last third of the training gained {training['late_gain_db']:.2f} dB.")
    remarks += [
        f"The loss spiked: the run went back from step {each['spike_at']} to step {each['back_to']}, "
        "at half the rate."
        for each in training.get("restarts_made", [])
    ]
    if "gain_slope" in training:
        remarks.append(
            f"Its gain on held-out frames: {training['gain_level']:.0f} in the geometric mean (the ratios: "
            f"{training['ratio_level']:.0f}), slope against the frame's level {training['gain_slope']:.2f} "
            "(-0.25 is right for SID)."
        )
    if training.get("unfinished"):
        remarks.append("The training was cut short: tables show such weights and never rank them.")
    return "".join(f"{remark}\n" for remark in remarks)
