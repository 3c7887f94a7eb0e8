"""Commands that assess a model without data or labels: `estimate` and `visualize`."""

import sys
from contextlib import redirect_stdout

import click

from mode.cli.options import allow_unsafe_option, json_option, out_option, seed_option


@click.command(short_help="Estimate accuracy on inputs without labels.")
@click.argument("model")
@click.argument("labeled")
@click.argument("unlabeled")
@click.option(
    "--method",
    default=None,
    help="Use only this method, such as cot or atc_entropy; by default all.",
)
@click.option("--second", default=None, help="A .keras file of another training run, for gde.")
@seed_option
@click.option("--scheduler", default=None, help="Dask scheduler whose workers read UNLABELED.")
@allow_unsafe_option
@json_option("estimate")
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


@click.command(short_help="Audit a digit or clothing classifier without its data.")
@click.argument("model")
@click.option("--prior", default="digits", show_default=True, help="digits, fashion or a folder.")
@click.option("--images", default=None, help="An .npz with x_train, to show the nearest image.")
@seed_option
@allow_unsafe_option
@click.option("--unit", multiple=True, help="A unit to show, layer:3; may be repeated.")
@click.option(
    "--group", multiple=True, help="Units together, layer:1,4,9, weighted layer:1=2,4=0.5."
)
@out_option(what="report.html, pictures, scores.csv and classes.csv")
def visualize(model: str, prior: str, out: str, unit, group, **options) -> None:
    """Audit a saved classifier without its data: report.html, pictures, scores.csv, classes.csv."""
    from mode.stderr import quietly

    with quietly():
        from mode.featurevis import visualize as run

    result = run(model, prior, out, units=(*unit, *group), **options)
    click.echo(str(result))
    click.echo(f"report: {out}/report.html")
