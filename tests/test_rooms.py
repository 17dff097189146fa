"""Who may import whom: the rooms of the project, checked on the code's own imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("llpacknet", "baselines", "bench")


def modules():
    """Map the name of every module of the project to its file."""
    found = {}
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            parts = file.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()


def imports(file, *, at_import_time=False):
    """Names that a file imports; only those that importing it runs, if asked."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif at_import_time and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        elif at_import_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            nodes += node.orelse
            continue
        nodes += ast.iter_child_nodes(node)


def offences(room, forbidden):
    return [
        f"{module} imports {name}"
        for module, file in MODULES.items()
        if module == room or module.startswith(f"{room}.")
        for name in imports(file)
        if any(name == other or name.startswith(f"{other}.") for other in forbidden)
    ]


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("llpacknet", ["bench"]),
        ("baselines", ["bench"]),
        ("bench.judge", ["bench.measure", "bench.worker", "bench.manager", "bench.subjects", "torch"]),
        ("bench.show", ["bench.measure", "bench.worker", "bench.manager", "bench.subjects", "torch"]),
        ("bench.measure", ["bench.judge", "bench.show"]),
        ("bench.conformance", ["bench.judge", "bench.show", "bench.manager", "bench.data"]),
        ("bench.worker", ["bench.judge", "bench.show"]),
        ("bench.manager", ["bench.judge", "bench.show", "bench.measure"]),
        ("bench.data", ["bench.judge", "bench.show", "bench.measure", "bench.manager", "torch"]),
        ("bench.metrics", ["bench.data", "bench.judge", "bench.show", "bench.measure", "bench.manager"]),
        ("llpacknet.raw", ["torch", "baselines"]),
    ],
)
def test_a_room_does_not_reach_into(room, forbidden):
    assert offences(room, forbidden) == []


@pytest.mark.parametrize(
    "module",
    [
        "bench.manager",
        "bench.cli.reproduce",
        "bench.cli.run",
        "bench.cli.models",
        "bench.conformance.runner",
        "bench.show.report",
    ],
)
def test_the_manager_and_the_report_start_without_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
