"""The command line `llbench`: one module per verb, imported only when that verb runs.

Exit status: 0 done; 1 done, and a cell failed, a gate fell or a claim is not reproduced where that was asked;
2 wrong usage or unusable input (one line on standard error); 130 interrupted.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

import click
from click.exceptions import NoArgsIsHelpError

from bench.machine.hosting import plain_streams
from llpacknet import __version__
from llpacknet.errors import InputError, cause, one_line

# Set in the environment, it lets an exception that nobody foresaw show its traceback.
TRACEBACK = "LLBENCH_TRACEBACK"
VERBS = {
    "reproduce": "make the data if none is given, measure everything, write tables, figures and verdicts",
    "data": "make, redark, index and verify data sets in SID's layout",
    "run": "measure the cells that models and measurements span",
    "score": "score pictures that were made elsewhere",
    "restore": "restore dark raw photographs",
    "train": "train a network",
    "weights": "bring published checkpoints in, and networks out as ONNX",
    "fetch": "get LPIPS's backbone, hash-checked",
    "roofline": "how near each form comes to what the processor allows, and where the rest goes",
    "report": "tables, figures and the report of a results folder",
    "export": "results for pytest-benchmark, pandas and spreadsheets",
    "claims": "verdicts on the paper's claims from a results folder",
    "compare": "compare two results folders, cell by cell",
    "recheck": "measure a sample of somebody's results again, and say which agree",
    "gate": "the speed gate for continuous integration",
    "models": "what is registered, with licences, sizes and weights",
    "env": "what this machine is",
    "cache": "where caches lie and how large they are",
}


class _Verbs(click.Group):
    """Finds the verb's module by its name: `bench.cli.<verb>` with a click command called `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [verb for verb in VERBS if importlib.util.find_spec(f"bench.cli.{verb}") is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"bench.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        _name_variables(command, f"LLBENCH_{cmd_name}")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        verbs = [(verb, VERBS[verb]) for verb in self.list_commands(ctx)]
        if verbs:
            with formatter.section("Verbs"):
                formatter.write_dl(verbs)


def _name_variables(command: click.Command, prefix: str) -> None:
    """Let every option of a verb be set by an environment variable: LLBENCH_VERB_OPTION."""
    for option in command.params:
        if isinstance(option, click.Option):
            longest = max(option.opts, key=len).lstrip("-")
            option.envvar = f"{prefix}_{longest}".replace("-", "_").upper()
    if isinstance(command, click.Group):
        for name, sub in command.commands.items():
            _name_variables(sub, f"{prefix}_{name}")


@click.command(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with 'llbench reproduce --tier smoke --out smoke', or 'llbench restore night.ARW -o "
    "night.png'. An option that is not given is looked for in the environment: LLBENCH_RUN_THREADS=1 stands "
    "for 'llbench run --threads 1', LLBENCH_DATA_MAKE_SIZE=356x532 for 'llbench data make --size 356x532'.",
)
@click.version_option(__version__)
def llbench() -> None:
    """Benchmark and reproducibility suite for restoring extremely dark raw photographs."""


def main(arguments: list[str] | None = None) -> int:  # noqa: PLR0911 -- a status for each kind of end
    """Run the command line and return its exit status; bad input becomes one line on standard error."""
    plain_streams()
    try:
        status = llbench.main(args=arguments, prog_name="llbench", standalone_mode=False)
    except NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "llbench"
        print(f"llbench: {one_line(error.format_message())} (see '{where} --help')", file=sys.stderr)
        return 2
    except (InputError, click.ClickException) as error:
        print(f"llbench: {one_line(str(error))}", file=sys.stderr)
        return 2
    except OSError as error:  # a folder that may not be read, a full disk: no message of our own names it
        print(f"llbench: {one_line(str(error))}: check the name, permissions and free space", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, click.Abort):
        print("llbench: interrupted; everything finished so far is kept", file=sys.stderr)
        return 130
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        said = f"{one_line(cause(error))}: this was not foreseen; {TRACEBACK}=1 shows where it happened"
        print(f"llbench: {said}", file=sys.stderr)
        return 2
    return status if isinstance(status, int) else 0
