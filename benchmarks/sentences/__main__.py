"""Write the generated sections of the Markdown pages: `python -m benchmarks.sentences`."""

from pathlib import Path

import click

from benchmarks.sentences.pages import PAGES, answered, written
from mode.results import write_text


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--folder", default=".", show_default=True, help="The checkout with pages, results.")
def main(folder: str) -> None:
    """Write the answers of notebooks and the generated sections of pages from committed tables."""
    for path, text in answered(Path(folder)).items():
        write_text(text, path)
    for page in PAGES:
        write_text(written(page, Path(folder)), Path(folder) / page)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.sentences")
