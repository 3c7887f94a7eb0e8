"""Where a generator's codes lie: a Gaussian mixture for each class, fitted after the generator.

Codes drawn from N(0, I) mostly decode to nothing a person would name. A mixture fitted to the
codes of real images decodes to recognisable ones, and tells the class each was drawn for
(density estimation after the fit: Ghosh et al., ICLR 2020).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mixture:
    """Gaussian components of all classes.

    weights (k,) sum to 1 within each class; means (k, d); factors (k, d, d) are lower triangular
    with factor @ factor.T the covariance; classes (k,) int, or all 0 where there were no labels.
    """

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray
    classes: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Return the classes that have components, ascending."""
        return np.unique(self.classes)


def fit(codes: np.ndarray, labels: np.ndarray, *, components: int, seed: int) -> Mixture:
    """Return the mixture of `components` full Gaussians a class, codes (n, d), labels (n,).

    A class with fewer than 20 codes a component gets fewer components.
    """
    from sklearn.mixture import GaussianMixture

    parts = []
    for label in np.unique(labels):
        own = codes[labels == label]
        k = max(1, min(components, len(own) // 20))
        model = GaussianMixture(k, reg_covar=1e-2, tol=1e-2, random_state=seed).fit(own)
        parts.append((model.weights_, model.means_, model.covariances_, np.full(k, label)))
    weights, means, covariances, classes = (np.concatenate(p) for p in zip(*parts, strict=True))
    return Mixture(weights, means, np.linalg.cholesky(covariances), classes)


def draw(
    mixture: Mixture, labels: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return one code for each entry of `labels`, (n, d) float32, and its component (n,)."""
    chosen = np.empty(len(labels), dtype=int)
    for label in np.unique(labels):
        own = np.flatnonzero(mixture.classes == label)
        share = mixture.weights[own] / mixture.weights[own].sum()
        chosen[labels == label] = generator.choice(own, (labels == label).sum(), p=share)
    noise = generator.normal(size=(len(labels), mixture.means.shape[1]))
    codes = mixture.means[chosen] + np.einsum("nij,nj->ni", mixture.factors[chosen], noise)
    return codes.astype(np.float32), chosen
