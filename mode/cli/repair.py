"""The command `repair`, and `explore`, which shows and repairs a model on a page."""

import sys
from contextlib import redirect_stdout

import click

from mode.cli.options import allow_unsafe_option, json_option, out_option, seed_option


@click.command(short_help="Repair a weak classifier with unused inputs.")
@click.argument("model")
@click.argument("data")
@click.option("--recipe", default=None, help="How to repair; `python -m mode list` names all.")
@click.option("--rounds", default=None, type=int, help="Maximum of rounds; else the recipe's.")
@click.option(
    "--inputs-per-round",
    default=None,
    type=int,
    help="Number of pool inputs per round; by default decided from the pool.",
)
@click.option(
    "--budget",
    default=None,
    type=int,
    help="Maximum number of pool inputs in all rounds, instead of --inputs-per-round.",
)
@click.option(
    "--minutes",
    default=None,
    type=float,
    help="End training after about this time; the result then depends on the machine's speed.",
)
@click.option("--label", default=None, help="Repair this class; by default the faulty ones.")
@click.option(
    "--max-broken",
    default=None,
    type=float,
    help="Return a model that breaks at most this share, 0 to 1, of the diagnosis inputs that the "
    "original gets right; no limit by default.",
)
@seed_option
@click.option("--pool", default=None, help="Instead of x_pool: .npy, .zarr, folder of images.")
@click.option("--pool-labels", default=None, help="An .npy file of labels, -1 where unknown.")
@click.option("--scheduler", default=None, help="Dask scheduler whose workers read the pool.")
@click.option(
    "--label-budget",
    default=None,
    type=int,
    help="For a pool without labels: write this number of indices worth labeling to to_label.csv.",
)
@click.option("--resume", is_flag=True, help="Continue from the finished rounds in DIR/rounds.")
@allow_unsafe_option
@click.option("--report/--no-report", default=True, help="Write report.html; takes half a minute.")
@json_option("facts")
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
    For a pool without labels: to_label, files. Accuracies are shares, 0 to 1, on
    the test split; kept_round 0 is the original model.
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


@click.command(short_help="Look at a classifier on a local page.")
@click.argument("model", default="")
@click.argument("data", default="")
@click.option("--port", default=None, type=int, help="Port; by default any free one.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@allow_unsafe_option
@out_option("out/explore", "the page and the repaired model")
def explore(model: str, data: str, no_browser: bool, **options) -> None:
    """Look at MODEL.keras with DATA, or at a faulty digit model, on a page of this machine.

    Needs the extra `app`: python -m pip install '.[app]'
    """
    from mode.explore.server import serve

    serve(model, data, browser=not no_browser, show=click.echo, **options)
