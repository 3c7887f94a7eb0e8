"""Whatever comes in, a result or one line comes out, and nothing that was given is changed.

Shapes, dtypes, class counts, label sets, empty groups and every pair of metric and selector are
drawn; 2,380 cases in all, the same ones in every run.
"""

import re
from contextlib import contextmanager

import keras
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from mode.checks import InputError
from mode.data import Data, Part, load_data, open_pool
from mode.data.schema import encode_labels, prepared
from mode.distances import DISTANCES, distance
from mode.faults import accuracy_by_label, confusion, faulty_labels, transitions
from mode.heatmaps import DIFFERENTIALS, KINDS, differential, heatmaps
from mode.repair import repair
from mode.selection import SELECTORS, Candidates, select
from mode.streaming import DistanceScorer, best, blocks

GRAMMAR = re.compile(r"[^\n]+\. Received: [^\n]+\.( [^\n]+)?")
DTYPES = ["u1", "i1", "i2", "i8", "f2", "f4", "f8", ">f4", "?", "c8", "U3", "O"]
KINDS_OF_VALUES = ["noise", "zeros", "ones", "small", "huge", "not finite"]


def cases(count: int, **drawn):
    """Run a test on `count` drawn cases, the same ones each time."""
    quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    options = {"deadline": None, "derandomize": True, "database": None}
    fixed = settings(max_examples=count, suppress_health_check=quiet, **options)
    return lambda test: fixed(given(**drawn)(test))


SEED = st.integers(0, 2**32 - 1)
FEW = st.integers(0, 12)


@contextmanager
def unchanged(*arrays: np.ndarray):
    """Compare arrays bytewise before and after; an InputError in the grammar may be raised."""
    arrays = [a for a in arrays if isinstance(a, np.ndarray)]
    before = [(a.tobytes(), a.shape, a.dtype) for a in arrays if a.dtype != object]
    said = None
    try:
        yield
    except InputError as error:
        said = str(error)
    assert said is None or GRAMMAR.fullmatch(said), said
    assert [(a.tobytes(), a.shape, a.dtype) for a in arrays if a.dtype != object] == before


def values(rng: np.random.Generator, shape: tuple, dtype: str, kind: str = "noise") -> np.ndarray:
    """Return an array of some kind of values, in any memory order."""
    x = rng.random(shape)
    if kind == "noise":
        x = 300 * x - 20 if dtype in ("i2", "i8") else 200 * x if dtype in ("u1", "i1") else x
    x = {"zeros": 0 * x, "ones": 0 * x + 1, "small": 1e-30 * x, "huge": 1e30 * x}.get(kind, x)
    with np.errstate(all="ignore"):
        x = x.astype(dtype)
    if kind == "not finite" and x.dtype.kind in "fc" and x.size:
        x.flat[rng.integers(x.size)] = rng.choice([np.nan, np.inf, -np.inf])
    return np.asfortranarray(x) if rng.random() < 0.2 else x


def of_labels(rng: np.random.Generator, count: int, classes: int) -> np.ndarray:
    """Return labels of any dtype and spelling; some classes may lack, some labels be none."""
    y = rng.integers(0, classes, count) if classes else np.zeros(count, int)
    y = np.where(y == rng.integers(0, classes + 1), 0, y)  # a class without inputs
    way = rng.integers(9)
    if way == 1:
        return np.eye(max(1, classes))[y]
    if way == 2:
        return y - rng.integers(0, 2)
    if way == 3:
        return y + 0.5 * rng.integers(0, 2)
    return [y, y, y, y, y.astype("u1"), y.astype(float), y[:, None], y.astype(str), y * 1000][way]


SHAPES = st.lists(st.integers(0, 4), min_size=0, max_size=4).map(tuple)
METRIC, SELECTOR = st.sampled_from(sorted(DISTANCES)), st.sampled_from(sorted(SELECTORS))
DTYPE, KIND = st.sampled_from(DTYPES), st.sampled_from(KINDS_OF_VALUES)


@cases(700, seed=SEED, metric=METRIC, shape=SHAPES, n=FEW, dtype=DTYPE, kind=KIND)
def test_distances(seed, metric, shape, n, dtype, kind):
    rng = np.random.default_rng(seed)
    samples = values(rng, (n, *shape), dtype, kind)
    of_map = shape if rng.random() < 0.9 else (*shape, 2)
    heatmap = values(rng, of_map, rng.choice(["f8", "f4", dtype]), rng.choice(["noise", kind]))
    with unchanged(samples, heatmap):
        found = distance(metric, samples, heatmap)
        assert found.shape == (n,)
        assert found.dtype == np.float64
        assert not np.isnan(found).any()


@cases(600, seed=SEED, name=SELECTOR, n=st.integers(-1, 15), size=FEW, classes=st.integers(1, 5))
def test_selectors(seed, name, n, size, classes):
    """Columns may lack, be empty, of another length or not finite; groups may be empty."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["noise", "noise", "zeros", "not finite"])
    p = rng.dirichlet(np.ones(classes), size).astype(rng.choice(["f4", "f8"]))
    labels, units = rng.integers(0, classes, size), int(rng.integers(1, 4))
    known = int(rng.integers(0, 6))
    columns = {
        "distances": values(rng, (size,), "f8", "noise"),
        "probabilities": p,
        "labels": labels,
        "quota": {int(k): int(rng.integers(0, 4)) for k in range(classes)},
        "features": values(rng, (size, units), "f4", kind),
        "train_features": values(rng, (known, units + (rng.random() < 0.1)), "f4"),
        "train_labels": rng.integers(0, classes, known),
        "error_features": values(rng, (int(rng.integers(0, 4)), units), "f4"),
    }
    kept = {k: v for k, v in columns.items() if k in SELECTORS[name].needs or rng.random() < 0.5}
    if rng.random() < 0.2 and kept:
        kept.pop(rng.choice(list(kept)))
    among = [None, rng.random(size) < 0.5, rng.permutation(size)[: size // 2]][rng.integers(3)]
    with unchanged(*kept.values(), among):
        candidates = Candidates(**kept, size=size)
        found = select(name, candidates, n, among=among, generator=rng)
        allowed = np.arange(len(candidates)) if among is None else np.arange(size)[among]
        assert len(set(found.tolist())) == len(found) <= n
        assert set(found.tolist()) <= set(allowed.tolist())
        if name != "class_matched_random":
            assert len(found) == min(n, len(allowed))


@cases(300, seed=SEED, shape=SHAPES, n=FEW, dtype=DTYPE, kind=KIND, classes=st.integers(0, 5))
def test_heat_maps(seed, shape, n, dtype, kind, classes):
    """Classes without correct inputs, without false positives, without any."""
    rng = np.random.default_rng(seed)
    x = values(rng, (n, *shape), dtype, kind)
    y, predicted = of_labels(rng, n, classes), of_labels(rng, n, classes)
    weights = values(rng, (int(np.prod(shape)), max(1, classes)), "f4")
    known = [None, classes][rng.integers(2)]
    with unchanged(x, y, predicted, weights):
        way = {"kind": rng.choice(sorted(KINDS)), "weights": weights}
        maps = heatmaps(x, y, predicted, classes=known, **way)
        assert maps.hci.shape[1:] == x.shape[1:]
        label = int(rng.integers(-1, len(maps.hci) + 1))
        found = differential(maps, label, rng.choice(sorted(DIFFERENTIALS)))
        assert found.shape == x.shape[1:]
        assert np.isfinite(found).all()
        assert np.abs(found).max(initial=0) <= 1


@cases(300, seed=SEED, n=FEW, m=FEW, classes=st.integers(0, 6))
def test_faults(seed, n, m, classes):
    rng = np.random.default_rng(seed)
    y, predicted = of_labels(rng, n, classes), of_labels(rng, n, classes)
    old, on_old = of_labels(rng, m, classes), of_labels(rng, m, classes)
    known = [None, classes][rng.integers(2)]
    with unchanged(y, predicted, old, on_old):
        assert isinstance(accuracy_by_label(y, predicted, known), pd.DataFrame)
        found = faulty_labels(y, predicted, old, on_old, classes=known)
        assert set(found["kind"]) <= {"under-fitted", "over-fitted"}
    with unchanged(y, predicted, old):
        moved = transitions(y, predicted, predicted, known)
        assert moved.repaired == moved.broken == 0
        assert confusion(y, predicted, classes).sum() == n


@cases(250, seed=SEED, metric=METRIC, shape=SHAPES, n=FEW, dtype=DTYPE, kind=KIND)
def test_streamed_pools(seed, metric, shape, n, dtype, kind):
    """In blocks of three, what sorting all the distances gives, or the same refusal."""
    rng = np.random.default_rng(seed)
    shape = tuple(side or 1 for side in shape)
    x = values(rng, (n, *shape), dtype, kind)
    k, among = int(rng.integers(-1, n + 2)), np.flatnonzero(rng.random(n) < 0.7)
    whole, blocks.block_size = blocks.block_size, lambda pool: 3
    try:
        with unchanged(x, among):
            pool = open_pool(x)
            heatmap = values(rng, prepared("x", x).shape[1:], "f8")
            found = best(pool, DistanceScorer(metric, heatmap), k, among=among)
            scores = distance(metric, prepared("x", x, heatmap.shape)[among], heatmap)
            assert len(set(found.tolist())) == len(found)
            assert set(found) <= set(among)
            chosen = scores[np.searchsorted(among, found)]
            np.testing.assert_allclose(chosen, np.sort(scores)[:k], rtol=1e-9, atol=1e-9)
    finally:
        blocks.block_size = whole


@cases(200, seed=SEED, shape=SHAPES, dtype=DTYPE, kind=KIND, classes=st.integers(1, 4))
def test_own_archives(seed, shape, dtype, kind, classes, tmp_path_factory):
    """Any subset of parts, labels of any spelling, unlabeled pools."""
    rng = np.random.default_rng(seed)
    arrays, path = {}, tmp_path_factory.getbasetemp() / "any.npz"
    dtype = rng.choice(["f4", "u1", dtype])
    for part in ("train", "pool", "diagnosis", "test"):
        count = int(rng.integers(0, 60))
        if rng.random() < 0.6:
            arrays[f"x_{part}"] = values(rng, (count, *shape), dtype, kind)
        if rng.random() < 0.9 and f"x_{part}" in arrays:
            arrays[f"y_{part}"] = of_labels(rng, count, classes)
            if part == "pool" and arrays["y_pool"].ndim == 1 and rng.random() < 0.5:
                arrays["y_pool"] = rng.integers(-1, classes, count)
    np.savez(path, **arrays)
    with unchanged():
        made = load_data(path, classes=[None, classes][rng.integers(2)])
        assert set(made.sizes()) == {"train", "pool", "diagnosis", "test"}
        for part in made.sizes():
            assert len(made.places(part)) == len(getattr(made, part))
    labels = {k: v for k, v in arrays.items() if k.startswith("y_")}
    with unchanged(*labels.values()):
        if labels:
            found, count, names = encode_labels(labels)
            assert all(y.max(initial=0) < count for y in found.values() if y.ndim == 1)
            assert names is None or len(names) == count


_MODELS: dict[int, keras.Model] = {}


def linear_model(units: int, classes: int) -> keras.Model:
    if (units, classes) not in _MODELS:
        keras.utils.set_random_seed(units)
        stack = [keras.Input((units,)), layers.Dense(3, "relu"), layers.Dense(classes, "softmax")]
        _MODELS[units, classes] = keras.Sequential(stack)
        _MODELS[units, classes].compile("sgd", "sparse_categorical_crossentropy")
    return _MODELS[units, classes]


@cases(30, seed=SEED, metric=METRIC, selector=SELECTOR, classes=st.sampled_from([2, 3]))
def test_repairs(seed, metric, selector, classes):
    """Every pair of metric and selector on a model; classes may lack in any part."""
    rng = np.random.default_rng(seed)
    model, parts, arrays = linear_model(2, classes), {}, []
    for part in ("train", "pool", "diagnosis", "test"):
        count = int(rng.integers(1, 9))
        y = rng.integers(0, int(rng.integers(1, classes + 1)), count)
        parts[part] = Part(values(rng, (count, 2), "f4", rng.choice(["noise", "zeros"])), y)
        arrays += [parts[part].x, parts[part].y]
    before = [w.tobytes() for w in model.get_weights()]
    ways = [selector, "nearest", "farthest", "recommended", "published", "mode"]
    ways = {"recipe": str(rng.choice(["mode", *ways])), "metric": metric}
    if ways["recipe"] in ("nearest", "farthest"):
        ways["recipe"] = "mode"
    with unchanged(*arrays):
        data = Data(**parts, classes=classes)
        options = {
            "rounds": 1,
            "epochs": 1,
            "inputs_per_round": int(rng.integers(1, 5)),
            "replay": 1.0,
        }
        found = repair(model, data, **options, **ways)
        assert len(found.rounds) in (1, 2)
    assert [w.tobytes() for w in model.get_weights()] == before
