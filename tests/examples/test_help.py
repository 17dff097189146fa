"""Every verb explains itself: each option says what it is for, and each help ends in examples that parse."""

import re
import shlex

import click
import pytest

from bench.cli import llbench


def verbs(command=llbench, path=("llbench",), parent=None):
    """Every command with its path, groups before their own."""
    context = click.Context(command, info_name=path[-1], parent=parent)
    yield " ".join(path), command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from verbs(command.get_command(context, name), (*path, name), context)


VERBS = {path: (command, context) for path, command, context in verbs()}


def examples(path):
    """The lines of a help's last section."""
    command, context = VERBS[path]
    _, _, shown = command.get_help(context).partition("Examples:")
    return [line.strip() for line in re.findall(r"^  +(\S.*)$", shown, flags=re.MULTILINE)]


def parse(line):
    """Parse a command line as the command of its verb would, without running anything."""
    words = shlex.split(line, comments=True)
    command, context = VERBS["llbench"]
    while isinstance(command, click.Group) and len(words) > 1 and not words[1].startswith("-"):
        name = words[1]
        sub = command.get_command(context, name)
        assert sub is not None, f"no verb {name!r} in {line!r}"
        context, command, words = click.Context(sub, info_name=name, parent=context), sub, words[1:]
    rest = command.make_parser(context).parse_args(words[1:])[1]
    assert rest == [] or isinstance(command, click.Group), rest


@pytest.mark.parametrize("path", VERBS)
def test_every_option_says_what_it_is_for(path):
    options = [one for one in VERBS[path][0].params if isinstance(one, click.Option)]
    assert [one.opts for one in options if not one.help] == []


@pytest.mark.parametrize("path", [path for path in VERBS if path != "llbench"])
def test_every_verb_shows_examples_of_itself_that_parse(path):
    shown = examples(path)
    assert any(path in line for line in shown)
    for line in shown:
        words = shlex.split(line, comments=True)
        if "llbench" in words:
            parse(shlex.join(words[words.index("llbench") :]))
