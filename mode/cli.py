"""The command line: parse, delegate, show progress. `python -m mode --help`."""

import os
import sys
from contextlib import nullcontext, redirect_stdout
from itertools import islice
from pathlib import Path

import click

from mode import __version__, checks

# What `python -m mode --help` lists, in this order.
BRIEF = {
    "repair": "Repair a weak classifier with unused inputs.",
    "diagnose": "Say why a training fails: a script, a model or a log.",
    "estimate": "Estimate accuracy on inputs without labels.",
    "visualize": "Audit a digit or clothing classifier without its data.",
    "explore": "Look at a classifier on a local page.",
    "reproduce": "Run a study, then its tables and figures.",
    "figures": "Redo tables and figures from committed rows.",
    "execute": "Execute the notebooks.",
    "list": "List studies, data sets, metrics, recipes and more.",
}


class Commands(click.Group):
    """Commands whose bad input is one line on standard error and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(BRIEF)

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except checks.InputError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(2)
        except click.UsageError as error:
            click.echo(f"Error: {error.format_message()}", err=True)
            sys.exit(2)


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


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mode")
def main() -> None:
    """Repair a weak Keras classifier, explain a training that fails, and estimate accuracy on data
    without labels. `python -m mode COMMAND --help` describes a command."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _out(default: str = "out", what: str = "runs, tables and figures"):
    return click.option(
        "--out", default=default, show_default=True, metavar="DIR", help=f"Folder for {what}."
    )


@main.command("list")
def list_names() -> None:
    """List studies, notebooks, data sets, models, metrics, selectors and figures."""
    from mode.stderr import quietly

    with quietly():
        from mode.studies.output import names

        sections = names()
    for title, lines in sections.items():
        click.echo(f"{title}\n" + "\n".join(f"  {line}" for line in lines) + "\n")


@main.command()
@click.option("--study", default="publication", show_default=True, help="Which study.")
@click.option("--data", default="digits", show_default=True, help="A data set, or an .npz path.")
@click.option("--data-dir", default=None, help="Folder with mnist.npz, cifar10.npz, ...")
@click.option("--seeds", default=5, show_default=True, help="How many seeds.")
@click.option("--protocol", default="both", show_default=True, help="published, corrected, both.")
@click.option("--workers", default=None, type=int, help="Local processes; one a core by default.")
@click.option("--scheduler", default=None, help="Address of a running Dask scheduler.")
@click.option(
    "-p", "parameter", nargs=2, multiple=True, metavar="NAME VALUE",
    help="A parameter of the notebook; may be repeated.",
)  # fmt: skip
@_out()
def reproduce(study: str, out: str, parameter: tuple, **options) -> None:
    """Run a study (nine metrics, with and without layer selection), then its tables and figures."""
    from mode.studies import draw, run_study, tabulate
    from mode.studies.output import literal, study_bar, summary

    parameters = {name: literal(value) for name, value in parameter}
    with study_bar() as progress:
        outcome = run_study(study, out=out, parameters=parameters, progress=progress, **options)
    for run, error in outcome.failed.items():
        click.echo(f"FAILED {run}\n  {error.strip().splitlines()[-1]}", err=True)
    if outcome.done or outcome.skipped:
        tables = tabulate(out, outcome.folder, outcome.done + outcome.skipped)
        draw(out, outcome.folder)
        click.echo(summary(tables, out, outcome.folder))
    if outcome.failed:
        click.echo(f"{len(outcome.failed)} runs failed; their notebooks are marked.", err=True)
        sys.exit(1)


@main.command()
@click.argument("study", nargs=-1)
@_out("results")
def figures(study: tuple[str, ...], out: str) -> None:
    """Redo the tables and figures of each STUDY (all by default) from its rows, in seconds."""
    from mode.studies import draw, tabulate, tabulated

    for folder in tabulated(out, study):
        for name in tabulate(out, folder):
            click.echo(f"table {folder}/{name}")
        for path in draw(out, folder):
            click.echo(f"figure {path}")


@main.command()
@click.argument("notebook", nargs=-1)
@click.option("--small", is_flag=True, help="At the small parameters, to see that they run.")
@_out("results/executed", "the executed notebooks")
def execute(notebook: tuple[str, ...], out: str, small: bool) -> None:
    """Execute NOTEBOOKs (all by default) and keep the executed copies."""
    from mode import notebooks
    from mode.studies import execution

    run = execution.execute_small if small else execution.execute_whole
    for name in notebook or notebooks.names():
        click.echo(run(name, out))


@main.command()
@click.argument("model")
@click.argument("data")
@click.option("--recipe", default=None, help="How to repair; `python -m mode list` names all.")
@click.option("--rounds", default=None, type=int, help="At most so many rounds; else the recipe's.")
@click.option(
    "--inputs-per-round",
    default=None,
    type=int,
    help="Inputs of the pool that each round takes; else decided from the pool.",
)
@click.option(
    "--budget",
    default=None,
    type=int,
    help="At most so many inputs of the pool in all, instead of --inputs-per-round.",
)
@click.option(
    "--minutes",
    default=None,
    type=float,
    help="End training after about so long; the result then depends on the machine's speed.",
)
@click.option("--label", default=None, help="Repair this class; by default the faulty ones.")
@click.option(
    "--max-broken",
    default=None,
    type=float,
    help="Return a model that breaks at most this share, 0 to 1, of the diagnosis inputs that the "
    "original gets right; no limit by default.",
)
@click.option("--seed", default=0, show_default=True, help="Random seed.")
@click.option("--pool", default=None, help="Instead of x_pool: .npy, .zarr, folder of images.")
@click.option("--pool-labels", default=None, help="An .npy file of labels, -1 where unknown.")
@click.option("--scheduler", default=None, help="Dask scheduler whose workers read the pool.")
@click.option(
    "--label-budget",
    default=None,
    type=int,
    help="For a pool without labels: write so many indices worth labeling to to_label.csv.",
)
@click.option("--resume", is_flag=True, help="Go on from the finished rounds in DIR/rounds.")
@click.option("--allow-unsafe", is_flag=True, help="Run code that the model file holds (Lambda).")
@click.option("--report/--no-report", default=True, help="Write report.html, in half a minute.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as one JSON object.")
@click.option(
    "--out", required=True, metavar="DIR", help="Folder for the model, the report and the tables."
)
def repair(model: str, data: str, out: str, as_json: bool, **options) -> None:
    """Repair MODEL.keras with DATA: repaired.keras, report.html and tables in DIR.

    DATA is the name of a data set, a folder of images by class, or an .npz with any of x_train,
    y_train, x_pool, y_pool, x_diagnosis, y_diagnosis, x_test, y_test; missing splits are created
    with a fixed seed.

    \b
    --json prints one object on standard output, and the lines on standard error:
      summary, accuracy {before, after}, repaired, broken, kept_round, rounds,
      reason, held_out, classes_at_zero [{class, pool_inputs, suspects}],
      classes_worse [{class, before, after}], inputs_used, suspects,
      round_over_limit {round, diagnosis_accuracy, max_broken} or null,
      data_notes, notes, seconds, files
    Of a pool without labels: to_label, files. Accuracies are shares, 0 to 1, on
    the test part; kept_round 0 is the original model.
    """
    from mode.stderr import quietly

    with quietly():
        from mode.report.files import json_text
        from mode.report.output import share_bar
        from mode.report.workflow import repair_files

    def show(line: str) -> None:
        click.echo(line, err=True)

    try:
        # What a library prints meanwhile must not mix with the result.
        with (
            redirect_stdout(sys.stderr),
            share_bar(show, terminal=sys.stderr.isatty() and not as_json) as progress,
        ):
            done = repair_files(model, data, out=out, show=show, progress=progress, **options)
    except KeyboardInterrupt:
        show(f"Interrupted: finished rounds are in {out}/rounds; --resume goes on.")
        sys.exit(130)
    except OSError as error:
        rounds = f"Finished rounds are in {out}/rounds; --resume goes on."
        show(f"Error: {out} could not be written: {error}. {rounds}")
        sys.exit(1)
    click.echo("\n".join(done.lines), err=as_json)
    if as_json:
        click.echo(json_text(done.facts))


@main.command(cls=ScriptCommand)
@click.argument("target")
@click.argument("rest", nargs=-1, type=click.UNPROCESSED)
@click.option("--watch-only", is_flag=True, help="Never stop a hopeless training.")
@click.option("--strict", is_flag=True, help="Run a Keras 2 script as it is, not translated.")
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), default=None, help="End each fit then."
)
@click.option("--allow-unsafe", is_flag=True, help="Run code that the model file holds (Lambda).")
@click.option("--repair", is_flag=True, help="Repair the first fit with findings, as a diff.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
@click.option("--out", default=None, metavar="DIR", help="Write report.html into this folder.")
def diagnose(target: str, rest: tuple[str, ...], as_json: bool, out: str | None, **options) -> None:
    """Run TARGET.py with a diagnosis on every fit, check TARGET.keras against REST, an .npz, or
    read the log of a training that is over.

    A log is a CSVLogger file (.csv), a history dictionary (.json) or a folder of TensorBoard
    events. REST are a script's own arguments; where it has an option of the same name as one below,
    put -- before them.
    Findings with a place in the script are repeated as lines "file:line: message".
    Exit code 0: nothing found, 1: findings, 2: it could not run.

    --repair tries the fixes that are named, each by a short training from fresh weights, and
    prints the changed lines as a unified diff, with --out also into DIR/repair.diff. TARGET.py
    stays as it is.

    \b
    --json prints one object on standard output, everything else goes to standard error:
      version (1), target, exit_code,
      reports [{worst, stopped, outcome {level, gain, skill}, seconds_to_first,
        findings [{symptom, severity, text,
        where {phase, layer, variable}, when {epoch, step},
        evidence [{quantity, value, limit}], causes [{code, weight, why}],
        fixes [{code, text, line}], line}]}]
      repair {reached, before, skill, seconds, changes, diff, unplaced} where one was made.
    A report is of one fit, model or log; line is the line in TARGET.py or null.
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


@main.command()
@click.argument("model")
@click.option("--prior", default="digits", show_default=True, help="digits, fashion or a folder.")
@click.option("--images", default=None, help="An .npz with x_train, to show the nearest image.")
@click.option("--seed", default=0, show_default=True, help="Random seed.")
@click.option("--allow-unsafe", is_flag=True, help="Run code that the model file holds (Lambda).")
@click.option("--unit", multiple=True, help="A unit to show, layer:3; may be repeated.")
@click.option(
    "--group", multiple=True, help="Units together, layer:1,4,9, weighted layer:1=2,4=0.5."
)
@_out(what="report.html, pictures, scores.csv and classes.csv")
def visualize(model: str, prior: str, out: str, unit, group, **options) -> None:
    """Audit a saved classifier without its data: report.html, pictures, scores.csv, classes.csv."""
    from mode.stderr import quietly

    with quietly():
        from mode.featurevis import visualize as run

    result = run(model, prior, out, units=(*unit, *group), **options)
    click.echo(str(result))
    click.echo(f"report: {out}/report.html")


@main.command()
@click.argument("model", default="")
@click.argument("data", default="")
@click.option("--port", default=None, type=int, help="Any free one by default.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option("--allow-unsafe", is_flag=True, help="Run code that the model file holds (Lambda).")
@_out("out/explore", "the page and the repaired model")
def explore(model: str, data: str, no_browser: bool, **options) -> None:
    """Look at MODEL.keras with DATA, or at a faulty model on digits, as a page on this machine.

    Needs the extra `app`: python -m pip install '.[app]'
    """
    from mode.explore.server import serve

    serve(model, data, browser=not no_browser, show=click.echo, **options)


@main.command()
@click.argument("model")
@click.argument("labeled")
@click.argument("unlabeled")
@click.option(
    "--method",
    default=None,
    help="One method alone, such as cot or atc_entropy; else from all.",
)
@click.option("--second", default=None, help="A .keras file of another training, for gde.")
@click.option("--seed", default=0, show_default=True, help="Random seed.")
@click.option("--scheduler", default=None, help="Dask scheduler whose workers read UNLABELED.")
@click.option("--allow-unsafe", is_flag=True, help="Run code that the model file holds (Lambda).")
@click.option("--json", "as_json", is_flag=True, help="Print the estimate as one JSON object.")
@click.option("--out", required=True, metavar="DIR", help="Folder for report.html, estimate.json.")
def estimate(model: str, labeled: str, unlabeled: str, as_json: bool, out: str, **options) -> None:
    """Estimate the accuracy of MODEL.keras on UNLABELED inputs, from LABELED ones that it was not
    trained on.

    LABELED is an .npz (x and y, or x_test and y_test), a folder of images by class, or the name of
    a data set. UNLABELED is an .npz, an .npy file, a Zarr store or a folder of images.

    \b
    --json prints one object on standard output, and the lines on standard error:
      version (1), accuracy, interval [low, high], verdict, method,
      labeled_accuracy, inputs, shift {measure: value},
      estimates {method: accuracy}, by_class [{class, inputs, accuracy,
      labeled_accuracy, share, labeled_share}], reasons
    Accuracies and shares are 0 to 1; the verdict is "no shift found", "class
    shares differ", "shifted" or "cannot tell".
    """
    from mode.stderr import quietly

    with quietly():
        from mode.estimation import estimate_files
        from mode.estimation.report import to_json

    def show(line: str) -> None:
        click.echo(line, err=True)

    with redirect_stdout(sys.stderr):
        guess = estimate_files(model, labeled, unlabeled, out=out, show=show, **options)
    click.echo(str(guess), err=as_json)
    click.echo(f"report: {out}/report.html", err=as_json)
    if as_json:
        click.echo(to_json(guess))


for _name, _text in BRIEF.items():
    main.commands[_name].short_help = _text
