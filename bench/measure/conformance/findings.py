"""What a check found; free of torch, so that the command line can print it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Result = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """The end of one check.

    Attributes:
        check: its name.
        result: "passed", "failed" or "skipped" (if it does not apply to this kind of method).
        seen: what was measured, or what went wrong, or why it was skipped; one line.
        remedy: what to do about a failure; None otherwise.
    """

    check: str
    result: Result
    seen: str
    remedy: str | None = None


class Violation(Exception):  # noqa: N818 -- it is a finding about a method, not an error of ours
    """A rule of the convention is broken.

    Args:
        problem: what was seen.
        remedy: what the method's author can do about it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class NotApplicable(Exception):  # noqa: N818
    """A check does not apply to this method, or needs a library that is not installed."""
