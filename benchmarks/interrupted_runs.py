"""Kill the main job at random moments after its first stage: a complete report is there, and it resumes.

    python benchmarks/interrupted_runs.py --kills 10 --tier smoke

Every trial starts a run in a folder of its own, waits for its first report, kills the command with SIGKILL
after a random while, looks at report.html, table1.md and claims.json, and continues it with --resume.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from html.parser import HTMLParser
from pathlib import Path

FILES = ("report.html", "tables/table1.md", "claims.json")
PATIENCE_S = 3600.0


def command(out: Path, options: list[str], *more: str) -> list[str]:
    """Return the command line of a run."""
    return [sys.executable, "-m", "bench", "reproduce", "--offline", "--out", str(out), *options, *more]


def started(out: Path, options: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a run and wait for its first report."""
    with log.open("wb") as stream:
        process = subprocess.Popen(command(out, options), stdout=stream, stderr=stream)
    deadline = time.monotonic() + PATIENCE_S
    while not all((out / name).is_file() for name in FILES):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the run ended before its first report: {log.read_text()}")
        time.sleep(0.1)
    return process


class _Tags(HTMLParser):
    """Counts what is opened and not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables = 0

    def handle_starttag(self, tag: str, _: object) -> None:
        """Take note of a tag that has an end."""
        self.tables += tag == "table"
        if tag not in {"meta", "img", "br", "link", "hr", "input", "wbr", "path", "use", "rect", "line"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Take note of its end."""
        if self.open and self.open[-1] == tag:
            self.open.pop()


def faults(out: Path) -> list[str]:
    """Say what is wrong with the report of a run that was killed; nothing if it is complete."""
    found = []
    page = _Tags()
    text = (out / "report.html").read_text(encoding="utf-8")
    page.feed(text)
    if page.open or not page.tables or not text.rstrip().endswith("</html>"):
        found.append(f"report.html is not complete: {page.open[-3:]}, {page.tables} tables")
    table = (out / "tables" / "table1.md").read_text(encoding="utf-8")
    rows = [line for line in table.splitlines() if line.startswith("|")]
    if len(rows) < 4 or len({row.count("|") for row in rows}) != 1:
        found.append("table1.md is not a table")
    verdicts = json.loads((out / "claims.json").read_text(encoding="utf-8"))
    if not verdicts or not all(one.get("verdict") for one in verdicts):
        found.append("claims.json lacks verdicts")
    return found


def trial(number: int, folder: Path, options: list[str], longest_s: float, chance: random.Random) -> bool:
    """Kill one run and resume it; prints what was seen and returns whether all was well."""
    out, wait = folder / f"run-{number}", chance.uniform(0, longest_s)
    process = started(out, options, folder / f"log-{number}")
    time.sleep(wait)
    ended = process.poll() is not None
    process.kill()
    process.wait()
    seen = faults(out)
    open_cells = (out / "tables" / "table1.md").read_text(encoding="utf-8").count("still to come")
    again = subprocess.run(command(out, options, "--resume"), capture_output=True, text=True, check=False)
    if again.returncode:
        seen.append(f"--resume ended with {again.returncode}: {again.stderr[-300:]}")
    seen += faults(out)
    left = (out / "tables" / "table1.md").read_text(encoding="utf-8").count("still to come")
    if left:
        seen.append(f"{left} cells are still to come")
    when = "after its end" if ended else f"{wait:.1f} s after its first report, {open_cells} cells open"
    print(f"{number}: killed {when}: {'; '.join(seen) or 'whole, and completed by --resume'}", flush=True)
    return not seen


def main() -> int:
    """Run the trials; 1 if any of them went wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--longest", type=float, default=20.0, help="seconds after the first report, at most")
    parser.add_argument("--seed", type=int, default=0)
    arguments, options = parser.parse_known_args()
    chance = random.Random(arguments.seed)  # noqa: S311 -- moments, no secrets
    with tempfile.TemporaryDirectory() as folder:
        went = [
            trial(number, Path(folder), options, arguments.longest, chance)
            for number in range(arguments.kills)
        ]
    print(f"{sum(went)} of {len(went)} left a whole report and were completed")
    return 0 if all(went) else 1


if __name__ == "__main__":
    sys.exit(main())
