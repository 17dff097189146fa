"""A user's own model, named as package.module:factory: refused where the name is wrong, else imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from difflib import get_close_matches
from pathlib import Path, PurePath
from typing import Any

from llpacknet.errors import UsageError

FORM = "give it as package.module:factory"


def check_name(name: str) -> None:
    """Refuse a name whose package cannot be found, without importing anything.

    Args:
        name: of any method; registered ones, without a colon, pass.

    Raises:
        InputError: a path, or a package that is neither in the current folder nor installed.

    """
    check_no_path(name)
    module, colon, _ = name.partition(":")
    if not colon:
        return
    package = module.partition(".")[0]
    if not package:
        raise UsageError(f"{name!r} does not name a module: {FORM}")
    here = Path.cwd() / package
    found = here.is_dir() or here.with_suffix(".py").is_file()
    if not found and (not package.isidentifier() or importlib.util.find_spec(package) is None):
        raise UsageError(_absent(name, package))


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
        near = get_close_matches(attribute, vars(found), 1)
        meant = f" (did you mean {near[0]!r}?)" if near else ""
        raise UsageError(
            f"the module {module!r} of the model {factory!r} has no factory {attribute!r}{meant}: {FORM}"
        )
    made = getattr(found, attribute)
    if not callable(made):
        raise UsageError(f"{factory!r} is not a factory: calling it must return the model")
    return made


def _absent(name: str, missing: str) -> str:
    return (
        f"cannot find the module {missing!r} of the model {name!r}: start in the folder that holds it, or "
        "install it"
    )
