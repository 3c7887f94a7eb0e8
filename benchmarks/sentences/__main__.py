"""Write the generated sections of the Markdown pages: `python -m benchmarks.sentences`."""

from pathlib import Path

import click

from benchmarks.sentences.pages import PAGES, written
from mode.results import write_text


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--folder", default=".", show_default=True, help="The checkout with pages, results.")
def main(folder: str) -> None:
    """Write the generated sections of all pages from the committed tables."""
    for page in PAGES:
        write_text(written(page, Path(folder)), Path(folder) / page)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.sentences")
