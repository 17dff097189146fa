"""Made-up results: records of any number of images and methods, with plausible figures from a fixed seed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.records.cells import Cell, Record
from bench.records.store import file_name

if TYPE_CHECKING:
    from pathlib import Path

COST = {  # seconds, bytes, parameters, parameters fused, GMAC, dB without and with GT exposure
    "did": (150.2, 9.1e9, 2552131, 2552131, 7735.8, 20.9, 28.4),
    "sgn": (50.3, 7.4e9, 3604963, 3604963, 2464.6, 21.8, 28.6),
    "sid-unet": (14.3, 4.8e9, 7760748, 7760748, 560.1, 22.9, 28.8),
    "sid-unet+amplifier": (14.5, 4.8e9, 7763645, 7763645, 560.2, 23.1, 28.8),
    "llpacknet": (2.31, 0.81e9, 1170640, 1169088, 83.3, 22.5, 27.9),
    "llpacknet-2020": (2.12, 0.80e9, 1177409, 1177409, 83.3, 23.3, 27.1),
    "llpacknet-2020-conv": (2.14, 0.80e9, 1171985, 1171985, 83.5, 23.2, 27.0),
    "llpacknet-pixelshuffle": (2.13, 0.80e9, 1171985, 1171985, 83.5, 22.0, 26.5),
    "red": (2.9, 0.9e9, 784768, 780000, 59.6, 22.6, 28.6),
    "lime": (21.0, 5.1e9, 0, 0, None, 10.4, 10.9),
    "robust-retinex": (280.0, 9.8e9, 0, 0, None, 10.1, 10.3),
    "gain-only": (0.9, 0.6e9, 0, 0, None, 14.2, 17.6),
}
LAYER_GB = {
    "did": 28.1, "sgn": 16.2, "sid-unet": 7.8, "sid-unet+amplifier": 7.8, "llpacknet": 1.9,
    "llpacknet-2020": 1.9, "llpacknet-2020-conv": 1.9, "llpacknet-pixelshuffle": 1.9, "red": 1.4,
}  # fmt: skip
OWN_GAIN = {"llpacknet-2020", "llpacknet-2020-conv", "llpacknet-pixelshuffle", "sid-unet+amplifier"}
CLASSICAL = {"lime", "robust-retinex", "gain-only"}
SLOW = {"did", "sgn", "robust-retinex"}
# Arms of the experiment on UnPack, and their PSNR in dB.
ARMS = (
    ("unpack", 24.0), ("unpack-old", 19.0), ("unpack-as-2020", 23.5), ("unpack-old-as-2020", 19.5),
    ("unpack-as-2020-single", 23.0), ("pixelshuffle-as-2020-single", 23.4), ("unpack-single", 22.0),
    ("unpack-old-single", 22.0),
)  # fmt: skip
FULL = (2848, 4256)
ENVIRONMENT = {
    "cpu_model": "Example CPU @ 2.00GHz",
    "cores": 2,
    "memory_bytes": 24_000_000_000,
    "python": "3.11.7",
}
PROVENANCE = {
    "torch": "2.13.0",
    "rawpy": "0.26.1",
    "LibRaw": "0.22.0",
    "package": "0.1.0",
    "commit": "0" * 40,
}


def image_names(count: int, per_scene: int = 12) -> list[str]:
    """Names as SID's: scene, frame, exposure time; ratios 100, 250 and 300 in turn."""
    exposures = ("0.1s", "0.04s", "0.033s")
    return [
        f"{10003 + index // per_scene}_{index % per_scene // 3:02d}_{exposures[index % 3]}"
        for index in range(count)
    ]


def records(
    models: tuple[str, ...] = tuple(COST),
    *,
    images: int = 6,
    rounds: int = 5,
    synthetic: bool = True,
    frame: tuple[int, int] = FULL,
    protocols: tuple[str, ...] = ("paper2020", "paper2020-gt"),
    per_scene: int = 3,
) -> list[Record]:
    """A full set of records, the same for the same arguments."""
    made = []
    for index, model in enumerate(models):
        random = np.random.default_rng([7, index])
        made += [_complexity(model), _latency(model, rounds, frame, random), _memory(model, frame)]
        if model == "llpacknet":
            made.append(_kernels(frame, np.random.default_rng(9)))
        for protocol in protocols:
            for image in image_names(images, per_scene):
                made.append(_quality(model, protocol, image, random, synthetic=synthetic))
    return made


def trainings(
    arms: tuple[tuple[str, float], ...] = ARMS, seeds: tuple[int, ...] = (0, 1, 2)
) -> dict[str, dict[str, Any]]:
    """Result files of the experiment on UnPack, by name: the arms' PSNR plus what the seed does to all."""
    made = {}
    for index, (arm, psnr) in enumerate(arms):
        random = np.random.default_rng([11, index])
        for seed in seeds:
            end = psnr + 0.3 * seed + 0.05 * float(random.standard_normal())
            made[f"{arm}.seed-{seed}.json"] = {
                "arm": arm, "seed": seed, "curve": [[100, 0.2, end - 3], [1500, 0.1, end]], "diverged": None,
                "weights_sha256": _weights(arm, seed), "setting": {"steps": 1500, "patch": 128},
            }  # fmt: skip
    return made


def _weights(arm: str, seed: int) -> str:
    """At batch 1 the old form of UnPack is the new one, so that the weights end the same."""
    return f"{arm.replace('-old-single', '-single'):0>60}{seed:04}"


def write_trainings(out: Path, made: dict[str, dict[str, Any]]) -> None:
    """Write them where the verdicts look for them."""
    folder = out / "unpack" / "runs"
    folder.mkdir(parents=True)
    for name, raw in made.items():
        (folder / name).write_text(json.dumps(raw), encoding="utf-8")


def write(out: Path, made: list[Record]) -> Path:
    """Write records where the store finds them, without the store's flush per file."""
    folder = out / "cells"
    folder.mkdir(parents=True, exist_ok=True)
    for record in made:
        raw: dict[str, Any] = {**vars(record), "cell": vars(record.cell)}
        (folder / file_name(record.cell)).write_text(json.dumps(raw, sort_keys=True), encoding="utf-8")
    return out


def _complexity(model: str) -> Record:
    _, _, parameters, fused, gmac, _, _ = COST[model]
    cell = Cell(model, "complexity", height=FULL[0], width=FULL[1])
    values = {
        "parameters": parameters, "parameters_published": parameters, "parameters_fused": fused, "gmac": gmac,
        "layer_bytes": int(LAYER_GB.get(model, 0) * 1e9),
    }  # fmt: skip
    return Record(cell, "ok", values=values, environment=ENVIRONMENT, provenance=PROVENANCE)


def _latency(model: str, rounds: int, frame: tuple[int, int], random: np.random.Generator) -> Record:
    seconds = COST[model][0] * frame[0] * frame[1] / (FULL[0] * FULL[1])
    slow = model in SLOW
    passes = 1 if slow else 3
    numbers = [number for number in range(1 if slow else rounds) for _ in range(passes)]
    samples = [float(seconds * (1 + 0.01 * random.standard_normal())) for _ in numbers]
    whole = [seconds + 0.18 + 0.01 * (3 * number % 5) for number in sorted(set(numbers))]
    values: dict[str, Any] = {
        "samples_s": samples, "round": numbers, "cold_s": seconds * 1.4, "cold_samples_s": [seconds * 1.4],
        "run": "run-1", "single_pass": slow,
        "scopes": {"decode": [0.1, 0.11], "gain": [0.02], "quantise": [0.06], "end_to_end": whole},
    }  # fmt: skip
    if model == "llpacknet":
        values["scopes"]["kept_pages"] = [0.6 * seconds]
    if model == "llpacknet":
        values["twin_samples_s"] = [float(seconds * (1 + 0.01 * random.standard_normal())) for _ in numbers]
        values["twin_round"] = numbers
    cell = Cell(
        model,
        "latency",
        device="cpu",
        runtime="published",
        precision="fp32",
        height=frame[0],
        width=frame[1],
        threads=2,
    )
    return Record(cell, "ok", values=values, environment=ENVIRONMENT, provenance=PROVENANCE)


def _memory(model: str, frame: tuple[int, int]) -> Record:
    peak = int(COST[model][1] * frame[0] * frame[1] / (FULL[0] * FULL[1]))
    cell = Cell(
        model,
        "memory",
        device="cpu",
        runtime="published",
        precision="fp32",
        height=frame[0],
        width=frame[1],
        threads=2,
    )
    values = {
        "run_peak_bytes": peak, "load_peak_bytes": 50_000_000, "process_peak_bytes": peak + 400_000_000,
        "method": "VmHWM",
    }  # fmt: skip
    return Record(cell, "ok", values=values, environment=ENVIRONMENT, provenance=PROVENANCE)


def _kernels(frame: tuple[int, int], random: np.random.Generator) -> Record:
    share = frame[0] * frame[1] / (FULL[0] * FULL[1])
    means = {
        "loop": 0.6, "unpack_2020": 0.14, "unpack": 0.15, "unpack_twin": 0.15, "pixelshuffle": 0.17,
        "loop_kept": 0.5, "unpack_kept": 0.1, "pack_loop": 0.2, "pack": 0.08,
    }  # fmt: skip
    seconds = {
        form: [float(share * mean * (1 + 0.02 * random.standard_normal())) for _ in range(5)]
        for form, mean in means.items()
    }
    right = {"largest_difference": 0.0, "mixed": False}
    values: dict[str, Any] = {
        "seconds": seconds,
        "processes": 5,
        "largest_difference": dict.fromkeys(
            ("unpack_2020", "unpack", "pixelshuffle_permuted", "loop_kept", "unpack_kept", "pack"), 0.0
        ),
        "peaks": {
            "product_flops": [float(178e9 * (1 + 0.02 * random.standard_normal())) for _ in range(5)],
            "copy_bytes": [float(11e9 * (1 + 0.02 * random.standard_normal())) for _ in range(5)],
        },
        "batch_size": 2,
        "batch": {
            "loop": right, "unpack_2020": {"error": "shape '[1, 3, 128, 128]' is invalid"},
            "unpack_2020_batched": {"largest_difference": 6.1, "mixed": True}, "unpack": right,
            "pixelshuffle_permuted": right,
        },
    }  # fmt: skip
    cell = Cell(
        "llpacknet", "kernels", device="cpu", precision="fp32", height=frame[0], width=frame[1], threads=2
    )
    return Record(cell, "ok", values=values, environment=ENVIRONMENT, provenance=PROVENANCE)


def _quality(
    model: str, protocol: str, image: str, random: np.random.Generator, *, synthetic: bool
) -> Record:
    without = protocol == "paper2020"
    mean = COST[model][5 if without else 6]
    ratio = {"0.1s": 100.0, "0.04s": 250.0, "0.033s": 300.0}[image.split("_")[2]]
    scene = np.random.default_rng(int(image.split("_", maxsplit=1)[0])).standard_normal()
    psnr = float(mean + 2 * scene - (ratio - 200) / 100 + 0.2 * random.standard_normal())
    values = {
        "psnr": psnr, "ssim": min(0.99, psnr / 36), "lpips": 0.5 - psnr / 100,
        "gain": ratio * (1.1 if without else 1.0), "ratio": ratio,
        "area_fraction": 0.25 if model in SLOW else 1.0,
    }  # fmt: skip
    cell = Cell(
        model, "quality", "made-12345678", protocol, image, "cpu", "eager", "fp32", FULL[0], FULL[1], 2
    )
    provenance = {**PROVENANCE, "synthetic": synthetic}
    if model not in CLASSICAL:
        provenance |= {"weights_sha256": "1" * 64, "weights_terms": "equal"}
    return Record(cell, "ok", values=values, environment=ENVIRONMENT, provenance=provenance)
