"""The command line `llbench`: one module per verb, imported only when that verb runs.

Exit status: 0 done; 1 finished, but a cell or the gate failed, or a claim was contradicted and --strict was
given; 2 wrong usage or unusable input (one line on standard error); 130 interrupted.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from difflib import get_close_matches

import click
from click.exceptions import NoArgsIsHelpError

from bench.machine.hosting import plain_streams
from llpacknet import __version__
from llpacknet.errors import InputError, cause, one_line

# When set in the environment, an unexpected exception shows its traceback.
TRACEBACK = "LLBENCH_TRACEBACK"
VERBS = {
    "reproduce": "create data if none is given, measure everything, write tables, figures and verdicts",
    "data": "create, index, verify and calibrate data sets in SID's layout",
    "run": "measure chosen models, runtimes and precisions",
    "score": "score images that another program restored",
    "restore": "restore dark raw photographs",
    "train": "train a network",
    "weights": "import published checkpoints, export networks as ONNX or TorchScript",
    "fetch": "download LPIPS's backbone and check its hash",
    "roofline": "how close each network comes to the processor's peak, and where the rest of the time goes",
    "report": "write tables, figures and the report of a results folder",
    "export": "write results for pytest-benchmark, pandas or a spreadsheet",
    "claims": "print verdicts on the published claims",
    "compare": "compare two results folders, cell by cell",
    "recheck": "measure a sample of someone else's results again and report which agree",
    "gate": "compare two revisions; a gate for continuous integration",
    "models": "list the registered methods with licences, sizes and weights",
    "env": "describe this machine",
    "cache": "show where caches are and how large they are",
}


class _Verbs(click.Group):
    """Find the verb's module by its name: `bench.cli.<verb>` with a click command called `command`."""

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
    epilog="Start with 'llbench reproduce --tier smoke --out smoke', or 'llbench restore night.ARW -o "
    "night.png'. Every option can also be set by an environment variable: LLBENCH_RUN_THREADS=1 stands "
    "for 'llbench run --threads 1', LLBENCH_DATA_MAKE_SIZE=356x532 for 'llbench data make --size 356x532'.",
)
@click.version_option(__version__)
def llbench() -> None:
    """Benchmark and reproducibility suite for restoring extremely dark raw photographs."""


def _without_far_fetched(error: click.UsageError) -> click.UsageError:
    """Suggest for an unknown option those alone that resemble it without the dashes too."""
    if not isinstance(error, click.NoSuchOption):
        return error
    near = [
        one
        for one in error.possibilities or ()
        if get_close_matches(error.option_name.lstrip("-"), [one.lstrip("-")])
    ]
    return click.NoSuchOption(error.option_name, error.message, near, error.ctx)


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
        said = one_line(_without_far_fetched(error).format_message())
        print(f"llbench: {said} (see '{where} --help')", file=sys.stderr)
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
        said = f"{one_line(cause(error))}: unexpected error; set {TRACEBACK}=1 to see the traceback"
        print(f"llbench: {said}", file=sys.stderr)
        return 2
    return status if isinstance(status, int) else 0
