"""The process that checks a method: `python -m bench.measure.conformance NAME WEIGHTS CHECK...`.

Findings go to standard output, one JSON object per line; what the method prints goes to standard error.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from dataclasses import asdict
from typing import IO, TYPE_CHECKING

from bench.measure.conformance.findings import Finding, NotApplicable, Violation
from llpacknet.errors import InputError, cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure.conformance.method import Method

SIZES = "sizes"


def main(arguments: Sequence[str]) -> None:
    """Build the method and run the named checks on it."""
    faulthandler.enable()
    channel = _take_standard_output()
    name, weights, *checks = arguments
    del sys.argv[1:]  # a module that parses them at import would take ours for its own
    method = build(name, weights, channel)
    if method is not None:
        broken = plainly_broken(method) if SIZES in checks else None
        for check in checks:
            _send(channel, run(method, check) if broken is None else _after(broken, check))
    channel.flush()
    sys.stderr.flush()
    # Threads that the method left running are no concern of ours.
    os._exit(0)


def run(method: Method, check: str) -> Finding:
    """Run one check on a built method."""
    from bench.measure.conformance import classical, denoiser, network

    checks = {"network": network, "denoiser": denoiser, "classical": classical}[method.kind].CHECKS
    try:
        return Finding(check, "passed", checks[check](method))
    except Violation as violation:
        return Finding(check, "failed", violation.problem, violation.remedy)
    except NotApplicable as reason:
        return Finding(check, "skipped", str(reason))
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- what it returns may raise in our hands
        return Finding(
            check,
            "failed",
            f"calling what it returns fails with {_said(error)}",
            "see the convention in docs/adding.md",
        )


def plainly_broken(method: Method) -> Finding | None:
    """Restore one easy frame; where that fails, every check would fail for the same cause."""
    from bench.measure.conformance.method import frame
    from bench.measure.conformance.network import EASY

    try:
        method.restore(frame(*EASY))
    except Violation as violation:
        return Finding(SIZES, "failed", violation.problem, violation.remedy)
    except (Exception, SystemExit):  # noqa: BLE001 -- the checks say what it is
        return None
    return None


def _after(broken: Finding, check: str) -> Finding:
    return broken if check == broken.check else Finding(check, "skipped", "it restores no frame: see sizes")


def build(name: str, weights: str, channel: IO[str]) -> Method | None:
    """Build the method and say what came of it; None if it cannot be built."""
    from bench.measure.conformance.method import CALLED, Method

    try:
        method = Method.build(name, weights)
    except Violation as violation:
        _send(channel, Finding("build", "failed", violation.problem, violation.remedy))
    except InputError as error:
        channel.write(json.dumps({"unusable": str(error)}) + "\n")
        channel.flush()
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- a factory may raise anything
        remedy = f"the factory must take no argument and return the method; {CALLED}"
        _send(channel, Finding("build", "failed", f"its factory fails with {_said(error)}", remedy))
    else:
        seen = {"network": "a network", "denoiser": "a denoiser", "classical": "a classical method"}[
            method.kind
        ]
        parameters = getattr(method.inner, "parameters", None)
        if callable(parameters):
            seen += f", {sum(one.numel() for one in parameters()):,} parameters"
        _send(channel, Finding("build", "passed", seen))
        return method
    return None


def _said(error: BaseException) -> str:
    from bench.measure.conformance.method import brief

    return cause(error) if isinstance(error, SystemExit | SyntaxError) else brief(error)


def _take_standard_output() -> IO[str]:
    """Keep standard output for findings and give the method the log instead."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(answers, "w", encoding="utf-8")


def _send(channel: IO[str], finding: Finding) -> None:
    channel.write(json.dumps(asdict(finding)) + "\n")
    channel.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
