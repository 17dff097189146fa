"""The gate as a whole: revisions are checked out, measured, compared, and measured again before it fails."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.gate.comparison import ATTEMPTS, Comparison
from bench.gate.exclusive import exclusive
from bench.gate.measuring import Measuring
from bench.gate.trees import meaning, tree
from bench.judge import gate_verdict
from bench.machine.environment import wanted_threads
from bench.records import schema, store
from bench.records.cells import SCHEMA_VERSION, Cell, Record
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.gate.trees import Tree
    from bench.judge.gate_verdict import Decision
    from bench.judge.verdicts import Limits

# A sixteenth of the paper's area: LLPackNet takes a tenth of a second there.
SIZE = (704, 1056)


@dataclass(frozen=True)
class Sides:
    """What is compared with what.

    Attributes:
        base: a revision, a folder, or a file that `record` wrote.
        head: a revision or a folder.
        project: any folder of the project.
        prepare: a shell command run in each checked-out revision first.
        sources: folders of the project that Python imports from; its root and `src` if empty.
        also: a revision or folder that the head is compared with as well, such as the last release.
    """

    base: str
    head: str
    project: Path = field(default_factory=Path.cwd)
    prepare: str | None = None
    sources: tuple[str, ...] = ()
    also: str | None = None

    @property
    def recorded(self) -> bool:
        """Whether the base is a file that was recorded earlier."""
        return meaning(self.base, self.project) == "file"


def comparison(
    models: Sequence[str], *, size: tuple[int, int] | None = None, threads: int | None = None, **options: Any
) -> Comparison:
    """Fill in the defaults for what a user has not set."""
    return Comparison(tuple(models), size or SIZE, threads or wanted_threads(), **options)


def run(
    sides: Sides,
    wanted: Comparison,
    limits: Limits,
    out: Path,
    *,
    attempts: int = ATTEMPTS,
    say: Callable[[str], None] = lambda _: None,
) -> Decision:
    """Measure and decide, and measure again what would fail or could not be decided.

    Args:
        sides: base and head.
        wanted: what is measured of both.
        limits: from what size on a difference counts.
        out: a new folder for the results.
        attempts: how many times, at most, times are measured; memory twice, at most.
        say: is called with a line about each step.

    Raises:
        InputError: a side cannot be found or checked out, or the folder holds results.
    """
    _refuse_results(out)
    limits = replace(limits, looks=attempts)
    with contextlib.ExitStack() as stack:
        head = stack.enter_context(_tree(sides, sides.head))
        base = None if sides.recorded else stack.enter_context(_tree(sides, sides.base))
        if sides.recorded:
            for record in _asked_for(Path(sides.base), wanted):
                store.write(out / "base", record)
        also = stack.enter_context(_tree(sides, sides.also)) if sides.also is not None else None
        called = {"head": head.revision, **({"base": base.revision} if base else {})}
        stack.enter_context(exclusive(say))
        measuring = stack.enter_context(Measuring(wanted, head, base, out, say, also))
        measuring.attempt(wanted.models)
        decision = gate_verdict.decide(out, limits, called)
        for done in range(1, attempts):
            memory, times = decision.open_memory if done == 1 else (), decision.open_times(done)
            again = dict.fromkeys([*memory, *times])
            if not again:
                break
            say(f"measuring again: {', '.join(again)}")
            measuring.look_again(memory)
            measuring.attempt(times)
            decision = gate_verdict.decide(out, limits, called)
    return decision


def record(sides: Sides, wanted: Comparison, file: Path, out: Path, *, say: Callable[[str], None]) -> int:
    """Measure the head beside the reference workload and write a baseline file; returns how many cells.

    Raises:
        InputError: the head cannot be found, checked out or measured, or the folder holds results.
    """
    _refuse_results(out)
    with (
        _tree(sides, sides.head) as head,
        exclusive(say),
        Measuring(wanted, head, None, out, say) as measuring,
    ):
        measuring.attempt(wanted.models)
    records = store.load(out / "head")
    failed = [one for one in records if one.status != "ok"]
    if failed:
        raise InputError(f"no baseline of {failed[0].cell.model}: {failed[0].status}: {failed[0].reason}")
    raw = {"baseline": SCHEMA_VERSION, "records": [asdict(one) for one in records]}
    store.replace(file, json.dumps(raw, indent=1, sort_keys=True, allow_nan=False) + "\n")
    return len(records)


def read_baseline(file: Path) -> list[Record]:
    """Read what `record` wrote; InputError if it is not such a file."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        entries = raw["records"]
        found = [problem for entry in entries for problem in schema.problems(entry)]
    except (ValueError, LookupError, TypeError, RecursionError):
        entries, found = [], ["it is not what 'llbench gate --record' writes"]
    if found or not entries:
        raise InputError(f"{file} is not a baseline: {(found or ['it is empty'])[0]}; record it again")
    return [Record(**{**entry, "cell": Cell(**entry["cell"])}) for entry in entries]


def _asked_for(file: Path, wanted: Comparison) -> list[Record]:
    found = [one for one in read_baseline(file) if wanted.wants(one.cell)]
    if not found:
        asked = f"{', '.join(wanted.models)} at {wanted.size[0]}x{wanted.size[1]}"
        raise InputError(f"{file} has nothing for {asked}: record it with the same --models and --size")
    return found


def _refuse_results(out: Path) -> None:
    for side in ("base", "also", "head"):
        if store.files(out / side):
            raise InputError(f"{out} already holds results of a gate: choose another folder with --out")


def _tree(sides: Sides, name: str) -> contextlib.AbstractContextManager[Tree]:
    return tree(name, sides.project, prepare=sides.prepare, sources=sides.sources)


@contextlib.contextmanager
def results_folder(named: Path | None) -> Iterator[Path]:
    """Provide the folder that a user named, or one that is removed at the end of the block."""
    if named is not None:
        yield named
        return
    folder = Path(tempfile.mkdtemp(prefix="llbench-gate-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
