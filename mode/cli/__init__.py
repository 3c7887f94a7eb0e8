"""The command line: parse, delegate, show progress. `python -m mode --help`."""

import os
import sys

import click

from mode import __version__, checks
from mode.cli import diagnose, estimation, repair, studies

# What `python -m mode --help` lists, in this order.
COMMANDS = (
    repair.repair,
    diagnose.diagnose,
    estimation.estimate,
    estimation.visualize,
    repair.explore,
    studies.reproduce,
    studies.figures,
    studies.execute,
    studies.list_names,
)


class Commands(click.Group):
    """Commands whose bad input is one line on standard error and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except checks.InputError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(2)
        except click.UsageError as error:
            click.echo(f"Error: {error.format_message()}", err=True)
            sys.exit(2)


@click.group(
    cls=Commands, commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="mode")
def main() -> None:
    """Repair a weak Keras classifier, explain why training fails, and estimate accuracy on data
    without labels. `python -m mode COMMAND --help` describes a command."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
