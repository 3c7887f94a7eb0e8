"""One repair with layer selection and its control, against the same algorithm in plain Keras.

The published protocol at its sizes: five rounds of 2,000 inputs, sub-models on 30,000. "cold" is
the first repair in a new process, compilation included; "warm" the median of those after it, as
a study has them. The naive side has nothing that a second repair could use again.
"""

from dataclasses import replace

import numpy as np

from benchmarks.measurements import clocked, cold_and_warm, in_new_process, row
from mode.data import Data, load

AT_LEAST = {"cold": 10, "warm": 25}


def rows(*, metric: str = "euclidean", peer_rounds: int = 5, repeats: int = 3) -> list[dict]:
    """Return a cold and a warm row.

    Args:
        metric: of the selection; the default is among the cheapest to measure one at a time.
        peer_rounds: rounds of the naive repair to measure; the seconds of fewer are scaled to
            the rounds of ours, and the row says so.
        repeats: warm repairs.
    """
    weights = in_new_process(faulty_weights)
    ours = in_new_process(repairs, weights, metric, repeats)
    peer = in_new_process(naive_repair, weights, metric, peer_rounds)
    return compared(ours, peer)


def compared(ours: dict, peer: dict) -> list[dict]:
    """Return the rows from what `repairs` and `naive_repair` measured."""
    scale = ours["rounds"] / peer["rounds"]
    quality, scaled = {"ours_accuracy": ours["accuracy"], "peer_accuracy": peer["accuracy"]}, ""
    if scale != 1:
        unit = "round" if peer["rounds"] == 1 else "rounds"
        scaled = f", {peer['rounds']} {unit} measured and scaled"
        quality["peer_accuracy"] = ""  # after fewer rounds
    return [
        row(
            "repair",
            f"layer selection, {ours['rounds']} rounds and control, {state}",
            ours[state],
            peer["seconds"] * scale,
            peer=f"the same with Keras fit and a SciPy loop{scaled}",
            at_least=AT_LEAST[state],
            **quality,
        )
        for state in AT_LEAST
    ]


def published_data() -> Data:
    """Return MNIST in the publication's halves."""
    return load("mnist", split="published")


def published_recipe(metric: str, rounds: int = 5, **options):
    """Return the published recipe, which here never stops early: with theta 1 some label is
    always faulty, so that both sides do all their rounds."""
    from mode.studies.methods import protocol_recipe

    options = {"metric": metric, "rounds": rounds, "theta": 1.0, **options}
    return protocol_recipe("published", layer_selection=True, **options)


def faulty_weights() -> list[np.ndarray]:
    """Return the weights of the model that both sides repair.

    They are made in a process of their own: to train there would leave compiled loops behind.
    """
    from mode.studies.experiments import initial_model

    return initial_model(published_data(), "published", epochs=3, seed=0).get_weights()


def repairs(weights: list[np.ndarray], metric: str, repeats: int) -> dict:
    """Measure our repair and control, again and again in one process."""
    from mode.repair import control, run

    data, recipe, model = published_data(), published_recipe(metric), faulty_model(weights)

    def both():
        repaired = run(model, data, recipe)
        return repaired, control(model, data, recipe, repaired)

    measured = [clocked(both) for _ in range(repeats + 1)]
    repaired, _ = measured[-1][1]
    return {**cold_and_warm([seconds for seconds, _ in measured]), **_outcome(repaired)}


def naive_repair(weights: list[np.ndarray], metric: str, rounds: int) -> dict:
    """Measure the naive repair and control once."""
    from benchmarks import naive

    data, model = published_data(), faulty_model(weights)
    recipe = replace(published_recipe(metric), rounds=rounds)

    def both():
        repaired = naive.run(model, data, recipe)
        return repaired, naive.control(model, data, recipe, repaired)

    seconds, (repaired, _) = clocked(both)
    return {"seconds": seconds, **_outcome(repaired)}


def faulty_model(weights: list[np.ndarray]):
    """Return the model of `faulty_weights`."""
    from mode.models import build

    model = build("published")
    model.set_weights(weights)
    return model


def _outcome(repaired) -> dict:
    """Rounds done, and the test accuracy after the last of them."""
    accuracy = round(float(repaired.rounds["accuracy"].iloc[-1]), 4)
    return {"rounds": len(repaired.chosen), "accuracy": accuracy}
