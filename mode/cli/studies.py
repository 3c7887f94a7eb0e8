"""Commands of studies and notebooks: `list`, `reproduce`, `figures` and `execute`."""

import sys

import click

from mode.cli.options import out_option


@click.command("list", short_help="List studies, data sets, metrics, recipes and more.")
def list_names() -> None:
    """List studies, notebooks, data sets, models, metrics, selectors and figures."""
    from mode.stderr import quietly

    with quietly():
        from mode.studies.output import names

        sections = names()
    for title, lines in sections.items():
        click.echo(f"{title}\n" + "\n".join(f"  {line}" for line in lines) + "\n")


@click.command(short_help="Run a study; write its tables and figures.")
@click.option("--study", default="publication", show_default=True, help="Which study.")
@click.option("--data", default="digits", show_default=True, help="A data set, or an .npz path.")
@click.option("--data-dir", default=None, help="Folder with mnist.npz, cifar10.npz, ...")
@click.option("--seeds", default=5, show_default=True, help="How many seeds.")
@click.option("--protocol", default="both", show_default=True, help="published, corrected, both.")
@click.option("--workers", default=None, type=int, help="Local processes; by default one per core.")
@click.option("--scheduler", default=None, help="Address of a running Dask scheduler.")
@click.option(
    "-p", "parameter", nargs=2, multiple=True, metavar="NAME VALUE",
    help="A parameter of the notebook; may be repeated.",
)  # fmt: skip
@out_option()
def reproduce(study: str, out: str, parameter: tuple, **options) -> None:
    """Run a study (by default the published experiment) and write its tables and figures."""
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


@click.command(short_help="Write tables and figures from committed rows.")
@click.argument("study", nargs=-1)
@out_option("results")
def figures(study: tuple[str, ...], out: str) -> None:
    """Write the tables and figures of each STUDY (all by default) from its rows, in seconds."""
    from mode.studies import draw, tabulate, tabulated

    for folder in tabulated(out, study):
        for name in tabulate(out, folder):
            click.echo(f"table {folder}/{name}")
        for path in draw(out, folder):
            click.echo(f"figure {path}")


@click.command(short_help="Execute the notebooks.")
@click.argument("notebook", nargs=-1)
@click.option("--small", is_flag=True, help="Use small parameters, to check that they run.")
@out_option("results/executed", "the executed notebooks")
def execute(notebook: tuple[str, ...], out: str, small: bool) -> None:
    """Execute NOTEBOOKs (all by default) and keep the executed copies."""
    from mode import notebooks
    from mode.studies import execution

    run = execution.execute_small if small else execution.execute_whole
    for name in notebook or notebooks.names():
        click.echo(run(name, out))
