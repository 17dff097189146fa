"""Options that several verbs share, and how their values are parsed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

import baselines
from baselines.own import check_name, check_no_path
from baselines.registry import named
from bench.cli.completing import methods
from bench.cli.size import Size
from bench.run.request import Request
from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.data.folder.pairs import Dataset

Command = TypeVar("Command", bound="Callable[..., object]")


def names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Split a comma-separated list."""
    return tuple(dict.fromkeys(part.strip() for part in (value or "").split(",") if part.strip()))


def some_of(known: tuple[str, ...], given: tuple[str, ...], option: str) -> tuple[str, ...]:
    """Return the values given for an option, after checking that all are known.

    Raises:
        InputError: for an unknown name; the message lists the known ones.
    """
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InputError(f"{option} {unknown[0]!r}: choose from {', '.join(known)}")
    return given


def weights_files(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    """Parse NAME=FILE, which may be repeated."""
    files = {}
    for value in values:
        name, sign, file = value.partition("=")
        if not sign or not name:
            raise click.BadParameter(
                f"{value!r} is not of the form NAME=FILE: say which method it is for, as in "
                f"llpacknet={value.lstrip('=')}"
            )
        baselines.spec(name)
        check_name(name)
        path = _at_home(file)
        if not path.is_file():
            raise InputError(
                f"no weights file {file} (for {name}): train it, or convert a checkpoint with 'llbench "
                "weights import'"
            )
        files[name] = path.absolute()  # workers on a cluster stand elsewhere
    return files


def _at_home(file: str) -> Path:
    """Expand a leading ~, which shells do not do after an equals sign."""
    try:
        return Path(file).expanduser()
    except RuntimeError:  # a user without a home
        return Path(file)


def request_options(*fields: str, **changes: dict[str, Any]) -> Callable[[Command], Command]:
    """Add the options of some fields of a `Request`; their values arrive under the fields' names.

    Args:
        fields: names of fields, in the order in which `--help` shows them.
        changes: by field, what this verb passes to click instead.
    """
    known = {one.name: one for one in dataclasses.fields(Request)}

    def add(command: Command) -> Command:
        for name in reversed(fields):
            command = _option(known[name], changes.get(name, {}))(command)
        return command

    return add


def _option(field: dataclasses.Field[Any], changes: dict[str, Any]) -> Callable[[Command], Command]:
    said = dict(field.metadata)
    flag, kind = said.pop("flag"), said.pop("kind")
    if kind == "weights":
        return weights_option
    choices = said.pop("choices", None)
    kinds: dict[str, dict[str, Any]] = {
        "models": {"callback": names, "shell_complete": methods},
        "names": {"callback": names},
        "choice": {"type": click.Choice(choices or ())},
        "size": {"type": Size()},
        "count": {"type": click.IntRange(1)},
        "number": {"type": click.IntRange(0)},
        "flag": {"is_flag": True},
        "dataset": {"callback": indexed},
    }
    default = field.default
    if isinstance(default, tuple):
        default = ",".join(default) or None
    shown = default is not None and kind != "flag"
    return click.option(
        flag, field.name, **{"default": default, "show_default": shown, **kinds[kind], **said, **changes}
    )


def indexed(_: click.Context, __: click.Parameter, folder: str | None) -> Dataset | None:
    """Index a data set and report which of its files are skipped."""
    if folder is None:
        return None
    from bench.data.folder.index import index  # reads raw files, which takes its time to load

    pairs = index(folder)
    for problem in pairs.problems:
        click.echo(f"skipped: {problem}", err=True)
    return pairs


def results_options(command: Command) -> Command:
    """Add the options of every verb that measures: `--resume` and `--json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON."),
        click.option("--resume", is_flag=True, help="Resume a run in a folder that already holds results."),
    ):
        command = option(command)
    return command


def weights_option(command: Command) -> Command:
    """Add `--weights NAME=FILE`, which gives `weights`: a file by name."""
    return click.option(
        "--weights",
        callback=weights_files,
        multiple=True,
        metavar="NAME=FILE",
        help="Weights file to use for a method instead of the shipped weights; may be repeated.",
    )(command)


def only_free_option(command: Command) -> Command:
    """Add `--only-free`, which gives `only_free`."""
    return click.option("--only-free", is_flag=True, help="Skip methods with restrictive licences.")(command)


def chosen_models(models: tuple[str, ...], *, only_free: bool) -> tuple[str, ...]:
    """Expand 'all' and 'field' to names; drop restrictively licensed methods if asked to."""
    everything = tuple(dict.fromkeys(name for word in models for name in named(word)))
    for name in everything:
        check_no_path(name)
    kept = tuple(name for name in everything if not (only_free and baselines.spec(name).restricted))
    if not kept:
        raise InputError("no model is left: choose others with --models, or drop --only-free")
    left_out = [name for name in everything if name not in kept]
    if left_out:
        click.echo(f"note: --only-free skips {', '.join(left_out)}", err=True)
    return kept
