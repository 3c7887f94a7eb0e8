"""Learn from made shifts how far each estimate can be trusted: the default estimate.

Every set is described by what all methods estimate and by how far it is from the labeled set.
On made sets, whose accuracy is known, a Gaussian process learns what the description says of the
accuracy; Deng and Zheng (2021, section 4) regress on one distance. All features are zero without a
shift, where the estimate is `doc`, on the labeled set with the unlabeled set's class shares. Far
from all made sets the process knows that it does not know: the interval widens.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, Kernel

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
    + ConstantKernel(0.05, (1e-5, 10)) * RBF(3.0, (0.5, 30))
    + ConstantKernel(0.001, (1e-5, 0.1)) * RBF(0.3, "fixed")
)


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
        """Differences of the estimates from the base, and the measures, all 0 without a shift."""
        differences = [value - self.base for value in self.estimates.values()]
        return np.array([*differences, *self.measures.values()])


def describe(
    labeled: Labeled, activations: Activations, outputs: Outputs, rng: np.random.Generator
) -> Description:
    """Return the description of a set, whose probabilities are temperature-scaled."""
    shares = label_shift.class_shares(labeled, outputs)
    weighted = label_shift.reweighted(labeled, shares)
    estimates = {name: method(labeled, outputs) for name, method in methods.ESTIMATORS.items()}
    agreement, distance = activations.neighbors(outputs)
    apart = activations.apart(outputs, weighted.weights[labeled.rows], rng)
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

    scale: the root mean square of each feature. factor: standard deviations that hold COVERAGE of
    the errors, where no corruption of the same kind had been seen. errors: of each method on each
    made set. points: the scaled features of the made sets. reach: their largest measures.
    """

    process: GaussianProcessRegressor
    scale: np.ndarray
    factor: float
    errors: dict[str, np.ndarray]
    points: np.ndarray
    reach: dict[str, float]

    def _predicted(self, description: Description) -> tuple[float, float]:
        """Return the predicted accuracy minus the base, and its standard deviation."""
        point = (description.features / self.scale)[None]
        mean, deviation = self.process.predict(point, return_std=True)
        return float(mean[0]), float(deviation[0])

    def estimate(self, description: Description) -> float:
        """Return the estimated accuracy."""
        return float(np.clip(description.base + self._predicted(description)[0], 0, 1))

    def half_width(self, description: Description, method: str = DEFAULT) -> float:
        """Return half the width of the interval: of the default from the Gaussian process, of
        another method from its errors on the made sets that are most like this set."""
        sampling = NORMAL * description.deviation
        if method == DEFAULT:
            return float(np.hypot(self.factor * self._predicted(description)[1], sampling))
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
    x, bases = features / scale, np.array([d.base for d in descriptions])
    drops, noise = accuracies - bases, np.array([d.deviation for d in descriptions]) ** 2
    process = _fitted(KERNEL, x, drops, noise)
    errors = {
        name: np.abs(np.array([d.estimates[name] for d in descriptions]) - accuracies)
        for name in descriptions[0].estimates
    }
    measured = {name: [d.measures[name] for d in descriptions] for name in descriptions[0].measures}
    return Calibration(
        process=process,
        scale=scale,
        factor=_factor(process.kernel_, x, drops, noise, kinds),
        errors=errors,
        points=x,
        reach={name: float(np.abs(values).max()) for name, values in measured.items()},
    )


def _fitted(
    kernel: Kernel, x: np.ndarray, drops: np.ndarray, noise: np.ndarray, *, learn: bool = True
) -> GaussianProcessRegressor:
    """Return the process fitted to made sets; noise: the variance that sampling made of each."""
    optimizer = "fmin_l_bfgs_b" if learn else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianProcessRegressor(kernel, alpha=noise, optimizer=optimizer).fit(x, drops)


def _factor(
    kernel: Kernel,
    x: np.ndarray,
    drops: np.ndarray,
    noise: np.ndarray,
    kinds: Sequence[tuple[str, ...]],
) -> float:
    """Return how many of its standard deviations hold COVERAGE of the errors on sets of one kind
    of corruption, of a process that has seen this kind in no other set."""
    ratios: list[float] = []
    for kind in sorted({kind for kind in kinds if len(kind) == 1}):
        unseen = np.array([not set(kind) & set(other) for other in kinds])
        own = np.array([other == kind for other in kinds])
        process = _fitted(kernel, x[unseen], drops[unseen], noise[unseen], learn=False)
        mean, deviation = process.predict(x[own], return_std=True)
        ratios += list(np.abs(mean - drops[own]) / np.hypot(deviation, np.sqrt(noise[own])))
    return max(NORMAL, float(np.quantile(ratios, COVERAGE)))
