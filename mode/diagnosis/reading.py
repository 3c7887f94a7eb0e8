"""From the variables of a recording to plain arrays."""

import numpy as np

from mode.diagnosis.record import Moments


def shape_only(kind: str, i: int, tensor) -> Moments:
    shape = tuple(tensor.shape[1:])
    nothing = np.zeros(1)
    return Moments(f"{kind} {i}", shape, tensor.dtype.name, 0, *[nothing] * 4)


def moments(store, kind: str) -> tuple[Moments, ...]:
    names = sorted((n for n in store.specs if n.startswith(f"{kind} ")), key=_position)
    return tuple(_one_moments(store, name) for name in names)


def _position(name: str) -> int:
    return int(name.rsplit(" ", 1)[1])


def _one_moments(store, name: str) -> Moments:
    total, squares, low, high, count, bad = store.numpy(name).astype(np.float64)
    safe = np.maximum(count, 1)
    mean = total / safe
    std = np.sqrt(np.maximum(squares / safe - mean**2, 0))
    shape, dtype = store.specs[name]
    extra = {}
    labels = store.numpy(name.replace("target", "labels")) if name.startswith("target") else None
    if labels is not None:
        extra = {
            "row_sum": (-float(labels[0]), float(labels[1])),
            "fractions": float(labels[2]),
            "counts": labels[3:].astype(np.float64),
        }
    share = float(bad.sum() / max(bad.sum() + count.sum(), 1))
    return Moments(
        name, shape[1:], dtype, int(count.max(initial=0)), mean, std, -low, high, share, **extra
    )


def units(store) -> dict:
    names = [name for name in store.specs if name.startswith("units ")]
    if not names:
        return {}
    ends = np.cumsum([store.specs[name][0] for name in names])[:-1]
    parts = np.split(store.numpy("units"), ends)
    return {name[6:]: part for name, part in zip(names, parts, strict=True)}


def overlap(store) -> float:
    """Return the share of validation rows known from training; 0 where rows repeat by nature."""
    found = store.numpy("found")
    if found is None or not found[1] or found[2] < 0.95 * found[1]:
        return 0.0
    return float(found[0] / found[1])
