"""The pieces that take milliseconds, timed by pytest-benchmark and compared by ratio within the run.

    tox run -e benchmarks

Every group holds a test marked as its reference: the same work, or the like, done by a library.
What is printed at the end is each test's time over its reference's, from the fastest rounds of one run on one
machine; absolute times of two runs do not compare.
"""

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "reference: what the other tests of its group are compared with")


@pytest.fixture(autouse=True)
def _is_reference(request, benchmark):
    benchmark.extra_info["reference"] = request.node.get_closest_marker("reference") is not None


def pytest_terminal_summary(terminalreporter, config):
    session = getattr(config, "_benchmarksession", None)
    timed = [one for one in (session.benchmarks if session else []) if one.stats.rounds]
    references = {one.group: one.stats.min for one in timed if one.extra_info.get("reference")}
    if not references:
        return
    terminalreporter.section("ratios to the reference of the group, fastest round of each")
    for one in sorted(timed, key=lambda one: (one.group, one.name)):
        ratio = one.stats.min / references[one.group]
        terminalreporter.write_line(
            f"{one.group:12} {one.name:36} {1000 * one.stats.min:9.3f} ms {ratio:8.2f}"
        )
