"""Who may import whom: the rooms of the project, checked on the code's own imports."""

import ast
import importlib.util
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


def drawing():
    """The script that draws the rooms for the documentation."""
    found = importlib.util.spec_from_file_location("rooms", ROOT / "docs" / "rooms.py")
    module = importlib.util.module_from_spec(found)
    sys.modules["rooms"] = module
    found.loader.exec_module(module)
    return module


DRAWN = drawing()
LEVELS = {room.name: room.level for room in DRAWN.ROOMS}


def room_of(module):
    """The room of a module: the longest of the prefixes that the drawing names; None for "bench" alone."""
    prefixes = {prefix: room.name for room in DRAWN.ROOMS for prefix in room.modules}
    name = module
    while name not in prefixes and "." in name:
        name = name.rpartition(".")[0]
    return None if name == "bench" != module else prefixes.get(name)


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
        (
            "bench.judge",
            ["bench.gate", "bench.measure", "bench.worker", "bench.manager", "bench.subjects", "torch"],
        ),
        (
            "bench.show",
            ["bench.gate", "bench.measure", "bench.worker", "bench.manager", "bench.subjects", "torch"],
        ),
        ("bench.measure", ["bench.gate", "bench.judge", "bench.show"]),
        ("bench.gate", ["bench.judge", "bench.show"]),
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
        "bench.cli.gate",
        "bench.cli.models",
        "bench.conformance.runner",
        "bench.show.report",
    ],
)
def test_the_manager_and_the_report_start_without_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def edges():
    """Pairs of rooms of which the first imports the second, with the imports as evidence."""
    found = {}
    for module, file in MODULES.items():
        for name in imports(file):
            target = name
            while target and target not in MODULES:
                target = target.rpartition(".")[0]
            if target and room_of(module) != room_of(target):
                found.setdefault((room_of(module), room_of(target)), set()).add(f"{module} imports {target}")
    return found


EDGES = edges()


def test_every_module_has_a_room_in_the_drawing():
    assert [module for module in MODULES if room_of(module) is None] == []
    prefixes = [prefix for room in DRAWN.ROOMS for prefix in room.modules]
    assert [prefix for prefix in prefixes if prefix not in MODULES] == []


def test_no_room_imports_one_on_its_level_or_above():
    upwards = set().union(*(why for (a, b), why in EDGES.items() if LEVELS[b] >= LEVELS[a]))
    # `restore` takes a registered name too and looks it up when it is called.
    assert upwards <= {"llpacknet.restoring imports baselines.registry"}


@pytest.mark.parametrize("way", DRAWN.WAYS, ids=lambda way: f"{way.source}-{way.target}")
def test_an_arrow_of_the_drawing_is_true_of_the_code(way):
    joined = {(way.source, way.target), (way.target, way.source)} & set(EDGES)
    if way.by == "call":
        assert joined
    if way.apart:
        assert not joined


def test_the_drawing_is_what_its_script_draws():
    assert DRAWN.FILE.read_text(encoding="utf-8") == DRAWN.draw(), "run: python docs/rooms.py"


def reached(room):
    """Every module that a room's modules lead to by imports, with the one that leads there."""
    found = {module: module for module in MODULES if module == room or module.startswith(f"{room}.")}
    left = list(found)
    while left:
        module = left.pop()
        for name in imports(MODULES[module]):
            target = name
            while target and target not in MODULES:
                target = target.rpartition(".")[0]
            if target and target not in found:
                found[target] = module
                left.append(target)
    return found


@pytest.mark.parametrize(
    ("room", "away_from"),
    [
        ("bench.measure", "bench.judge"),
        ("bench.judge", "bench.measure"),
        ("llpacknet.network", "bench"),
        ("baselines", "bench"),
    ],
)
def test_no_way_leads_from_one_room_to_the_other(room, away_from):
    ways = reached(room)
    assert {one: ways[one] for one in ways if one == away_from or one.startswith(f"{away_from}.")} == {}
