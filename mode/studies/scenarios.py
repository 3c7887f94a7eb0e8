"""Faulty models to repair: how much of the training part made them, and what was planted in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import keras
import numpy as np

from mode import checks, seeds
from mode.data import Data, plant
from mode.models import build, train


@dataclass(frozen=True)
class Scenario:
    """How a faulty model comes about.

    The fault is planted in the training part, unless its options name another.

    train: inputs of the training part that make the model (all where None, or where there are
    fewer). epochs: passes over them. fault, options: what is planted first (PLANTED).
    has_fault: whether there is something to repair.
    """

    train: int | None
    epochs: int
    fault: str | None = None
    options: Mapping = field(default_factory=dict)
    has_fault: bool = True


SCENARIOS = {
    "under_trained": Scenario(3000, 4),
    "over_fitted_300": Scenario(300, 60),
    "over_fitted_500": Scenario(500, 60),
    "under_sampled_10": Scenario(5000, 10, "under_sampled", {"keep": 0.10}),
    "under_sampled_5": Scenario(5000, 10, "under_sampled", {"keep": 0.05}),
    "under_sampled_2": Scenario(5000, 10, "under_sampled", {"keep": 0.02}),
    "label_noise": Scenario(5000, 10, "label_noise", {"share": 0.3}),
    "mislabeled": Scenario(5000, 10, "mislabeled", {"share": 0.6}),
    "missing_thin": Scenario(5000, 10, "missing_mode", {"trait": "thin", "share": 0.5}),
    "missing_rotated": Scenario(5000, 10, "missing_mode", {"trait": "rotated", "share": 0.5}),
    "shifted_blur": Scenario(5000, 10, "shifted", {"kind": "blur", "amount": 1.0}),
    "shifted_noise": Scenario(5000, 10, "shifted", {"kind": "noise", "amount": 0.3}),
    "no_planted_fault": Scenario(None, 3, has_fault=False),
}
# Wrong labels in the pool of an under-trained model. A systematic one is that of a look-alike.
LOOK_ALIKES = {0: 6, 1: 7, 2: 3, 3: 5, 4: 9, 5: 3, 6: 0, 7: 1, 8: 3, 9: 4}
WRONG_LABELS = {
    f"pool_{kind}_{percent}": Scenario(
        3000, 4, fault, {"share": percent / 100, "part": "pool", **options}
    )
    for kind, fault, options in (
        ("uniform", "label_noise", {}),
        ("systematic", "mislabeled", {"pairs": LOOK_ALIKES}),
    )
    for percent in (5, 10, 20)
}
SCENARIOS |= WRONG_LABELS

# The main comparison; the others show how far its answer reaches.
MAIN = (
    "under_trained",
    "over_fitted_500",
    "under_sampled_5",
    "label_noise",
    "mislabeled",
    "missing_thin",
    "no_planted_fault",
)


def faulty_model(
    name: str, data: Data, *, model: str = "published", seed: int = 0
) -> tuple[keras.Model, Data]:
    """Return the model of a scenario, and the data with the fault planted.

    Args:
        name: a name of SCENARIOS.
        data: the sound data; not changed.
        model: a name of MODELS.
        seed: decides what is planted where, initial weights and the order of training.

    Raises:
        InputError: for an unknown scenario or model.
    """
    scenario = SCENARIOS[checks.one_of("scenario", name, SCENARIOS)]
    rows = np.arange(len(data.train))[: scenario.train]
    data = data.with_part("train", data.train.take(rows))
    if scenario.fault:
        data = plant(scenario.fault, data, seed=seed, **scenario.options)
    stream = seeds.derive(seed, "scenario", name)
    fresh = build(model, seed=stream, shape=data.shape, classes=data.classes)
    trained = train(fresh, data.train.x, data.train.y, epochs=scenario.epochs, seed=stream)
    return trained, data
