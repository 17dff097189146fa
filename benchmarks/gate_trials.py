"""False alarms and misses of the gate: counts its verdicts on revisions whose difference is known.

    python benchmarks/gate_trials.py --out FOLDER [--self 20] [--loaded 10] [--slow10 10] [--slow5 10]
        [--intermittent 10] [--size 704x1056] [--minutes M] [--measure latency] [--kinds self,slow10]

Each trial is one run of `llbench gate --models llpacknet` on real revisions, in a clone of this repository
that is made for it:

- self: a revision against itself;
- loaded: the same while a busy loop takes one processor, comes and goes;
- slow10, slow5: the base against a commit that adds one convolution to the network, with as many channels as
  make it 10 % or 5 % slower. That number is found first, by timing both next to each other in one process;
  the convolution is real, its result is added times zero;
- intermittent: the base against a commit whose passes take three times as long, 30 % of them, at random: they
  are made three times.

A trial counts as called slower if either half of the turns was: the faster (latency) or the slower (tail).

What was done is kept in FOLDER/trials.jsonl, so that the script resumes where it was stopped; `--minutes`
stops it before a trial that would begin later than that. At the end it prints counts with exact 95 %
intervals. Exit status 1 if trials are missing, a revision was called slower than itself, one that is slower
by 5 or 10 % was missed, or more than one in ten of the intermittent ones.
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
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from scipy.stats import binomtest

from bench.machine.git import environment
from bench.run.process import STEADY_ALLOCATOR

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
LAYER = "        self.out = convolution(16, 192, 3, weight_norm=normed)\n"
CALL = "        x = self.gather(torch.cat(outputs, dim=1)) + skip\n"
MANY = 800
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


def added_time(channels: int, size: tuple[int, int], calls: int = 24) -> float:
    """How much longer the convolution makes a pass: both networks in turns in one process."""
    import torch

    from baselines import create

    spaces: dict[str, Any] = {"__name__": "slowed"}
    exec(compile(slowed((ROOT / NETWORK).read_text(encoding="utf-8"), channels), "slowed", "exec"), spaces)  # noqa: S102
    plain = create("llpacknet")
    slow = spaces["LLPackNet"]("2022").eval()
    slow.load_state_dict(plain.state_dict())
    frame = torch.rand(1, 1, *size)
    times: dict[bool, list[float]] = {False: [], True: []}
    with torch.inference_mode():
        for number in range(2 * calls + 4):
            is_slow = number % 4 in {1, 2}
            begin = time.perf_counter()
            (slow if is_slow else plain)(frame)
            if number >= 4:
                times[is_slow].append(time.perf_counter() - begin)
    low = {key: fmean(sorted(some)[: len(some) // 2]) for key, some in times.items()}
    return low[True] / low[False] - 1


def _added_time(channels: int, size: tuple[int, int], calls: int) -> float:
    """Find it in a fresh process, whose allocator reads the thresholds that every timed process has."""
    os.environ.update(STEADY_ALLOCATOR)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(added_time, channels, size, calls).result()


def sizes(folder: Path, size: tuple[int, int]) -> dict[str, Any]:
    """Find the numbers of channels, or read what was found before."""
    file = folder / "sizes.json"
    if file.is_file():
        known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return known
    # One convolution of many channels shows best what a channel costs, and a channel costs what another does.
    each = _added_time(MANY, size, 60) / MANY
    found: dict[str, Any] = {}
    for kind, part in SLOWER.items():
        channels = round(part / each / 8) * 8
        found[kind] = {"channels": channels, "added": round(_added_time(channels, size, 80), 4)}
        print(f"{kind}: {channels} channels add {found[kind]['added']:.1%}", flush=True)
    file.write_text(json.dumps(found), encoding="utf-8")
    return found


def revisions(folder: Path, kinds: Sequence[str], size: tuple[int, int]) -> Path:
    """Make the clone, if it does not exist, and a tag for every revision that is wanted and missing."""
    clone = folder / "clone"
    if not clone.is_dir():
        partial = folder / "clone.partial"
        shutil.rmtree(partial, ignore_errors=True)
        git(ROOT, "clone", "--quiet", str(ROOT), str(partial))
        git(partial, "tag", "base")
        partial.rename(clone)
    missing = {*kinds} & {*SLOWER, INTERMITTENT} - {*git(clone, "tag").split()}
    channels = sizes(folder, size) if missing & SLOWER.keys() else {}
    for kind in sorted(missing):
        git(clone, "checkout", "--quiet", "--force", "--detach", "base")
        plain = (clone / NETWORK).read_text(encoding="utf-8")
        text = plain + NOW_AND_THEN if kind == INTERMITTENT else slowed(plain, channels[kind]["channels"])
        (clone / NETWORK).write_text(text, encoding="utf-8")
        git(clone, "commit", "--quiet", "--all", "--message", kind)
        git(clone, "tag", kind)
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


def report(results: list[dict[str, Any]], wanted: dict[str, int]) -> bool:
    """Print counts with exact 95 % intervals; returns whether they are what the gate promises."""
    good = True
    for kind, count in wanted.items():
        some = [one for one in results if one["kind"] == kind][:count]
        if not some:
            good &= count == 0
            continue
        slower = sum(map(called_slower, some))
        low, high = binomtest(slower, len(some)).proportion_ci()
        seconds = sorted(one["seconds"] for one in some)
        words = "; ".join(f"{half} {_counted(some, half)}" for half in ("verdict", "tail"))
        print(
            f"  {kind:8} {len(some):3} of {count}: {words}; called slower {slower}/{len(some)} (95 % "
            f"interval {low:.3f} to {high:.3f}); {seconds[len(seconds) // 2]:.0f} s a run, at most "
            f"{seconds[-1]:.0f}"
        )
        held = slower >= FOUND[kind] * len(some) if kind in FOUND else slower == 0
        good &= held and len(some) == count
    false = sum(called_slower(one) for one in results if one["kind"] in {"self", "loaded"})
    print(f"false alarms: {false}")
    return good


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
    height, _, width = arguments.size.partition("x")
    wanted = {kind: getattr(arguments, kind) for kind in KINDS if kind in arguments.kinds.split(",")}
    clone = revisions(arguments.out, tuple(wanted), (int(height), int(width)))
    file = arguments.out / "trials.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    results: list[dict[str, Any]] = [json.loads(line) for line in lines]
    while time.monotonic() - begin < 60 * arguments.minutes:
        left = {k: n - sum(one["kind"] == k for one in results) for k, n in wanted.items()}
        kinds = [kind for kind, count in left.items() if count > 0]
        if not kinds:
            break
        # In proportion to what is missing, so that every kind has been tried whenever it is stopped.
        kind = random.choices(kinds, [left[one] for one in kinds])[0]  # noqa: S311
        results.append(trial(clone, kind, arguments))
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(results[-1]) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        last = results[-1]
        print(
            f"{kind}: {last['verdict']} {last['change'] or 0:+.1%}, tail {last['tail']} "
            f"{last['tail_change'] or 0:+.1%} in {last['seconds']} s",
            flush=True,
        )
    return 0 if report(results, wanted) else 1


if __name__ == "__main__":
    sys.exit(main())
