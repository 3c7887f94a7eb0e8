"""A recorded step as a few plain numbers for each layer, under the names that logs get."""

import numpy as np

from mode.diagnosis.facts.training import TINY, UNSEEN, Record

PREFIX = "diag"


def layer_numbers(record: Record, model: str = "") -> dict[str, float]:
    """Return what the last recorded step tells of each layer: name -> number.

    The names are `diag/<layer>/` and one of `activation_rms` (the root mean square of its outputs),
    `grad_norm` and `weight_norm` (Euclidean, of its kernels), `update_ratio` (norm of the update
    over that of the weights) and `dead_units` (the share of rectified units that were never active
    in this epoch). They are the same from the first epoch on; what is not known is NaN. Norms are
    extrapolated from the sampled entries of a large kernel. The name of the `model`, which counts
    the models of a process, is left out of the layer's.
    """
    numbers: dict[str, float] = {}
    for i in record.indices("activation"):
        numbers[f"{PREFIX}/{record.rows[i].layer}/activation_rms"] = _rms(record, i)
    norms = {phase: _norms(record, phase) for phase in ("gradient", "weight", "update")}
    for layer, weight in norms["weight"].items():
        numbers[f"{PREFIX}/{layer}/grad_norm"] = norms["gradient"][layer]
        numbers[f"{PREFIX}/{layer}/weight_norm"] = weight
        numbers[f"{PREFIX}/{layer}/update_ratio"] = norms["update"][layer] / max(weight, TINY)
    for layer, peaks in record.units.items():
        seen = peaks[peaks > UNSEEN]
        numbers[f"{PREFIX}/{layer}/dead_units"] = float((seen <= 0).mean()) if len(seen) else np.nan
    return {name.replace(f"{PREFIX}/{model}/", f"{PREFIX}/", 1): v for name, v in numbers.items()}


def _rms(record: Record, row: int) -> float:
    return float(record.column("rms")[-1, row]) if len(record.steps) else np.nan


def _norms(record: Record, phase: str) -> dict[str, float]:
    """Return the norm of each layer's kernels together; a layer may have several."""
    squares: dict[str, float] = {}
    for i in record.indices(phase):
        layer = record.rows[i].layer
        squares[layer] = squares.get(layer, 0.0) + record.rows[i].size * _rms(record, i) ** 2
    return {layer: float(np.sqrt(square)) for layer, square in squares.items()}
