"""Where the wall time of the main job goes, and what share of it the harness takes.

    python benchmarks/harness_cost.py --out FOLDER [options of `llbench reproduce`, such as --models A,B]
    python benchmarks/harness_cost.py --read --out FOLDER

The first form runs `llbench reproduce` into an empty FOLDER, times the whole command, and adds up the trace
that it left (`FOLDER/trace.jsonl`); the second reads what an earlier call measured. The harness is everything
but the methods' own work (their forward passes, and one restoration end to end) and LPIPS; making data is
shown apart and counted with it. Exit status 1 if that takes more than 15 %.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from bench.machine import trace

MOST = 0.15
WALL = "harness_cost.json"
METHOD = "method: "


def shares(out: Path, wall_s: float) -> dict[str, float]:
    """Seconds by step of a run; they add up to its wall time."""
    spent: defaultdict[str, float] = defaultdict(float)
    workers, inside, outside = 0.0, 0.0, 0.0
    for line in trace.read(out):
        for name, seconds in line["spans"].items():
            place = "" if line["step"] == "cell" or name == "making data" else " (manager)"
            spent[f"{name}{place}"] += seconds
        total = sum(line["spans"].values())
        inside += total if line["step"] == "cell" else 0.0
        outside += total if line["step"] != "cell" else 0.0
        workers += line.get("seconds", 0.0)
    spent["starting, ending, passing turns"] = workers - inside
    spent["rest (manager)"] = wall_s - workers - outside
    return dict(spent)


def groups(spent: dict[str, float]) -> dict[str, list[str]]:
    """Group the steps."""
    return {
        "methods": [name for name in spent if name.startswith(METHOD)],
        "LPIPS": ["lpips"],
        "data": ["making data"],
        "harness": [n for n in spent if not n.startswith(METHOD) and n not in {"lpips", "making data"}],
    }


def report(out: Path) -> bool:
    """Print the table; returns whether the harness stays within its share."""
    known = json.loads((out / WALL).read_text(encoding="utf-8"))
    spent = shares(out, known["wall_s"])
    print(f"{known['wall_s']:.1f} s of wall time: llbench reproduce {' '.join(known['options'])}")
    own = 0.0
    for group, names in groups(spent).items():
        total = sum(spent.get(name, 0.0) for name in names)
        own += total if group in {"harness", "data"} else 0.0
        print(f"{group:30} {total:8.1f} s {100 * total / known['wall_s']:6.1f} %")
        for name in sorted(names, key=lambda name: -spent.get(name, 0.0)):
            part = spent.get(name, 0.0)
            print(f"  {name.removeprefix(METHOD):28} {part:8.1f} s {100 * part / known['wall_s']:6.1f} %")
    share = own / known["wall_s"]
    print(f"all but the methods' own work and LPIPS: {100 * share:.1f} % (at most {100 * MOST:.0f} %)")
    return share <= MOST


def main() -> int:
    """Run or read, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--read", action="store_true", help="only show what an earlier call measured")
    parser.add_argument("--out", type=Path, required=True)
    arguments, options = parser.parse_known_args()
    if not arguments.read:
        begin = time.monotonic()
        command = [sys.executable, "-m", "bench", "reproduce", "--out", str(arguments.out), *options]
        subprocess.run(command, check=True)
        facts = {"wall_s": time.monotonic() - begin, "options": options}
        (arguments.out / WALL).write_text(json.dumps(facts), encoding="utf-8")
    return 0 if report(arguments.out) else 1


if __name__ == "__main__":
    sys.exit(main())
