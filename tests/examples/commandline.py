"""Command lines as the parser of their verb takes them, without running anything."""

import copy
import re
import shlex
from itertools import takewhile

import click

from bench.cli import llbench
from bench.cli.options import weights_files
from llpacknet.errors import InputError

ASSIGNMENT = re.compile(r"[A-Z_]+=")
# Where the shell's next word begins something else.
OPERATORS = {"|", ">", ">>", "&", "&&", ";"}


def verbs(command=llbench, path=("llbench",), parent=None):
    """Every command with its path, groups before their own."""
    context = click.Context(command, info_name=path[-1], parent=parent)
    yield " ".join(path), command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from verbs(command.get_command(context, name), (*path, name), context)


VERBS = {path: (command, context) for path, command, context in verbs()}


def parse(line, *, whole=True):
    """Let the command of a line's verb take its words: names, types, choices, and if whole what is required.

    Which files there are is no matter of the line, so what looks for them is left out.
    """
    words = list(takewhile(lambda word: word not in OPERATORS, shlex.split(line, comments=True)))
    while ASSIGNMENT.match(words[0]):
        del words[0]
    assert words.pop(0) == "llbench", line
    command, context = VERBS["llbench"]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        sub = command.get_command(context, words[0])
        assert sub is not None, f"no verb {words[0]!r} in: {line}"
        context, command = click.Context(sub, info_name=words.pop(0), parent=context), sub
    try:
        _without_files(command).make_context(context.info_name, words, parent=context.parent)
    except (click.exceptions.Exit, click.exceptions.NoArgsIsHelpError):  # --help, or nothing at all
        pass
    except click.MissingParameter as error:
        if whole:
            raise AssertionError(f"{error.format_message()} in: {line}") from error
    except click.UsageError as error:
        raise AssertionError(f"{error.format_message()} in: {line}") from error
    except InputError:
        pass


def _without_files(command):
    command = copy.copy(command)
    command.params = [copy.copy(one) for one in command.params]
    for one in command.params:
        if one.callback is weights_files:
            one.callback = None
    return command
