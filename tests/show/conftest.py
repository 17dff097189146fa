"""Made-up results, golden files that one flag rewrites (`pytest tests/show --rewrite-golden`), and programs.

A test that needs a program is skipped where there is none, unless LLBENCH_TESTS_NEED names it (with commas
between), as continuous integration does: then it fails.
"""

import importlib.util
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write the golden files instead of comparing"
    )


def needed(name: str, found: str | None, what: str) -> str:
    """Return where a program or file was found; else skip the test, or fail where it is said to be needed."""
    if found is not None:
        return found
    if name in os.environ.get("LLBENCH_TESTS_NEED", "").split(","):
        pytest.fail(f"no {what} on this machine, and LLBENCH_TESTS_NEED names it")
    pytest.skip(f"no {what} on this machine")


@pytest.fixture(scope="session")
def browser() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    return needed("chromium", next(filter(None, map(shutil.which, names)), None), "Chromium")


@pytest.fixture(scope="session")
def pdflatex() -> str:
    return needed("pdflatex", shutil.which("pdflatex"), "LaTeX")


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's script: of a file that LLBENCH_AXE names, else of axe-core-python."""
    given = os.environ.get("LLBENCH_AXE")
    spec = importlib.util.find_spec("axe_core_python")
    places = [Path(given)] if given else [Path(place) / "axe.min.js" for place in _folders(spec)]
    found = next((str(place) for place in places if place.is_file()), None)
    return Path(needed("axe", found, "axe-core")).read_text(encoding="utf-8")


def _folders(spec: object) -> list[str]:
    return [] if spec is None else list(spec.submodule_search_locations or ())


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    path = Path(__file__).parent / "made_up.py"
    spec = importlib.util.spec_from_file_location("made_up", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compare a text with a golden file, or write it where `--rewrite-golden` was given."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--rewrite-golden", default=False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check
