"""How well `llbench restore` overlaps reading, network and writing over a folder of photographs.

    python benchmarks/restoring.py [--size HxW] [--photographs N] [--rounds N] [--threads N]
                                   [--model NAME] [--data FOLDER]

Methodology: one process restores a folder of synthetic raws with `llbench restore`, another goes through the
same steps one after the other; they take turns, round by round, none twice in a row. A total runs from the
command to its last image, the building of the network included; the first call is shown apart, since it
imports torch. CPU seconds are those of the steps alone, each by itself: decoding (with normalising and
gain), network, encoding (with writing the file and comparing its colours, as `llbench restore` does).
The peak is the kernel's record (VmHWM) of the process's largest resident size. Aims: a total of at most 1.15
times the CPU seconds over the number of threads, and of at most 0.75 times the steps one after the other.
Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving import measure, status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OVERLAPPED, SEQUENTIAL = "overlapped", "sequential"
STEPS = ("decoding", "network", "encoding")
MOST_OF_CPU, MOST_OF_SEQUENTIAL = 1.15, 0.75


def photographs(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Generate a folder with this many dark raws, of scenes with four short exposures each."""
    from bench.data.making.make import make

    made = make(folder / "scenes", -(-count // 4), 0, size)
    chosen = folder / f"{count}-photographs"
    chosen.mkdir(exist_ok=True)
    shorts = sorted((made.root / "Sony" / "short").glob("*.DNG"))[:count]
    for path in shorts:
        with contextlib.suppress(FileExistsError):
            os.link(path, chosen / path.name)
    if len(shorts) < count or len(list(chosen.iterdir())) != count:
        raise SystemExit(f"{chosen} does not hold {count} photographs: remove it")
    return chosen


def overlapped(folder: Path, out: Path, model: str, threads: int) -> dict[str, float]:
    """Restore the folder with the command; returns CPU seconds and what its network waited for."""
    from bench.cli import main

    said = io.StringIO()
    arguments = ["restore", str(folder), "-o", str(out), "--overwrite", "--json", "--model", model]
    begun = time.process_time()
    with contextlib.redirect_stdout(said):
        status = main([*arguments, "--threads", str(threads)])
    if status:
        raise SystemExit(f"the command failed: {said.getvalue()}")
    steps = [json.loads(line)["steps"] for line in said.getvalue().splitlines()]
    waits = {name: sum(one[name] for one in steps) for name in ("waited_for_file", "waited_for_disk")}
    return {"cpu_s": time.process_time() - begun, **waits}


def sequential(folder: Path, out: Path, model: str, threads: int) -> dict[str, float]:
    """Restore the folder step by step; returns the CPU seconds of each kind of step, and in total."""
    import torch

    import baselines
    from llpacknet.photos import batch, steps
    from llpacknet.restoring import Restorer

    torch.set_num_threads(threads)
    restorer = Restorer(baselines.create(model))
    built: Future[Restorer] = Future()
    built.set_result(restorer)
    spent = dict.fromkeys(STEPS, 0.0)

    def step(name: str, do: Callable[..., Any], *given: Any) -> Any:
        before = time.process_time()
        result = do(*given)
        spent[name] += time.process_time() - before
        return result

    for task in batch.tasks([folder], out, "png"):
        read = step("decoding", steps.read, task, built)
        restored = step("network", steps.run, task, read, restorer)
        done = step("encoding", steps.write, task, read, restored)
        if done.reason:
            raise SystemExit(done.reason)
    return {**spent, "cpu_s": sum(spent.values())}


def serve(setting: str, folder: Path, out: Path, model: str, threads: int) -> None:
    """Restore the folder for every line on standard input, and print a line of JSON for it."""
    restore = overlapped if setting == OVERLAPPED else sequential
    answers = sys.stdout
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        facts = restore(folder, out / setting, model, threads)
        facts |= {"seconds": time.perf_counter() - start, "peak_bytes": status("VmHWM")}
        print(json.dumps(facts), file=answers, flush=True)


def report(arguments: argparse.Namespace, samples: dict[str, list[dict[str, Any]]]) -> None:
    """Print totals, CPU seconds, the two ratios with their aims, and peaks."""
    (cold, *ours), (cold_steps, *theirs) = samples[OVERLAPPED], samples[SEQUENTIAL]
    height, width = arguments.size
    print(
        f"{arguments.photographs} photographs, {arguments.model}, {height}x{width}, {arguments.threads} "
        f"threads, {arguments.rounds} rounds: median (range)"
    )
    totals, steps = _of(ours, "seconds"), _of(theirs, "seconds")
    cpu = _of(theirs, "cpu_s")
    by_core = [seconds / arguments.threads for seconds in cpu]
    print(f"total, overlapped                 {_spread(totals)} s (first call {cold['seconds']:.2f} s)")
    print(f"the steps one after the other     {_spread(steps)} s (first call {cold_steps['seconds']:.2f} s)")
    each = ", ".join(f"{name} {statistics.median(_of(theirs, name)):.2f}" for name in STEPS)
    print(f"CPU seconds of the steps          {_spread(cpu)} s ({each})")
    print(f"CPU seconds of the command        {_spread(_of(ours, 'cpu_s'))} s")
    print(f"CPU seconds / {arguments.threads} threads           {_spread(by_core)} s")
    _ratio("total / (CPU seconds / threads)", totals, by_core, MOST_OF_CPU)
    _ratio("total / one after the other    ", totals, steps, MOST_OF_SEQUENTIAL)
    print(f"the network waited for files      {_spread(_of(ours, 'waited_for_file'))} s")
    print(f"the network waited for images   {_spread(_of(ours, 'waited_for_disk'))} s")
    for name, some in ((OVERLAPPED, [cold, *ours]), (SEQUENTIAL, [cold_steps, *theirs])):
        print(f"peak memory, {name:20} {max(_of(some, 'peak_bytes')) / 1e9:.3f} GB")


def _of(samples: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [one[name] for one in samples]


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def _ratio(name: str, above: Sequence[float], below: Sequence[float], most: float) -> None:
    ratios = [one / other for one, other in zip(above, below, strict=True)]
    word = "reached" if statistics.median(ratios) <= most else "missed"
    print(f"{name}   {_spread(ratios)}, at most {most} wanted: {word}")


def main() -> None:
    """Measure and print, or serve one setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="2848x4256", type=lambda text: tuple(map(int, text.split("x"))))
    parser.add_argument("--photographs", default=12, type=int)
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--threads", default=len(os.sched_getaffinity(0)), type=int)
    parser.add_argument("--model", default="llpacknet")
    parser.add_argument("--data", type=Path, help="keep the photographs here, and use them again")
    parser.add_argument("--serve", choices=(OVERLAPPED, SEQUENTIAL), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.folder, arguments.out, arguments.model, arguments.threads)
        return
    with tempfile.TemporaryDirectory(prefix="llbench-restoring-") as out:
        folder = photographs(arguments.data or Path(out), arguments.photographs, arguments.size)
        more = ("--folder", str(folder), "--out", out)
        report(arguments, measure(__file__, (OVERLAPPED, SEQUENTIAL), arguments, *more))


if __name__ == "__main__":
    main()
