"""A user's own model, named as package.module:factory: refused where the name is wrong, else imported."""

from __future__ import annotations

import importlib
import importlib.util
import symtable
import sys
from difflib import get_close_matches
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from llpacknet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

FORM = "give it as package.module:factory"
# What can define names that a module's source does not show at its top level.
MADE_AT_RUN_TIME = ("import *", "__getattr__", "globals(", "vars(", "exec(", "global ", "setattr(")


def check_name(name: str) -> None:
    """Refuse a name whose package cannot be found or whose factory is not in it, without importing anything.

    Args:
        name: of any method; registered ones, without a colon, pass.

    Raises:
        InputError: a path, a package that is neither in the current folder nor installed, or a module in
            whose source nothing of that name is defined.

    """
    check_no_path(name)
    module, colon, attribute = name.partition(":")
    if not colon:
        return
    package = module.partition(".")[0]
    if not package:
        raise UsageError(f"{name!r} does not name a module: {FORM}")
    here = Path.cwd() / package
    if not (here.is_dir() or here.with_suffix(".py").is_file()):
        found = importlib.util.find_spec(package) if package.isidentifier() else None
        if found is None:
            raise UsageError(_absent(name, package))
        if found.origin is None:
            return
        source = Path(found.origin)
        here = source.with_suffix("") if found.submodule_search_locations is None else source.parent
    defined = _defined(here.joinpath(*module.split(".")[1:]))
    if defined and attribute not in defined:
        raise UsageError(_without_factory(name, attribute, defined))


def check_no_path(name: str) -> None:
    """Refuse the path of a Python file, or a relative module; the message says what to give instead."""
    whole, colon, attribute = name.rpartition(":")
    path, factory = (whole, attribute) if colon else (name, "")
    where = PurePath(path.replace("\\", "/"))
    if where.suffix != ".py" and len(where.parts) < 2 and not (colon and path.strip(".") != path):
        return
    module = where.name.removesuffix(".py").strip(".")
    if not module:
        raise UsageError(f"{name!r} does not name a module: {FORM}")
    what = "" if factory else ", where FACTORY is its function that returns the network"
    folder = "its folder" if where.parent == PurePath() else f"the folder {where.parent}"
    raise UsageError(
        f"{name!r} is a path, not a module: start in {folder} and give {module}:{factory or 'FACTORY'}{what}"
    )


def imported(name: str, factory: str) -> Any:
    """Import a model's module and return its factory.

    Args:
        name: what the user gave: the factory itself, or the name of an entry point.
        factory: "package.module:factory".

    Raises:
        InputError: no such module, one that imports what is missing, or no such factory in it.

    """
    if name == factory:
        check_name(name)
        if str(Path.cwd()) not in sys.path:
            sys.path.append(str(Path.cwd()))  # a console script does not look there by itself
    module, _, attribute = factory.partition(":")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
            raise UsageError(_absent(factory, str(error.name))) from error
        raise UsageError(
            f"the module {module!r} of the model {factory!r} cannot be imported ({error}): install what it "
            "needs"
        ) from error
    if not attribute or not hasattr(found, attribute):
        raise UsageError(_without_factory(factory, attribute, vars(found)))
    made = getattr(found, attribute)
    if not callable(made):
        raise UsageError(f"{factory!r} is not a factory: calling it must return the model")
    return made


def _absent(name: str, missing: str) -> str:
    return (
        f"cannot find the module {missing!r} of the model {name!r}: start in the folder that holds it, or "
        "install it"
    )


def _without_factory(name: str, attribute: str, defined: Iterable[str]) -> str:
    near = get_close_matches(attribute, defined, 1)
    meant = f" (did you mean {near[0]!r}?)" if near else ""
    module = name.partition(":")[0]
    return f"the module {module!r} of the model {name!r} has no factory {attribute!r}{meant}: {FORM}"


def _defined(module: Path) -> set[str]:
    """Names that a module's source defines or imports; none where only running it would tell.

    Args:
        module: its file without the suffix, or the folder of a package.

    """
    files = (module / "__init__.py", module.with_name(f"{module.name}.py"))
    try:
        source = next(file for file in files if file.is_file()).read_text(encoding="utf-8")
        table = symtable.symtable(source, str(module), "exec")
    except (StopIteration, OSError, ValueError, SyntaxError):
        return set()
    if any(word in source for word in MADE_AT_RUN_TIME):
        return set()
    return {
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()
    }
