"""How long `llbench --help` and every verb's `--help` take: the median of several fresh processes.

python benchmarks/help_times.py --runs 5
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from bench.cli import VERBS

LIMIT_S = 0.3


def seconds(verb: str | None) -> float:
    """Time one `--help` from its start to its end."""
    words = [sys.executable, "-m", "bench", *([verb] if verb else []), "--help"]
    begun = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> int:
    """Print a line for each verb; returns 1 if any takes too long."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    slow = 0
    for verb in (None, *VERBS):
        median = statistics.median(seconds(verb) for _ in range(runs))
        slow += median > LIMIT_S
        print(f"{verb or 'llbench':10} {median:.3f} s{'  too long' if median > LIMIT_S else ''}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
