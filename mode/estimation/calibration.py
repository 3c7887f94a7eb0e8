"""Learn from made shifts how far each estimate can be trusted: the default estimate.

Every set is described by what all methods estimate and by how far it is from the labeled set.
On made sets, whose accuracy is known, a Gaussian process learns what the description says of the
accuracy; Deng and Zheng (2021, section 4) regress on one distance. What it learned need not hold
for a shift that was not made, so `cot`, which learns nothing, counts as much; where the two differ
the interval widens, as it does far from all made sets. All features are zero without a shift, where
the estimate is `doc`, on the labeled set with the unlabeled set's class shares; it stays that where
no classifier tells the sets apart.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    Kernel,
    WhiteKernel,
)
from sklearn.linear_model import QuantileRegressor

from mode.estimation import label_shift, methods
from mode.estimation.intervals import NORMAL, sampling_deviation
from mode.estimation.outputs import Labeled, Outputs
from mode.estimation.shift import Activations

COVERAGE = 0.9
NEAR = 25  # made sets whose errors say how wide the interval of one method has to be
DEFAULT = "calibrated"
# Linear in the features, bent where made sets say so, and an error that no feature explains.
KERNEL = (
    ConstantKernel(0.1, (1e-4, 10)) * DotProduct(0, "fixed")
    + ConstantKernel(0.05, (1e-5, 10)) * RBF(3.0, (1, 30))
    + WhiteKernel(1e-3, (1e-5, 0.1))
)
COMPARED = ("cot", "atc_confidence", "nearest_class")  # estimates that the process sees
FULL = 0.25  # domain measure from which on all that was learned is used
LEAST = 10  # made sets that anything is learned from
ALIKE = 10  # of the made sets that nothing separates, that bound the error there


@dataclass(frozen=True)
class Description:
    """What is known of an unlabeled set.

    base: `doc` with the labeled set's classes in the unlabeled set's estimated shares. estimates:
    by method. measures: by name, 0 without a shift. shares: see `label_shift.class_shares`.
    deviation: standard deviation of the error that sampling makes.
    """

    base: float
    estimates: dict[str, float]
    measures: dict[str, float]
    shares: label_shift.ClassShares
    deviation: float

    @property
    def features(self) -> np.ndarray:
        """Differences of some estimates from the base, and the measures, all 0 without a shift."""
        differences = [self.estimates[name] - self.base for name in COMPARED]
        return np.array([*differences, *self.measures.values()])

    @property
    def gate(self) -> float:
        """How much of what was learned is used: none where no classifier on the activations tells
        the sets apart beyond chance, since they then differ in their class shares at most."""
        return min(1.0, self.measures["domain"] / FULL)


def describe(
    labeled: Labeled, activations: Activations, outputs: Outputs, rng: np.random.Generator
) -> Description:
    """Return the description of a set, whose probabilities are temperature-scaled."""
    shares = label_shift.class_shares(labeled, outputs)
    weighted = label_shift.reweighted(labeled, shares)
    estimates = {name: method(labeled, outputs) for name, method in methods.ESTIMATORS.items()}
    points = activations.of(outputs)
    agreement, distance = activations.neighbors(points, outputs)
    apart = activations.apart(points, weighted.weights[labeled.rows], rng)
    measures = {
        "domain": apart,
        "residual": shares.residual,
        "neighbors": agreement - activations.own_agreement,
        "distance": distance,
    }
    base = methods.doc(weighted, outputs)
    return Description(
        base, estimates, measures, shares, sampling_deviation(weighted, outputs, rng)
    )


@dataclass(frozen=True)
class Calibration:
    """A Gaussian process from features to accuracy minus base, and how wrong estimates were.

    scale: the root mean square of each feature. spread: (constant, slope) of the bound that holds
    COVERAGE of the errors, on the process's standard deviation, where it had seen no corruption of
    the same kind. hidden: the made sets that nothing separates, for the same bound there. errors:
    of each method on each made set. points: the scaled features of these sets. reach: their largest
    measures.
    """

    process: GaussianProcessRegressor
    scale: np.ndarray
    spread: tuple[float, float]
    hidden: "Hidden"
    errors: dict[str, np.ndarray]
    points: np.ndarray
    reach: dict[str, float]

    def _predicted(self, description: Description) -> tuple[float, float]:
        """Return the accuracy minus the base that the process predicts, and its deviation."""
        point = (description.features / self.scale)[None]
        mean, deviation = self.process.predict(point, return_std=True)
        return description.gate * float(mean[0]), description.gate * float(deviation[0])

    def _ends(self, description: Description) -> np.ndarray:
        """Return the accuracies (2,) that the process and COT predict; where the gate is closed,
        both are the base."""
        learned = self._predicted(description)[0]
        transported = description.gate * (description.estimates["cot"] - description.base)
        return np.clip(description.base + np.array([learned, transported]), 0, 1)

    def estimate(self, description: Description) -> float:
        """Return the estimated accuracy."""
        return float(self._ends(description).mean())

    def half_width(self, description: Description, method: str = DEFAULT) -> float:
        """Return half the width of the interval: of the default from the Gaussian process, of
        another method from its errors on the made sets that are most like this set."""
        sampling = NORMAL * description.deviation
        if method == DEFAULT:
            constant, slope = self.spread
            learned = constant + slope * self._predicted(description)[1]
            if description.gate == 0:
                learned = self.hidden.bound(description.features / self.scale)
            disagreement = np.ptp(self._ends(description)) / 2
            return float(np.sqrt(learned**2 + sampling**2 + disagreement**2))
        gaps = np.linalg.norm(self.points - description.features / self.scale, axis=1)
        near = np.argsort(gaps, kind="stable")[:NEAR]
        return float(np.hypot(np.quantile(self.errors[method][near], COVERAGE), sampling))

    def beyond(self, description: Description, slack: float = 0.2) -> list[str]:
        """Return the measures that are larger than any made set's, by a share of `slack`."""
        return [
            name
            for name, value in description.measures.items()
            if abs(value) > (1 + slack) * self.reach[name]
        ]


def fit(
    descriptions: Sequence[Description], accuracies: np.ndarray, kinds: Sequence[tuple[str, ...]]
) -> Calibration:
    """Return the calibration from made sets, their accuracies, and the kinds of corruption."""
    features = np.stack([d.features for d in descriptions])
    scale = np.maximum(np.sqrt((features**2).mean(axis=0)), 1e-9)
    errors = {
        name: np.abs(np.array([d.estimates[name] for d in descriptions]) - accuracies)
        for name in descriptions[0].estimates
    }
    measured = {name: [d.measures[name] for d in descriptions] for name in descriptions[0].measures}
    gates = np.array([d.gate for d in descriptions])
    apart = gates > 0
    if apart.sum() < LEAST:  # nothing that was made of the inputs changes what the model sees
        apart, gates = np.ones(len(gates), bool), np.maximum(gates, 0.1)
    drops = accuracies - np.array([d.base for d in descriptions])
    noise = np.array([d.deviation for d in descriptions]) ** 2
    made = Made(
        features[apart] / scale,
        drops[apart] / gates[apart],
        noise[apart] / gates[apart] ** 2,
        gates[apart],
        [kind for kind, used in zip(kinds, apart, strict=True) if used],
    )
    process = made.fitted(KERNEL)
    return Calibration(
        process=process,
        scale=scale,
        spread=_spread(made, process.kernel_),
        hidden=Hidden((features / scale)[~apart], drops[~apart], noise[~apart]),
        errors=errors,
        points=features / scale,
        reach={name: float(np.abs(values).max()) for name, values in measured.items()},
    )


@dataclass(frozen=True)
class Made:
    """What the process is fitted to: scaled features x (n, features), accuracy minus base divided
    by the gate, the variance that sampling made of it, the gates, and the kinds of corruption."""

    x: np.ndarray
    drops: np.ndarray
    noise: np.ndarray
    gates: np.ndarray
    kinds: Sequence[tuple[str, ...]]

    def fitted(self, kernel: Kernel, rows: Any = slice(None)) -> GaussianProcessRegressor:
        """Return the process; a part of the sets, `rows`, takes the kernel as it is."""
        optimizer = "fmin_l_bfgs_b" if isinstance(rows, slice) else None
        process = GaussianProcessRegressor(kernel, alpha=self.noise[rows], optimizer=optimizer)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return process.fit(self.x[rows], self.drops[rows])


@dataclass(frozen=True)
class Hidden:
    """Made sets that no classifier separates: scaled features, accuracy minus base, and the
    variance that sampling made of it."""

    points: np.ndarray
    drops: np.ndarray
    noise: np.ndarray

    def bound(self, point: np.ndarray) -> float:
        """Return the bound of the drops of those that are most like a set, beyond their noise."""
        if len(self.drops) < 5:
            return 0.0
        gaps = np.linalg.norm(self.points - point, axis=1)
        near = np.argsort(gaps, kind="stable")[:ALIKE]
        bound = np.quantile(np.abs(self.drops[near]), COVERAGE) ** 2
        return float(np.sqrt(max(bound - NORMAL**2 * self.noise[near].mean(), 0.0)))


def _spread(made: Made, kernel: Kernel) -> tuple[float, float]:
    """Return the bound of the errors on sets of a kind of which the process has seen no other set:
    constant and slope on its standard deviation, by quantile regression (Koenker 1978)."""
    errors, deviations = [], []
    for kinds in sorted(set(made.kinds) - {()}):
        unseen = np.array([not set(kinds) & set(other) for other in made.kinds])
        same_kinds = np.array([other == kinds for other in made.kinds])
        if unseen.sum() >= LEAST:
            process = made.fitted(kernel, np.flatnonzero(unseen))
            mean, deviation = process.predict(made.x[same_kinds], return_std=True)
            errors += list(np.abs(mean - made.drops[same_kinds]) * made.gates[same_kinds])
            deviations += list(deviation * made.gates[same_kinds])
    if len(errors) < LEAST:
        return 0.0, 2 * NORMAL
    bound = QuantileRegressor(quantile=COVERAGE, alpha=0).fit(np.c_[deviations], errors)
    if bound.coef_[0] <= 0:  # a constant would make every set as uncertain as the worst ones
        return 0.0, float(np.quantile(np.array(errors) / np.maximum(deviations, 1e-6), COVERAGE))
    return max(0.0, float(bound.intercept_)), float(bound.coef_[0])
