"""`python -m benchmarks [NAMES]`: measure, print the rows, keep them in results/benchmarks.csv."""

import os

import click

from benchmarks.suite import BENCHMARKS, keep, measure, shown
from mode import checks


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--out", default="results/benchmarks.csv", show_default=True, help="Table to write.")
@click.option(
    "--peer-rounds",
    default=5,
    show_default=True,
    help="Rounds of the naive repair to measure; fewer are scaled, and the row says so.",
)
def main(names: tuple[str, ...], out: str, peer_rounds: int) -> None:
    """Measure speed and memory as ratios: all benchmarks, or those with the given NAMES."""
    try:
        for name in names:
            checks.one_of("benchmark", name, BENCHMARKS)
        checks.number("peer-rounds", peer_rounds, 1, 5, integer=True)
    except checks.InputError as error:
        raise click.ClickException(str(error)) from error
    for name in names or BENCHMARKS:
        click.echo(f"measuring {name} ...", err=True)
        options = {"peer_rounds": peer_rounds} if name == "repair" else {}
        rows = measure(name, **options)
        keep(rows, out)
        click.echo(shown(rows))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(prog_name="python -m benchmarks")
