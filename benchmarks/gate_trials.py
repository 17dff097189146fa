"""False alarms and misses of the gate: counts its verdicts on revisions whose difference is known.

    python benchmarks/gate_trials.py --out FOLDER [--self 20] [--loaded 10] [--slow10 10] [--slow5 10]
        [--intermittent 10] [--size 704x1056] [--minutes M] [--measure latency] [--kinds self,slow10]

Each trial is one run of `llbench gate --models llpacknet` on real revisions, in a clone of this repository
that is made for it:

- self: a revision against itself;
- loaded: the same while a busy loop takes one processor, comes and goes;
- slow10, slow5: the base against a commit that adds one convolution to the network, with as many channels as
  make it 10 % or 5 % slower. That number is found first, by one long gate on a wider convolution, which is
  real: its result is added times zero;
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
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from scipy.stats import binomtest

from bench.machine.git import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
LAYER = "        self.out = convolution(16, 192, 3, weight_norm=normed)\n"
CALL = "        x = self.gather(torch.cat(outputs, dim=1)) + skip\n"
MANY, MANY_TAG = 480, "many"
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


def slowed(text: str, channels: int) -> str:
    """Add to the network's code a convolution of its 64 channels at a sixteenth of the sides."""
    assert text.count(LAYER) == text.count(CALL) == 1, "the network has changed: adapt where it is slowed"
    layer = f"self.register_buffer('extra', torch.full(({channels}, 64, 3, 3), 1e-3), persistent=False)\n"
    call = "x = x + 0 * F.conv2d(x, self.extra, padding=1).mean()\n"
    return text.replace(LAYER, f"{LAYER}        {layer}").replace(CALL, f"{CALL}        {call}")


def sizes(folder: Path, clone: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Find the numbers of channels by one long gate, or read what was found before."""
    file = folder / "sizes.json"
    if file.is_file():
        known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return known
    # In fresh processes that take turns, as in the trials: next to each other in one process they differ by
    # other shares. A channel costs what another does.
    commit(clone, MANY_TAG, lambda plain: slowed(plain, MANY))
    found = gate(clone, MANY_TAG, arguments, "--attempts", "1", "--sets", "24", "--seconds", "120")["latency"]
    known = {"many": {"channels": MANY, "added": found["change"], "interval": found["interval"]}}
    for kind, part in SLOWER.items():
        channels = round(part / found["change"] * MANY / 8) * 8
        known[kind] = {"channels": channels, "added": round(found["change"] * channels / MANY, 4)}
    file.write_text(json.dumps(known), encoding="utf-8")
    print(json.dumps(known), flush=True)
    return known


def commit(clone: Path, tag: str, change: Callable[[str], str]) -> None:
    """Commit the base with another network, under a tag."""
    git(clone, "checkout", "--quiet", "--force", "--detach", "base")
    text = change((clone / NETWORK).read_text(encoding="utf-8"))
    (clone / NETWORK).write_text(text, encoding="utf-8")
    git(clone, "commit", "--quiet", "--all", "--message", tag)
    git(clone, "tag", "--force", tag)


def revisions(folder: Path, kinds: Sequence[str], arguments: argparse.Namespace) -> Path:
    """Make the clone, if it does not exist, and a tag for every revision that is wanted and missing."""
    clone = folder / "clone"
    if not clone.is_dir():
        half_made = folder / "clone.partial"
        shutil.rmtree(half_made, ignore_errors=True)
        git(ROOT, "clone", "--quiet", str(ROOT), str(half_made))
        git(half_made, "tag", "base")
        half_made.rename(clone)
    missing = {*kinds} & {*SLOWER, INTERMITTENT} - {*git(clone, "tag").split()}
    channels = sizes(folder, clone, arguments) if missing & SLOWER.keys() else {}
    for kind in sorted(missing):
        if kind == INTERMITTENT:
            commit(clone, kind, lambda plain: plain + NOW_AND_THEN)
        else:
            commit(clone, kind, partial(slowed, channels=channels[kind]["channels"]))
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


def gate(clone: Path, head: str, arguments: argparse.Namespace, *options: str) -> dict[str, Any]:
    """Run the gate once: its findings by quantity, exit status, seconds, and how often it measured."""
    command = [sys.executable, "-m", "bench", "gate", "--base", "base", "--head", head, "--json", *options]
    command += ["--models", "llpacknet", "--size", arguments.size, "--measure", arguments.measure]
    begin = time.monotonic()
    ended = subprocess.run(
        command, cwd=clone, env=_environment(), capture_output=True, text=True, check=False
    )
    if ended.returncode not in {0, 1}:
        raise SystemExit(f"the gate ended with status {ended.returncode}: {ended.stderr[-500:]}")
    return {
        **{one["quantity"]: one for one in json.loads(ended.stdout)["findings"]},
        "status": ended.returncode,
        "seconds": round(time.monotonic() - begin, 1),
        "attempts": 1 + ended.stderr.count("measuring again"),
    }


def trial(clone: Path, kind: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the gate once on the revisions of a kind."""
    head = kind if kind in {*SLOWER, INTERMITTENT} else "base"
    with load(kind == "loaded"):
        found = gate(clone, head, arguments)
    return {
        "kind": kind,
        "verdict": found["latency"]["verdict"],
        "tail": found["tail"]["verdict"],
        **{key: found[key] for key in ("status", "seconds", "attempts")},
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
            changes, seconds = ([one[key] for one in some] for key in ("change", "seconds"))
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
    clone = revisions(arguments.out, tuple(wanted), arguments)
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
