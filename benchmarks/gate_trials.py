"""False alarms and misses of the gate: counts its verdicts on revisions whose difference is known.

    python benchmarks/gate_trials.py --out FOLDER [--self 20] [--loaded 10] [--slow10 10] [--slow5 10]
        [--intermittent 10] [--size 704x1056] [--minutes M] [--measure latency] [--kinds self,slow10]

Each trial is one run of `llbench gate --models llpacknet` on real revisions, in a clone of this repository
that is made for it:

- self: a revision against itself;
- loaded: the same while a busy loop takes one processor, comes and goes;
- slow10, slow5: the base against a commit whose passes go on computing for another 10 % or 5 % of the time
  that they took: the same share on a machine in any state (a layer that was added instead took 3 to 11 %
  from run to run; a loop of one thread, which lets the others fall asleep, 7 to 9 instead of 5 %);
- intermittent: the base against a commit whose passes take three times as long, 30 % of them, at random: they
  are made three times.

A trial counts as called slower if either half of the turns was: the faster (latency) or the slower (tail).

What was done is kept in FOLDER/trials.jsonl, so that the script resumes where it was stopped; `--minutes`
stops it before a trial that would begin later than that. At the end it prints counts with exact 95 %
intervals as a table, that of docs/gating.md for the trials in results/gate. Exit status 1 if trials are
missing, a revision was called slower than itself, one that is slower by 5 or 10 % was missed, or more than
one in ten of the intermittent ones.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from scipy.stats import binomtest

from bench.machine.git import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
NETWORK = Path("llpacknet/network.py")
SLOWER = {"slow10": 0.10, "slow5": 0.05}
INTERMITTENT = "intermittent"
KINDS = ("self", "loaded", *SLOWER, INTERMITTENT)
# Part of the trials of a kind that has to be called slower; of the others none may be.
FOUND = {"slow10": 1.0, "slow5": 1.0, INTERMITTENT: 0.9}
KEPT = ("change", "interval", "floor", "reason")
TRIALS = (20, 10, 10, 10, 10)
NOW_AND_THEN = """

def _now_and_then(self, *given, plain=LLPackNet.forward):
    import random

    for _ in range(2 if random.SystemRandom().random() < 0.3 else 0):
        plain(self, *given)
    return plain(self, *given)


LLPackNet.forward = _now_and_then
"""
LONGER = """

def _longer(self, *given, plain=LLPackNet.forward):
    import time

    small = torch.full((256, 256), 1e-3)
    begin = time.perf_counter()
    restored = plain(self, *given)
    now = time.perf_counter()
    end = now + {share} * (now - begin)
    while time.perf_counter() < end:
        small @ small
    return restored


LLPackNet.forward = _longer
"""
LOAD = """
import random, time
while True:
    end = time.monotonic() + random.uniform(1, 6)
    while time.monotonic() < end:
        pass
    time.sleep(random.uniform(1, 6))
"""


def git(folder: Path, *arguments: str) -> str:
    """Run git and return what it says."""
    identity = ("-c", "user.name=trials", "-c", "user.email=trials@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    clean = environment()
    return subprocess.run(command, env=clean, check=True, capture_output=True, text=True).stdout.strip()


def commit(clone: Path, tag: str, change: str) -> None:
    """Commit the base with something added to the network's module, under a tag."""
    git(clone, "checkout", "--quiet", "--force", "--detach", "base")
    with (clone / NETWORK).open("a", encoding="utf-8") as file:
        file.write(change)
    git(clone, "commit", "--quiet", "--all", "--message", tag)
    git(clone, "tag", tag)


def revisions(folder: Path) -> Path:
    """Make the clone with a tag for every revision, if it does not exist."""
    clone = folder / "clone"
    if not clone.is_dir():
        half_made = folder / "clone.partial"
        shutil.rmtree(half_made, ignore_errors=True)
        git(ROOT, "clone", "--quiet", str(ROOT), str(half_made))
        git(half_made, "tag", "base")
        commit(half_made, INTERMITTENT, NOW_AND_THEN)
        for kind, share in SLOWER.items():
            commit(half_made, kind, LONGER.format(share=share))
        half_made.rename(clone)
    return clone


@contextlib.contextmanager
def load(wanted: bool) -> Iterator[None]:
    """Keep one processor busy, off and on, within a `with` block."""
    busy = subprocess.Popen([sys.executable, "-c", LOAD]) if wanted else None
    try:
        yield
    finally:
        if busy is not None:
            busy.kill()
            busy.wait()


def trial(clone: Path, kind: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the gate once."""
    head = kind if kind in {*SLOWER, INTERMITTENT} else "base"
    command = [sys.executable, "-m", "bench", "gate", "--base", "base", "--head", head, "--json"]
    command += ["--models", "llpacknet", "--size", arguments.size, "--measure", arguments.measure]
    begin = time.monotonic()
    with load(kind == "loaded"):
        ended = subprocess.run(
            command, cwd=clone, env=_environment(), capture_output=True, text=True, check=False
        )
    if ended.returncode not in {0, 1}:
        raise SystemExit(f"the gate ended with status {ended.returncode}: {ended.stderr[-500:]}")
    found = {one["quantity"]: one for one in json.loads(ended.stdout)["findings"]}
    return {
        "kind": kind,
        "verdict": found["latency"]["verdict"],
        "tail": found["tail"]["verdict"],
        "status": ended.returncode,
        "seconds": round(time.monotonic() - begin, 1),
        "attempts": 1 + ended.stderr.count("measuring again"),
        **{key: found["latency"][key] for key in KEPT},
        **{f"tail_{key}": found["tail"][key] for key in KEPT},
    }


def called_slower(result: dict[str, Any]) -> bool:
    """Whether the gate failed on time."""
    return "slower" in {result["verdict"], result["tail"]}


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def read(folder: Path) -> list[dict[str, Any]]:
    """Read the trials that were made."""
    file = folder / "trials.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [json.loads(line) for line in lines]


def table(results: Sequence[dict[str, Any]]) -> str:
    """Count verdicts, with exact 95 % intervals, as Markdown."""
    lines = [
        "| trials | failed | 95 % interval | latency | tail | change, median (range) | seconds (longest) |",
        "| --- | ---: | ---: | --- | --- | ---: | ---: |",
    ]
    for kind in KINDS:
        some = [one for one in results if one["kind"] == kind]
        if some:
            slower = sum(map(called_slower, some))
            low, high = (100 * end for end in binomtest(slower, len(some)).proportion_ci())
            words = " | ".join(_counted(some, half) for half in ("verdict", "tail"))
            changes, seconds = (
                [one[key] for one in some if one[key] is not None] for key in ("change", "seconds")
            )
            lines.append(
                f"| `{kind}` | {slower} of {len(some)} | {low:.0f} to {high:.0f} % | {words} "
                f"| {median(changes):+.1%} ({min(changes):+.1%} to {max(changes):+.1%}) "
                f"| {median(seconds):.0f} ({max(seconds):.0f}) |"
            )
    return "\n".join(lines)


def held(results: Sequence[dict[str, Any]], wanted: dict[str, int]) -> bool:
    """Whether no trial is missing, and the verdicts are what the gate promises."""
    for kind, count in wanted.items():
        some = [one for one in results if one["kind"] == kind]
        slower = sum(map(called_slower, some))
        right = slower >= FOUND[kind] * len(some) if kind in FOUND else slower == 0
        if len(some) < count or not right:
            return False
    return True


def _counted(some: list[dict[str, Any]], half: str) -> str:
    counts = Counter(one[half] for one in some)
    return ", ".join(f"{word} {number}" for word, number in sorted(counts.items()))


def main() -> int:
    """Run the trials that are missing and print what all of them showed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    for kind, count in zip(KINDS, TRIALS, strict=True):
        parser.add_argument(f"--{kind}", type=int, default=count)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--size", default="704x1056")
    parser.add_argument("--measure", default="latency")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    arguments = parser.parse_args()
    begin = time.monotonic()
    arguments.out.mkdir(parents=True, exist_ok=True)
    wanted = {kind: getattr(arguments, kind) for kind in KINDS if kind in arguments.kinds.split(",")}
    clone = revisions(arguments.out)
    results = read(arguments.out)
    while time.monotonic() - begin < 60 * arguments.minutes:
        left = {k: n - sum(one["kind"] == k for one in results) for k, n in wanted.items()}
        kinds = [kind for kind, count in left.items() if count > 0]
        if not kinds:
            break
        # In proportion to what is missing, so that every kind has been tried whenever it is stopped.
        kind = random.choices(kinds, [left[one] for one in kinds])[0]  # noqa: S311
        results.append(trial(clone, kind, arguments))
        with (arguments.out / "trials.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(results[-1]) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        last = results[-1]
        print(
            f"{kind}: {last['verdict']} {last['change'] or 0:+.1%}, tail {last['tail']} "
            f"{last['tail_change'] or 0:+.1%} in {last['seconds']} s",
            flush=True,
        )
    print(table(results))
    return 0 if held(results, wanted) else 1


if __name__ == "__main__":
    sys.exit(main())
