"""The command `diagnose`, whose target may be a script with arguments of its own."""

import os
import sys
from contextlib import nullcontext, redirect_stdout
from itertools import islice
from pathlib import Path

import click

from mode import checks
from mode.cli.options import allow_unsafe_option, json_option


def _is_script(target: str) -> bool:
    """Tell whether TARGET is run: it is neither a saved model nor the log of a training."""
    return not (target.endswith((".keras", ".csv", ".tsv", ".json")) or os.path.isdir(target))


class ScriptCommand(click.Command):
    """A command whose options stand before or after TARGET; all other words after a script's name,
    and everything after "--", belong to the script."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = {name: param for param in self.params for name in param.opts if name[0] == "-"}
        options: list[str] = []
        others: list[str] = []
        remaining = iter(args)
        for argument in remaining:
            name, equals, _ = argument.partition("=")
            if argument == "--":
                others.extend(remaining)
            elif name in named:
                takes_value = not (getattr(named[name], "is_flag", False) or equals)
                options += [argument, *islice(remaining, takes_value)]
            else:
                (others if others or not argument.startswith("-") else options).append(argument)
        ctx.allow_interspersed_args = not (others and _is_script(others[0]))
        return super().parse_args(ctx, [*options, *others])


@click.command(
    cls=ScriptCommand, short_help="Explain why training fails: a script, a model or a log."
)
@click.argument("target")
@click.argument("rest", nargs=-1, type=click.UNPROCESSED)
@click.option("--watch-only", is_flag=True, help="Never stop the training, even if it is hopeless.")
@click.option("--strict", is_flag=True, help="Run a Keras 2 script as it is, not translated.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    default=None,
    help="End each fit after so many seconds.",
)
@allow_unsafe_option
@click.option("--repair", is_flag=True, help="Repair the first fit with findings; print a diff.")
@json_option("findings")
@click.option("--out", default=None, metavar="DIR", help="Write report.html into this folder.")
def diagnose(target: str, rest: tuple[str, ...], as_json: bool, out: str | None, **options) -> None:
    """Run TARGET.py and diagnose every fit, check TARGET.keras against the data in REST (an .npz),
    or read the log of a finished training run.

    A log is a CSVLogger file (.csv), a history dictionary (.json) or a folder of TensorBoard
    events. REST holds a script's own arguments; put -- before them if one has the name of an option
    below.
    Findings with a place in the script are repeated as lines "file:line: message".
    Exit code 0: nothing was found, 1: there are findings, 2: the target could not run.

    --repair tries the named fixes, each by a short training from new weights, and prints the
    changed lines as a unified diff; with --out, it also writes them to DIR/repair.diff. TARGET.py
    is not changed.

    \b
    --json prints one object on standard output; everything else goes to standard error:
      version (1), target, exit_code,
      reports [{worst, stopped, outcome {level, gain, skill}, seconds_to_first,
        findings [{symptom, severity, text,
        where {phase, layer, variable}, when {epoch, step},
        evidence [{quantity, value, limit}], causes [{code, weight, why}],
        fixes [{code, text, line}], line}]}]
      repair {reached, before, skill, seconds, changes, diff, unplaced} where one was made.
    Each fit, model or log has one report; line is the line in TARGET.py or null.
    """
    _refuse_other_options(target, rest, **options)
    if out is not None and os.path.exists(out) and not os.path.isdir(out):
        checks.fail("--out must name a folder", f"the file {out}")
    from mode.stderr import quietly

    with quietly():
        from mode.diagnosis.command import diagnose_target

    repaired: list = []
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        code, reports = diagnose_target(target, rest, **options, show=click.echo, repaired=repaired)
    from mode.diagnosis import output

    if out is not None:
        click.echo(f"report: {output.write_page(out, target, reports)}", err=as_json)
        for done in repaired:
            Path(out, "repair.diff").write_text(done.diff, encoding="utf-8")
    if as_json:
        repair = repaired[0].to_dict() if repaired else None
        click.echo(output.to_json(target, reports, code, repair))
    sys.exit(code)


def _refuse_other_options(
    target: str, rest: tuple, watch_only: bool, strict: bool, seconds: float | None,
    allow_unsafe: bool, repair: bool,
) -> None:  # fmt: skip
    model = target.endswith(".keras")
    if model and len(rest) > 1:
        checks.fail("TARGET.keras must be followed by one DATA.npz at most", " ".join(rest))
    options = (("--watch-only", watch_only), ("--strict", strict), ("--repair", repair),
               ("--seconds", seconds))  # fmt: skip
    for option, is_set in options:
        if is_set and not _is_script(target):
            checks.fail(f"{option} must come with a script, which trains", target)
    if allow_unsafe and not model:
        checks.fail("--allow-unsafe must come with TARGET.keras", target)
    if rest and not (model or _is_script(target)):
        checks.fail("the log of a training must stand alone", " ".join((target, *rest)),
                    "Name one log at a time.")  # fmt: skip
