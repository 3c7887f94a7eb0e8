"""The studies: which notebook, over which grid, into which tables and figures."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mode import checks
from mode.studies.tables import publication_tables

PROTOCOLS = {"both": ("published", "corrected")} | {
    name: (name,) for name in ("published", "corrected")
}


@dataclass(frozen=True)
class Study:
    """A notebook run over a grid.

    notebook: its name without the ending. grid: (settings) -> the parameters of each run.
    tables: (rows) -> name -> table. figures: table's name -> figure's name in FIGURES.
    small: parameters with which the notebook runs in seconds.
    """

    question: str
    notebook: str
    grid: Callable[..., Iterator[dict]]
    tables: Callable[..., Mapping]
    figures: Mapping[str, str]
    small: Mapping = field(default_factory=dict)


def publication_grid(*, data: str, seeds: int, protocol: str) -> Iterator[dict]:
    """Yield protocol x with and without layer selection x seed."""
    checks.number("seeds", seeds, 1, integer=True)
    for name in PROTOCOLS[checks.one_of("protocol", protocol, PROTOCOLS)]:
        # The embedded digits have no test part of their own, which the published split needs.
        split = "published" if name == "published" and data != "digits" else "seeded"
        for layer_selection in (True, False):
            for seed in range(seeds):
                yield {
                    "data": data,
                    "split": split,
                    "protocol": name,
                    "layer_selection": layer_selection,
                    "seed": seed,
                }


STUDIES = {
    "publication": Study(
        question="Do the nine metrics and the layer selection repair better than random inputs?",
        notebook="02-run",
        grid=publication_grid,
        tables=publication_tables,
        figures={
            "table_1_published": "table_against_control",
            "table_2_published": "table_against_control",
            "table_1_corrected": "table_against_control",
            "table_2_corrected": "table_against_control",
            "accuracy_by_round": "accuracy_by_round",
            "layers_chosen": "layers_chosen",
        },
        small={"metrics": ["dot", "earth_mover"], "rounds": 2, "batch": 50, "epochs": 1},
    )
}
