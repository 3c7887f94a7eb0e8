"""Where the codes of each class lie: a mixture of Gaussians per class."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mixture:
    """Gaussian components of the codes of each class.

    weights (k,) sum to 1 within each class; means (k, d); factors (k, d, d) are lower triangular
    with factor @ factor.T the covariance; classes (k,) int, all 0 for images without labels.

    Codes drawn from N(0, I) mostly decode to no recognizable image; those of a mixture fitted to
    the codes of real images do, and have a class (Ghosh et al., ICLR 2020).
    """

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray
    classes: np.ndarray

    def draw(
        self, labels: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return one code for each entry of `labels`, (n, d) float32, and its component (n,)."""
        component = np.empty(len(labels), dtype=int)
        for label in np.unique(labels):
            rows, of_label = labels == label, np.flatnonzero(self.classes == label)
            share = self.weights[of_label] / self.weights[of_label].sum()
            component[rows] = generator.choice(of_label, rows.sum(), p=share)
        noise = generator.normal(size=(len(labels), self.means.shape[1]))
        codes = self.means[component] + np.einsum("nij,nj->ni", self.factors[component], noise)
        return codes.astype(np.float32), component

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays to store; of each factor only its lower triangle, in a row."""
        arrays = {f"mixture_{k}": v for k, v in vars(self).items() if k != "factors"}
        rows, columns = np.tril_indices(self.means.shape[1])
        return arrays | {"mixture_factors": self.factors[:, rows, columns]}


def of_arrays(arrays: dict[str, np.ndarray]) -> Mixture | None:
    """Return the mixture that `Mixture.to_arrays` stored among other arrays, None without one."""
    if "mixture_means" not in arrays:
        return None
    parts = {k: arrays[f"mixture_{k}"] for k in ("weights", "means", "classes")}
    k, d = parts["means"].shape
    factors = np.zeros((k, d, d), np.float32)
    rows, columns = np.tril_indices(d)
    factors[:, rows, columns] = arrays["mixture_factors"]
    return Mixture(factors=factors, **parts)


def of_labels(latent: int, classes: int) -> Mixture:
    """Return one component per label: N(0, I) for the latent vector, the one-hot label after it."""
    means = np.concatenate([np.zeros((classes, latent)), np.eye(classes)], axis=1)
    factor = np.diag(np.r_[np.ones(latent), np.zeros(classes)])
    factors = np.tile(factor, (classes, 1, 1))
    return Mixture(np.ones(classes), means, factors, np.arange(classes))
