"""Kill a run at random moments, resume it, and check that nothing is lost, broken or measured twice.

    python benchmarks/kills.py --out FOLDER [--trials 30] [--seed 1] [--models llpacknet,gain-only]
        [--size 64x96] [--minutes M]

Each trial starts `llbench reproduce --tier smoke` in an empty folder (it makes its data, counts, times,
judges, draws), sends SIGKILL to that one process at a random moment of the time that an undisturbed run
takes, and resumes. A trial passes if

- no worker is left ten seconds after the kill, without anybody else having killed it;
- every result file passes the validator, after the kill and after the resumption;
- the resumed run ends with status 0, with the cells of the undisturbed run and the same scores;
- every file of a finished cell still has its bytes and its time of change.

What was done is kept in FOLDER/trials.jsonl, so that the script resumes where it was stopped; `--minutes`
stops it before a trial that would begin later than that.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from scipy.stats import binomtest

from bench.machine.strays import TOKEN
from bench.records import store

MARK = "LLBENCH_KILLS"
ORPHANS_END_S = 10.0
LOOK_S = 0.05
CHECKS = (
    "no worker left",
    "valid after the kill",
    "resumed",
    "same cells",
    "valid at the end",
    "kept",
    "same scores",
)


def command(out: Path, arguments: argparse.Namespace) -> list[str]:
    """Return the run under test."""
    small = ["--tier", "smoke", "--size", arguments.size, "--rounds", "2", "--threads", "1", "--offline"]
    options = ["--models", arguments.models, "--out", str(out), "--resume"]
    return [sys.executable, "-m", "bench", "reproduce", *small, *options]


def start(out: Path, arguments: argparse.Namespace, mark: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a run; what it says goes to a file, since nobody may wait for a killed one's pipe."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            command(out, arguments),
            env={**os.environ, MARK: mark},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )


def workers(mark: str) -> list[psutil.Process]:
    """Find the workers, and whatever they started, of the runs with a mark."""
    found = []
    for one in psutil.process_iter():
        try:
            environment = one.environ()
            ours = TOKEN in environment and environment.get(MARK) == mark
            if ours and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except (psutil.Error, OSError):
            continue
    return found


def ended(mark: str) -> bool:
    """Whether a run's workers are gone soon enough.

    Counted in looks, so that a machine that stood still meanwhile is not counted against them.
    """
    for _ in range(round(ORPHANS_END_S / LOOK_S)):
        if not workers(mark):
            return True
        time.sleep(LOOK_S)
    return False


def prints(out: Path) -> dict[str, tuple[str, int]]:
    """Digest and time of change of every finished cell."""
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in store.files(out)
    }


def scores(out: Path) -> dict[str, Any]:
    """Return the values of all quality and complexity cells, which no two runs may disagree on."""
    return {
        store.file_name(record.cell): record.values
        for record in store.load(out)
        if record.cell.measurement in {"quality", "complexity"}
    }


def valid(out: Path) -> bool:
    """Whether every result file is one."""
    return not any(store.validate(path) for path in store.files(out))


def undisturbed(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run once without a kill, or read what that gave."""
    file = folder / "undisturbed.json"
    if file.is_file():
        known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return known
    out = folder / "undisturbed"
    shutil.rmtree(out, ignore_errors=True)
    begin = time.monotonic()
    code = start(out, arguments, "undisturbed", folder / "undisturbed.log").wait()
    seconds = time.monotonic() - begin
    if code != 0 or not valid(out):
        raise SystemExit(f"the undisturbed run failed, see {folder / 'undisturbed.log'}")
    facts = {"seconds": seconds, "scores": scores(out)}
    facts["cells"] = {store.file_name(record.cell): record.status for record in store.load(out)}
    file.write_text(json.dumps(facts), encoding="utf-8")
    return facts


def trial(folder: Path, arguments: argparse.Namespace, number: int, known: dict[str, Any]) -> dict[str, Any]:
    """Kill one run and resume it."""
    out, log, mark = folder / f"trial{number}", folder / f"trial{number}.log", secrets.token_hex(8)
    shutil.rmtree(out, ignore_errors=True)
    log.unlink(missing_ok=True)
    fraction = random.Random(f"{arguments.seed} {number}").random()  # noqa: S311
    run = start(out, arguments, mark, log)
    try:
        run.wait(timeout=fraction * known["seconds"])
    except subprocess.TimeoutExpired:
        run.kill()
    code = run.wait()
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()
    passed = {"no worker left": ended(mark), "valid after the kill": valid(out)}
    before = prints(out)
    shares = len(list(out.glob("rounds/*.json")))
    passed["resumed"] = start(out, arguments, mark, log).wait() == 0
    after = prints(out)
    cells = {store.file_name(record.cell): record.status for record in store.load(out)} if after else {}
    passed["same cells"] = cells == known["cells"]
    passed["valid at the end"] = valid(out) and not workers(mark)
    passed["kept"] = {name: after.get(name) for name in before} == before
    passed["same scores"] = json.loads(json.dumps(scores(out) if after else {})) == known["scores"]
    result = {
        "trial": number,
        "killed": code == -9,
        "at_s": round(fraction * known["seconds"], 2),
        "said_last": said[-1].strip() if said else "",
        "cells_before": len(before),
        "cells_with_rounds_before": shares,
        "passed": passed,
    }
    if all(passed.values()):
        shutil.rmtree(out)
    return result


def report(results: list[dict[str, Any]], known: dict[str, Any]) -> bool:
    """Print counts with exact 95 % intervals; whether all passed."""
    killed = [one for one in results if one["killed"]]
    print(f"undisturbed run: {known['seconds']:.1f} s, {len(known['cells'])} cells")
    print(f"{len(killed)} runs killed ({len(results) - len(killed)} had ended before their moment)")
    if not killed:
        return False
    print(
        "cells finished when killed: "
        + ", ".join(str(one) for one in sorted(o["cells_before"] for o in killed))
    )
    for name in CHECKS:
        count = sum(one["passed"][name] for one in killed)
        low, high = binomtest(count, len(killed)).proportion_ci()
        print(f"  {name:20}  {count}/{len(killed)}  (95 % interval {low:.3f} to {high:.3f})")
    for one in killed:
        if not all(one["passed"].values()):
            failed = [name for name, good in one["passed"].items() if not good]
            print(f"  trial {one['trial']} at {one['at_s']} s ({one['said_last']}): not {', '.join(failed)}")
    return all(all(one["passed"].values()) for one in results)


def main() -> int:
    """Run the trials that are missing and print what all of them showed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", default="llpacknet,gain-only")
    parser.add_argument("--size", default="64x96")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    arguments = parser.parse_args()
    begin = time.monotonic()
    arguments.out.mkdir(parents=True, exist_ok=True)
    known = undisturbed(arguments.out, arguments)
    file = arguments.out / "trials.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    results: list[dict[str, Any]] = [json.loads(line) for line in lines]
    number = max((one["trial"] for one in results), default=-1)
    while sum(one["killed"] for one in results) < arguments.trials:
        if time.monotonic() - begin > 60 * arguments.minutes:
            break
        number += 1
        results.append(trial(arguments.out, arguments, number, known))
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(results[-1]) + "\n")
        last = results[-1]
        print(
            f"trial {number}: {last['at_s']} s, {last['cells_before']} cells, {last['said_last']}", flush=True
        )
    return 0 if report(results, known) else 1


if __name__ == "__main__":
    sys.exit(main())
