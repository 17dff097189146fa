"""Two workers against one, and both against a single process: the same cells, the same values, the time.

    python benchmarks/cluster_throughput.py --out FOLDER [--scenes 60] [--size 712x1064] [--model llpacknet]

Generates dark raws, four per scene, and scores one method on them, one thread per worker: with plain
`llbench run`, with --cluster local:1 and with --cluster local:2. Printed are the seconds from the first task
to the last account (that workers start is not counted; that each imports torch and builds the method, some
five seconds, is) and the largest difference of any value. For comparison it prints what the machine allows:
two plain `llbench run` at once against one. Last, everything is scored with two threads: PSNR may differ by
0.001 dB then.

Exit status 1 if two workers have less than 1.7 times the throughput of one, or a value differs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.records import store
from bench.run.cluster.summary import FILE

LEAST = 1.7
# PSNR's largest difference where the number of threads is another.
MOST_DB = 0.001


def run(arguments: argparse.Namespace, out: Path, *more: str) -> None:
    """Score all images into a folder; the first run renders the truths, the others reuse them."""
    command = [sys.executable, "-m", "bench", "run", "--models", arguments.model, "--measure", "quality"]
    given = ["--dataset", str(arguments.out / "data"), "--threads", "1", "--protocol", "sid2018"]
    environment = {**os.environ, "LLBENCH_CACHE": str(arguments.out / "cache")}
    with (arguments.out / "log").open("ab") as log:
        subprocess.run(
            [*command, *given, "--out", str(out), *more], check=True, env=environment, stdout=log, stderr=log
        )


def values(out: Path) -> dict[str, dict[str, object]]:
    """Return the values of every cell, by image and protocol."""
    return {f"{one.cell.image} {one.cell.protocol}": dict(one.values) for one in store.load(out)}


def ceiling(arguments: argparse.Namespace) -> float:
    """Throughput of two plain runs at the same time relative to one."""
    begun = time.monotonic()
    run(arguments, arguments.out / "plain")
    single_s, begun = time.monotonic() - begun, time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(run, arguments, arguments.out / f"beside{number}") for number in (1, 2)]:
            done.result()
    return 2 * single_s / (time.monotonic() - begun)


def psnr_apart(first: Path, second: Path) -> float:
    """Largest difference of PSNR in decibels."""
    one, other = values(first), values(second)
    return max(abs(float(str(one[name]["psnr"])) - float(str(other[name]["psnr"]))) for name in one)


def largest(first: Path, second: Path) -> float:
    """Largest difference between the numbers of two folders; infinite if their cells differ."""
    one, other = values(first), values(second)
    if set(one) != set(other):
        return float("inf")
    differences = [0.0]
    for name, numbers in one.items():
        for key, number in numbers.items():
            if isinstance(number, (int, float)):
                differences.append(abs(number - float(str(other[name][key]))))
            elif number != other[name][key]:
                return float("inf")
    return max(differences)


def main() -> int:
    """Run three times and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--size", default="712x1064")
    parser.add_argument("--model", default="llpacknet")
    arguments = parser.parse_args()
    arguments.out = arguments.out.absolute()
    for name in ("alone", "one", "two", "plain", "beside1", "beside2", "threads"):
        shutil.rmtree(arguments.out / name, ignore_errors=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    made = ["data", "make", "--scenes", str(arguments.scenes), "--size", arguments.size]
    data = [sys.executable, "-m", "bench", *made, "--out", str(arguments.out / "data")]
    subprocess.run(data, check=True, stdout=subprocess.DEVNULL)
    run(arguments, arguments.out / "alone")
    run(arguments, arguments.out / "one", "--cluster", "local:1")
    run(arguments, arguments.out / "two", "--cluster", "local:2")
    machine = ceiling(arguments)
    run(arguments, arguments.out / "threads", "--threads", "2")
    totals = {
        name: json.loads((arguments.out / name / FILE).read_text(encoding="utf-8")) for name in ("one", "two")
    }
    cells = len(store.files(arguments.out / "alone"))
    for name, total in totals.items():
        print(
            f"{name}: {cells} cells in {total['seconds']:.1f} s, {total['cells_per_s']:.3f} cells/s, "
            f"workers idle {100 * total['idle']:.0f} %"
        )
    ratio = totals["one"]["seconds"] / totals["two"]["seconds"]
    differences = [largest(arguments.out / "alone", arguments.out / name) for name in ("one", "two")]
    print(f"two workers against one: {ratio:.2f} times the throughput (at least {LEAST})")
    print(f"two plain runs at once against one: {machine:.2f} times")
    print(f"largest difference from a single process: {max(differences):g} (one: {differences[0]:g})")
    apart = psnr_apart(arguments.out / "alone", arguments.out / "threads")
    print(f"largest difference of PSNR with two threads: {apart:.2g} dB (at most {MOST_DB})")
    return 0 if ratio >= LEAST and max(differences) == 0 and apart <= MOST_DB else 1


if __name__ == "__main__":
    sys.exit(main())
