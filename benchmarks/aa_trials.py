"""How often the suite claims a difference that does not exist, and how often it finds one of five per cent.

    python benchmarks/aa_trials.py --out FOLDER [--equal 20] [--slower 10] [--size 128x192] [--minutes M]
    python benchmarks/aa_trials.py --read --out FOLDER

Each trial is a run of `llbench run --measure latency` with its default number of rounds on two networks that
do the same; the first ten also have a third, with one more convolution in twenty (a real one). Counted is
what tables and verdicts would say: a difference is claimed if the interval of the ratio, widened to the
run's own A/A floor, excludes 1. First of all, a method that only sleeps is timed.

What was done is kept in FOLDER/trials.jsonl, so that the script resumes where it was stopped; `--minutes`
stops it before a trial that would begin later than that. Exit status 1 if more than one in twenty equal pairs
is claimed to differ, or fewer than nine in ten of the slower found, or the sleep is off by more than 1 %.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from baselines.complexity import macs
from bench.judge import quantities
from bench.judge.results import Results

MODELS = Path(__file__).parent / "models"
MOST_CLAIMED, FEWEST_FOUND, SLEEP_OFF = 1 / 20, 9 / 10, 0.01


def measure(models: list[str], out: Path, size: str) -> Results:
    """Run `llbench run` on models of `convolutions` and read what it stored."""
    shutil.rmtree(out, ignore_errors=True)
    named = ",".join(f"convolutions:{model}" for model in models)
    command = [
        sys.executable,
        "-m",
        "bench",
        "run",
        "--models",
        named,
        "--measure",
        "latency",
        "--size",
        size,
    ]
    path = os.pathsep.join(filter(None, (str(MODELS), os.environ.get("PYTHONPATH"))))
    subprocess.run(
        [*command, "--out", str(out)],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return Results.load(out)


def compared(results: Results, model: str) -> dict[str, Any]:
    """Return what the suite says about the time of a model relative to the base."""
    above, below = (results.cost("latency", f"convolutions:{name}") for name in (model, "base"))
    assert not isinstance(above, str), above
    assert not isinstance(below, str), below
    found = quantities.record_ratio(results, above, below)
    assert found.estimate is not None, found.reason
    ratio = found.estimate
    rounds = quantities.ratios(above, below)
    assert ratio.low is not None
    assert ratio.high is not None
    claim = "slower" if ratio.low > 1 else "faster" if ratio.high < 1 else "none"
    return {"ratio": ratio.value, "low": ratio.low, "high": ratio.high, "rounds": rounds, "claim": claim}


def trial(folder: Path, number: int, size: str, *, slower: bool) -> dict[str, Any]:
    """Make one run and return what it claims."""
    out = folder / f"trial{number}"
    begin = time.monotonic()
    results = measure(["base", "same", *(["slower"] if slower else [])], out, size)
    base = results.cost("latency", "convolutions:base")
    assert not isinstance(base, str), base
    facts: dict[str, Any] = {"trial": number, "seconds": round(time.monotonic() - begin, 1)}
    facts["call_s"] = quantities.latency(results, "convolutions:base").estimate.value  # type: ignore[union-attr]
    facts |= {"floor": quantities.noise_floor(results), "twin": quantities.twin_ratios(base)}
    facts["equal"] = compared(results, "same")
    if slower:
        facts["slower"] = compared(results, "slower")
    return facts


def sleep(folder: Path) -> dict[str, Any]:
    """Time the method that sleeps."""
    found = quantities.latency(measure(["rest"], folder / "sleep", "64x96"), "convolutions:rest")
    assert found.estimate is not None, found.reason
    return {"sleep_s": found.estimate.value}


def counted(name: str, count: int, of: int) -> str:
    """Format a count, with its exact 95 % interval."""
    low, high = binomtest(count, of).proportion_ci()
    return f"{name}: {count} of {of} (95 % interval {low:.3f} to {high:.3f})"


def more_work(size: str) -> float:
    """Arithmetic of the slower network over that of the base."""
    import convolutions

    height, width = map(int, size.split("x"))
    return macs(convolutions.slower(), height, width) / macs(convolutions.base(), height, width)


def report(folder: Path, size: str) -> bool:
    """Print what all trials so far showed; returns whether it is as it should be."""
    from convolutions import REST_S

    known = [json.loads(line) for line in (folder / "trials.jsonl").read_text(encoding="utf-8").splitlines()]
    slept = next((one["sleep_s"] for one in known if "sleep_s" in one), None)
    trials = [one for one in known if "trial" in one]
    good = slept is not None and abs(slept / REST_S - 1) <= SLEEP_OFF
    if slept is not None:
        print(f"sleep of {REST_S} s: median {slept:.5f} s, off by {100 * (slept / REST_S - 1):.2f} %")
    for one in trials:
        said = {name: one[name] for name in ("equal", "slower") if name in one}
        words = [
            f"{name} {found['ratio']:.4f} [{found['low']:.4f}, {found['high']:.4f}] claims {found['claim']}"
            for name, found in said.items()
        ]
        facts = f"{one['seconds']:.0f} s, call {1e3 * one['call_s']:.0f} ms, floor {100 * one['floor']:.1f} %"
        print(f"  trial {one['trial']} ({facts}): {'; '.join(words)}")
    equal = [one["equal"] for one in trials]
    slower = [one["slower"] for one in trials if "slower" in one]
    if equal:
        claims = sum(found["claim"] != "none" for found in equal)
        print(counted("differences claimed between equals", claims, len(equal)))
        good = good and claims <= MOST_CLAIMED * len(equal)
    if slower:
        hits = sum(found["claim"] == "slower" for found in slower)
        print(counted(f"the one with {more_work(size):.4f} times the work found slower", hits, len(slower)))
        good = good and hits >= FEWEST_FOUND * len(slower)
    return good


def main() -> int:
    """Run the trials that are missing and print what all of them showed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--equal", type=int, default=20)
    parser.add_argument("--slower", type=int, default=10)
    parser.add_argument("--size", default="128x192")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--read", action="store_true", help="only show what earlier calls measured")
    arguments = parser.parse_args()
    sys.path.insert(0, str(MODELS))
    begin = time.monotonic()
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / "trials.jsonl"
    done = len(file.read_text(encoding="utf-8").splitlines()) if file.is_file() else 0
    for number in range(done, 0 if arguments.read else arguments.equal + 1):
        if time.monotonic() - begin > 60 * arguments.minutes:
            break
        facts = (
            sleep(arguments.out)
            if number == 0
            else trial(arguments.out, number, arguments.size, slower=number <= arguments.slower)
        )
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(facts) + "\n")
        print(json.dumps(facts), flush=True)
    return 0 if report(arguments.out, arguments.size) else 1


if __name__ == "__main__":
    sys.exit(main())
