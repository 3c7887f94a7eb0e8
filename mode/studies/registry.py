"""The studies: which notebook, over which grid, into which tables and figures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType

from mode import checks
from mode.studies.comparison import comparison_tables
from mode.studies.method_tables import (
    alpha_tables,
    choices_tables,
    equal_tables,
    layers_tables,
    maps_tables,
    metrics_tables,
    retraining_tables,
    selection_tables,
    wrong_labels_tables,
)
from mode.studies.tables import defects_tables, publication_tables

_SMALL_METHODS = {"scenarios": ["over_fitted_500"], "rounds": 2, "batch": 50}
# Where MODE's own choices can matter: faults of both kinds.
_FAULTS = ("under_trained", "over_fitted_500", "under_sampled_5", "mislabeled")
# With alpha 0.25, five rounds of this batch take a fifth of the class pool of MNIST.
_FEW = ({"batch": 400},)
_FURTHER = (
    "over_fitted_300",
    "under_sampled_10",
    "under_sampled_2",
    "missing_rotated",
    "shifted_blur",
    "shifted_noise",
)
_WRONG_LABELS = (
    "under_trained",
    *(f"pool_{kind}_{percent}" for kind in ("uniform", "systematic") for percent in (5, 10, 20)),
)
PROTOCOLS = {
    "both": ("published", "corrected"),
    "published": ("published",),
    "corrected": ("corrected",),
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
    for name in PROTOCOLS[checks.one_of("protocol", protocol, PROTOCOLS)]:
        # Without the defect `test_leak` there is a diagnosis part.
        split = "published" if name == "published" else "halves"
        yield from _of_protocol(name, data, seeds, _split(data, split))


def defects_grid(*, data: str, seeds: int, protocol: str) -> Iterator[dict]:
    """Yield the same for each defect of the published protocol switched off alone, beside all on
    and all off; all on a split that has a diagnosis part."""
    from mode.repair import recipe  # here, for drawing tables must not load Keras

    names = recipe.PROTOCOLS
    for name in names if protocol == "both" else [checks.one_of("protocol", protocol, names)]:
        yield from _of_protocol(name, data, seeds, _split(data, "halves"))


def _split(data: str, split: str) -> str:
    """Return `split`, for data with the test part of its own that the published halves need."""
    return "seeded" if data == "digits" else split


def _of_protocol(protocol: str, data: str, seeds: int, split: str) -> Iterator[dict]:
    checks.number("seeds", seeds, 1, integer=True)
    for layer_selection, seed in product((True, False), range(seeds)):
        yield {
            "data": data,
            "split": split,
            "protocol": protocol,
            "layer_selection": layer_selection,
            "seed": seed,
        }


def methods_grid(methods: str, *, scenarios: Sequence[str] = (), sizes: Sequence[Mapping] = ({},)):
    """Return the grid of a comparison of methods: seed x size, over its scenarios.

    Args:
        methods: a name of METHODS.
        scenarios: names of SCENARIOS; those of the main comparison where there are none.
        sizes: further parameters, such as the batch or the number of classes.
    """

    def grid(*, data: str, seeds: int, protocol: str) -> Iterator[dict]:
        """Yield one run for each seed and size; the protocol is that of the methods."""
        checks.number("seeds", seeds, 1, integer=True)
        chosen = {"scenarios": list(scenarios)} if scenarios else {}
        for seed, size in product(range(seeds), sizes):
            yield {"data": data, "methods": methods, **size, "seed": seed, **chosen}

    return grid


def _of_methods(
    question: str,
    methods: str,
    *,
    tables=comparison_tables,
    figures: Mapping = MappingProxyType({}),
    **grid,
) -> Study:
    """Return a study that compares methods on planted faults; `figures` beside those of every
    one."""
    return Study(
        question=question,
        notebook="10-which-method-repairs",
        grid=methods_grid(methods, **grid),
        tables=tables,
        figures={
            "against_control": "methods_against_control",
            "by_scenario": "effects_by_fault",
            "mean_ranks": "critical_difference",
            "accuracy_by_inputs": "accuracy_by_inputs",
            **figures,
        },
        small=_SMALL_METHODS,
    )


# Titles of the figures of the published tables; of other tables the study's question is.
QUESTIONS = {
    f"table_{number}_{protocol}": f"{way} layer selection, {protocol} protocol: "
    "does MODE repair better than random inputs?"
    for number, way in ((1, "With"), (2, "Without"))
    for protocol in ("published", "corrected")
}
STUDIES = {
    "publication": Study(
        question="Do the nine metrics and the layer selection repair better than random inputs?",
        notebook="02-run",
        grid=publication_grid,
        tables=publication_tables,
        figures={
            "published_against_repeated": "published_against_repeated",
            "table_1_published": "table_against_control",
            "table_2_published": "table_against_control",
            "table_1_corrected": "table_against_control",
            "table_2_corrected": "table_against_control",
            "accuracy_by_round": "accuracy_by_round",
            "layers_chosen": "layers_chosen",
        },
        small={"metrics": ["dot", "earth_mover"], "rounds": 2, "batch": 50, "epochs": 1},
    ),
    "defects": Study(
        question="What did each defect of the publication do to its two tables?",
        notebook="02-run",
        grid=defects_grid,
        tables=defects_tables,
        figures={
            f"table_{number}_{measure}": "defects"
            for number in (1, 2)
            for measure in ("final", "lead")
        },
        small={"metrics": ["dot", "earth_mover"], "rounds": 2, "batch": 50, "epochs": 1},
    ),
    "equal": _of_methods(
        "Which inputs repair best when all are retrained alike?", "equal", tables=equal_tables
    ),
    "wrong_labels": _of_methods(
        "What do wrong labels in the pool do?",
        "wrong_labels",
        tables=wrong_labels_tables,
        figures={"damage": "accuracy_by_wrong_labels"},
        scenarios=_WRONG_LABELS,
    ),
    "choices": _of_methods(
        "Do the order of faults, the layer's rounds and farthest inputs matter?",
        "choices",
        tables=choices_tables,
        scenarios=_FAULTS,
        sizes=_FEW,
    ),
    "convolutions": _of_methods(
        "Does the layer matter in LeNet-5?",
        "layers",
        tables=layers_tables,
        scenarios=("under_trained", "over_fitted_500"),
        sizes=({"batch": 400, "model": "lenet5"},),
    ),
    "photographs": _of_methods(
        "Does any answer change on photographs?",
        "photographs",
        scenarios=("under_trained", "under_sampled_5", "label_noise"),
        sizes=({"batch": 400, "model": "small_cnn"},),
    ),
    "selection": _of_methods(
        "Which inputs repair best, retrained plainly?", "selection", tables=selection_tables
    ),
    "selectors": _of_methods("Do the other selectors repair better?", "selectors"),
    "further": _of_methods("Does it hold for other faults?", "baselines", scenarios=_FURTHER),
    "budget": _of_methods("Does it hold for a fifth of the class pool?", "baselines", sizes=_FEW),
    "metrics": _of_methods(
        "Does the metric matter?", "metrics", tables=metrics_tables, scenarios=_FAULTS, sizes=_FEW
    ),
    "maps": _of_methods(
        "Does the map matter?", "maps", tables=maps_tables, scenarios=_FAULTS, sizes=_FEW
    ),
    "layers": _of_methods(
        "Does the layer matter?", "layers", tables=layers_tables, scenarios=_FAULTS, sizes=_FEW
    ),
    "retraining": _of_methods(
        "How should it be retrained?",
        "retraining",
        tables=retraining_tables,
        scenarios=_FAULTS,
        sizes=_FEW,
    ),
    "alpha": _of_methods(
        "What share should be chosen, for how many classes?",
        "alpha",
        tables=alpha_tables,
        figures={"alpha_by_classes": "alpha_by_classes"},
        scenarios=("under_trained", "over_fitted_300"),
        sizes=[{"classes": classes, "batch": 200} for classes in (2, 5, 10)],
    ),
    "oracle": _of_methods("Is there headroom at all?", "oracle", scenarios=_FAULTS),
}
