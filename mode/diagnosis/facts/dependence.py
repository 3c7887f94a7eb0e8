"""Whether targets can be predicted from inputs at all, estimated from some rows (numpy).

Three statistics of how targets go with inputs are compared with those of targets in another order:
one for smooth relations of all features (distance correlation), one for single features, one for
neighbors. Where none of them is beyond chance, nothing in these rows can be learned.
"""

import numpy as np

from mode.diagnosis.limits import LIMITS

_ORDERS = 99  # of the targets: the smallest p is 0.01
_NEIGHBORS = 5


def dependence_p(x: np.ndarray, y: np.ndarray, *, classes: bool) -> float:
    """Return the smallest p of the three tests that targets depend on inputs; NaN of few rows.

    Args:
        x: inputs, shape (rows, features), all different.
        y: targets, shape (rows, values).
        classes: whether targets are equal or not, and not near or far.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 3))
        >>> dependence_p(x, np.sin(3 * x[:, :1]), classes=False)
        0.01
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(x) < LIMITS.dependence_rows or not (np.isfinite(x).all() and np.isfinite(y).all()):
        return np.nan
    x, y = _standard(x), _standard(y)
    if not x.shape[1] or not y.shape[1]:
        return np.nan
    generator = np.random.default_rng(0)
    orders = [np.arange(len(y)), *(generator.permutation(len(y)) for _ in range(_ORDERS))]
    near, far = _distances(x), _distances(y)
    far = (far > 0).astype(float) if classes else far
    centered = _centered(near)
    neighbors = np.argsort(near + np.diag(np.full(len(x), np.inf)), axis=1)[:, :_NEIGHBORS]
    rows = np.arange(len(x))[:, None]
    tests = np.array([
        (
            float((centered * far[np.ix_(order, order)]).sum()),
            float(np.abs(x.T @ y[order]).max()),
            -float(far[order[rows], order[neighbors]].sum()),
        )
        for order in orders
    ])  # fmt: skip
    return float((tests[1:] >= tests[0] - 1e-9).mean(axis=0).min() * _ORDERS + 1) / (_ORDERS + 1)


def _standard(values: np.ndarray) -> np.ndarray:
    """Return the columns that vary, each of mean 0 and deviation 1."""
    varied = values[:, np.ptp(values, axis=0) > 0]
    return (varied - varied.mean(axis=0)) / np.maximum(varied.std(axis=0), 1e-30)


def _distances(values: np.ndarray) -> np.ndarray:
    squares = (values**2).sum(axis=1)
    return np.sqrt(np.maximum(squares[:, None] + squares - 2 * values @ values.T, 0.0))


def _centered(distances: np.ndarray) -> np.ndarray:
    means = distances.mean(axis=0)
    return distances - means - means[:, None] + distances.mean()
