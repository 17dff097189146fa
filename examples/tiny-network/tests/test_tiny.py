"""The network keeps to llbench's calling convention."""

from bench.measure.conformance import runner


def test_every_check_passes() -> None:
    findings = list(runner.check("tiny"))
    assert [finding for finding in findings if finding.result == "failed"] == []
    assert {finding.check for finding in findings} == set(runner.CHECKS)
