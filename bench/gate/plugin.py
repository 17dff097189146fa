"""The pytest plugin: the fixture `llbench`, with which a project gates its own network in its own tests.

    def test_the_network_got_no_slower(llbench):
        llbench.gate("my_package.network:build")

compares the project's working tree with the revision that `--llbench-base` names (or `llbench_base` in its
pytest configuration; by default the last commit). Nothing is imported before it is used.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.judge.gate_verdict import Decision

SIZE = (256, 384)
SECONDS = 20.0
__all__ = ["Gate", "llbench", "pytest_addoption"]


class InconclusiveWarning(UserWarning):
    """A gate could not decide whether a time has changed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that name the revision to compare with."""
    said = "revision, folder or baseline file that the fixture llbench compares with (default: HEAD)"
    parser.getgroup("llbench").addoption("--llbench-base", metavar="REV", help=said)
    parser.addini("llbench_base", said)


class Gate:
    """What the fixture `llbench` provides.

    Args:
        project: the folder of the project under test.
        base: what it is compared with unless a call says otherwise.
        out: a folder for results.
    """

    def __init__(self, project: Path, base: str, out: Path) -> None:
        self._project = project
        self._base = base
        self._out = out
        self._calls = 0

    def gate(
        self,
        model: str,
        *,
        base: str | None = None,
        also: str | None = None,
        head: str | None = None,
        size: tuple[int, int] = SIZE,
        effect: float | None = None,
        accept: Sequence[str] = (),
        strict: bool = False,
        seconds: float = SECONDS,
        **options: Any,
    ) -> Decision:
        """Fail the test if the head is slower than the base, needs more memory, or gives different images.

        Args:
            model: "package.module:factory" of the project, or a registered name.
            base: revision, folder or baseline file; that of the command line if None.
            also: a second revision or folder to compare with.
            head: revision or folder; the project's working tree if None.
            size: height and width of the frame in pixels.
            effect: relative difference of time that matters; 0.025 if None.
            accept: quantities that are expected to differ, such as "correctness" or "gmac".
            strict: fail on inconclusive results too, which otherwise only cause a warning.
            seconds: approximate length of an attempt's turns; there are at most three attempts.
            options: fields of `bench.gate.comparison.Comparison`: measures, threads, form, weights, sets.

        Returns:
            The decision, for further checks in the test.
        """
        __tracebackhide__ = True
        from bench.gate import whole
        from bench.judge import gate_verdict
        from bench.judge.verdicts import Limits
        from bench.show.tables import verdict_page, writers

        self._calls += 1
        out = self._out / f"gate{self._calls}"
        sides = whole.Sides(
            self._base if base is None else base,
            str(self._project) if head is None else head,
            self._project,
            also=also,
        )
        wanted = whole.comparison([model], size=size, seconds=seconds, **options)
        decision = whole.run(sides, wanted, Limits(effect=effect, accepted=frozenset(accept)), out)
        gate_verdict.write(out, decision, strict=strict)
        table = writers.as_markdown(verdict_page.gate_table(decision, strict=strict))
        if decision.status(strict=strict):
            pytest.fail(f"{table}\nResults: {out}", pytrace=False)
        if any(one.verdict == "inconclusive" and not one.accepted for one in decision.findings):
            warnings.warn(InconclusiveWarning(table), stacklevel=2)
        return decision

    def benchmark(
        self,
        benchmark: Any,
        model: str,
        *,
        size: tuple[int, int] = SIZE,
        runtime: str = "published",
        precision: str = "fp32",
        weights: str = "none",
    ) -> Any:
        """Time a network under pytest-benchmark's own fixture, for `--benchmark-compare-fail`.

        Such a comparison uses times measured at another moment; `gate` measures both revisions in turns.

        Args:
            benchmark: the fixture `benchmark` of pytest-benchmark.
            model: "package.module:factory" of the project, or a registered name.
            size: height and width of the frame in pixels.
            runtime: form of the network, such as "published" or "eager".
            precision: number format.
            weights: "none", "shipped" or a file; a factory of the project decides for itself.

        Returns:
            The output: RGB (1, 3, H, W), or (H, W, 3) for a method that is called with a raw frame.

        Raises:
            InputError: no such method or form.
        """
        import torch

        from bench.measure import inputs, subjects
        from bench.records.cells import Cell

        height, width = size
        cell = Cell(model, "latency", None, None, None, "cpu", runtime, precision, height, width,
                    torch.get_num_threads())  # fmt: skip
        subject = subjects.build(cell, weights)
        frame = inputs.made_up_frame(height, width)
        placed = subject.place(frame, inputs.MADE_UP_RATIO, subject.conventions.input_clip)
        subject.check(subject.forward(placed), height, width)  # the cold call, which is not timed
        benchmark.extra_info.update(model=model, size=f"{height}x{width}", threads=cell.threads)
        return benchmark(subject.forward, placed)


@pytest.fixture
def llbench(request: pytest.FixtureRequest, tmp_path: Path) -> Gate:
    """Gate this project's networks, or time them: see `Gate.gate` and `Gate.benchmark`."""
    config = request.config
    named = config.getoption("--llbench-base")
    base = config.getini("llbench_base") or "HEAD" if named is None else named
    return Gate(config.rootpath, base, tmp_path)
