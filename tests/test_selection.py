"""Every selector against a plain sort over the inputs."""

from dataclasses import replace
from math import log

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mode.selection import SELECTORS, Candidates, select, shares
from tests.messages import listed

GENERATOR = np.random.default_rng(0)
N = 60
DISTANCES = np.round(GENERATOR.random(N), 1)  # with many ties
PROBABILITIES = GENERATOR.dirichlet(np.full(4, 0.3), N)
LABELS = GENERATOR.integers(0, 4, N)
FEATURES = (GENERATOR.normal(size=(N, 5)) + PROBABILITIES @ GENERATOR.normal(size=(4, 5))).astype(
    "f"
)
POOL = Candidates(
    distances=DISTANCES,
    probabilities=PROBABILITIES,
    labels=LABELS,
    quota={2: 4, 0: 3},
    features=FEATURES,
    train_features=GENERATOR.normal(size=(35, 5)).astype("f"),
    train_labels=np.arange(35) % 4,
    error_features=GENERATOR.normal(size=(17, 5)).astype("f"),
)
SCORES = {  # what each ranking selector wants small, one input at a time
    "nearest": lambda i: DISTANCES[i],
    "farthest": lambda i: -DISTANCES[i],
    "least_confidence": lambda i: max(PROBABILITIES[i]),
    "margin": lambda i: sorted(PROBABILITIES[i])[-1] - sorted(PROBABILITIES[i])[-2],
    "entropy": lambda i: sum(p * log(p) for p in PROBABILITIES[i] if p > 0),
    "gini": lambda i: sum(p * p for p in PROBABILITIES[i]),
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("n", [0, 1, 7, 40, N, N + 5])
@pytest.mark.parametrize("name", SCORES)
def test_rankings_equal_a_sort_in_which_ties_keep_the_order_of_the_pool(name, n):
    found = select(name, POOL, n, generator=rng())
    assert found.tolist() == sorted(range(N), key=lambda i: (SCORES[name](i), i))[:n]


@pytest.mark.parametrize("name", SCORES)
def test_rankings_among_some_inputs(name):
    among = np.array([50, 3, 17, 8, 33, 21])
    found = select(name, POOL, 4, among=among, generator=rng())
    place = {index: number for number, index in enumerate(among.tolist())}
    assert found.tolist() == sorted(place, key=lambda i: (SCORES[name](i), place[i]))[:4]


@given(
    scores=st.lists(st.integers(0, 5), min_size=1, max_size=80),
    n=st.integers(0, 90),
)
@settings(max_examples=150, deadline=None)
def test_nearest_is_the_head_of_a_stable_sort(scores, n):
    found = select("nearest", Candidates(distances=np.array(scores, float)), n, generator=rng())
    assert found.tolist() == sorted(range(len(scores)), key=lambda i: (scores[i], i))[:n]


@pytest.mark.parametrize("name", SELECTORS)
def test_every_selector_keeps_to_the_rules(name):
    among = np.flatnonzero(np.arange(N) % 3)
    one, two = (select(name, POOL, 6, among=among, generator=rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert len(set(one.tolist())) == len(one) == 6
    assert np.isin(one, among).all()
    everything = select(name, POOL, 999, among=among, generator=rng())
    assert len(everything) == (7 if name == "class_matched_random" else len(among))
    nothing = select(name, POOL, 5, among=np.array([], int), generator=rng())
    assert nothing.tolist() == []


@pytest.mark.parametrize("name", ["random", "class_matched_random"])
def test_random_selectors_depend_on_the_generator(name):
    draws = {tuple(select(name, POOL, 7, generator=rng(seed)).tolist()) for seed in range(5)}
    assert len(draws) == 5


def test_random_prefers_nothing():
    counts = np.zeros(N)
    for seed in range(600):
        counts[select("random", POOL, 10, generator=rng(seed))] += 1
    assert abs(counts - 100).max() < 45  # five standard deviations


def test_class_matched_random_has_the_quota_of_each_label():
    found = select("class_matched_random", POOL, 7, generator=rng())
    assert np.bincount(LABELS[found], minlength=4).tolist() == [3, 0, 4, 0]
    short = Candidates(labels=np.array([1, 0, 1]), quota={1: 5, 0: 1})
    assert sorted(select("class_matched_random", short, 6, generator=rng()).tolist()) == [0, 1, 2]
    none = Candidates(labels=np.array([1, 0]), quota={})
    assert select("class_matched_random", none, 6, generator=rng()).tolist() == []


def test_candidates_are_cut_alike():
    cut = POOL.take(np.array([4, 2]))
    assert len(cut) == 2
    assert (cut.probabilities == PROBABILITIES[[4, 2]]).all()
    assert cut.labels.tolist() == LABELS[[4, 2]].tolist()
    assert len(Candidates(size=5)) == 5
    assert select("random", Candidates(size=3), 9, generator=rng()).shape == (3,)


@pytest.mark.parametrize("name", SELECTORS)
def test_a_selector_reads_the_columns_it_says_and_needs_them_all(name, refused):
    known = {column: getattr(POOL, column) for column in SELECTORS[name].needs}
    least = Candidates(size=N, **known)
    found = select(name, least, 6, generator=rng(1))
    np.testing.assert_array_equal(found, select(name, POOL, 6, generator=rng(1)))
    optional = {"train_features"} if name == "core_set" else set()  # it then begins with nothing
    for column in set(known) - optional:
        lacking = Candidates(size=N, **{k: v for k, v in known.items() if k != column})
        assert refused(select, name, lacking, 6, generator=rng(1)) == (
            f"this selector needs candidates with {column}. Received: None."
        )


def test_nothing_is_changed():
    before = DISTANCES.copy(), PROBABILITIES.copy()
    for name in SELECTORS:
        select(name, POOL, 9, generator=rng())
    assert (before[0] == DISTANCES).all()
    assert (before[1] == PROBABILITIES).all()


@given(n=st.integers(0, 10_000), alpha=st.floats(0, 1))
def test_shares_add_up(n, alpha):
    selected, rest = shares(n, alpha)
    assert selected + rest == n
    assert abs(selected - alpha * n) <= 0.5


def test_bad_input_is_refused(refused):
    assert refused(select, "margins", POOL, 1, generator=rng()) == (
        f"selector must be one of {listed(SELECTORS)}. Received: 'margins'. Did you mean 'margin'?"
    )
    assert refused(select, "random", POOL, -1, generator=rng()) == (
        "n must be a whole number of at least 0. Received: -1."
    )
    assert refused(select, "random", POOL, 1, among=[0, N], generator=rng()) == (
        f"among must be indices below {N}. Received: up to {N}."
    )
    for name, column in (
        ("nearest", "distances"),
        ("margin", "probabilities"),
        ("class_matched_random", "labels"),
    ):
        assert refused(select, name, Candidates(size=4), 1, generator=rng()) == (
            f"this selector needs candidates with {column}. Received: None."
        )
    assert refused(Candidates, distances=np.zeros(3), labels=np.zeros(4)) == (
        "distances and labels must have the same length. Received: distances: 3, labels: 4."
    )
    for alpha in (-0.1, 1.1, float("nan")):
        assert refused(shares, 10, alpha) == (
            f"alpha must be a number from 0 to 1. Received: {alpha}."
        )


def test_among_may_be_a_mask():
    candidates = Candidates(distances=np.array([3.0, 1.0, 2.0, 0.0]))
    mask = np.array([True, False, True, False])
    chosen = select("nearest", candidates, 1, among=mask, generator=np.random.default_rng(0))
    assert chosen.tolist() == [2]


COLUMN_TYPES = {"list": list, "Series": pd.Series, "Dask": da.from_array}


@pytest.mark.parametrize("kind", COLUMN_TYPES)
def test_columns_of_any_kind_are_cut_like_arrays(kind):
    columns = {"distances": DISTANCES, "labels": LABELS, "train_labels": POOL.train_labels}
    given = {name: COLUMN_TYPES[kind](column) for name, column in columns.items()}
    given |= {"probabilities": PROBABILITIES.tolist(), "features": FEATURES.tolist()}
    pool = replace(POOL, **given)
    among = np.array([50, 3, 17, 8, 33, 21])
    for name in SELECTORS:
        found = select(name, pool, 4, among=among, generator=rng())
        expected = select(name, POOL, 4, among=among, generator=rng())
        np.testing.assert_array_equal(found, expected, err_msg=name)


def test_columns_must_hold_numbers(refused):
    assert refused(Candidates, labels=["a", "b"]) == (
        "labels must be an array of numbers. Received: dtype <U1."
    )
    assert refused(Candidates, distances=[[1.0], [2.0]]) == (
        "distances must have 1 axis. Received: shape (2, 1)."
    )
    assert refused(Candidates, labels=[1, 0, 1], distances=[0.5, 1]) == (
        "distances and labels must have the same length. Received: distances: 2, labels: 3."
    )


def test_an_index_is_among_the_candidates_once(refused):
    assert refused(select, "nearest", POOL, 2, among=[4, 1, 4], generator=rng()) == (
        "among must name each index once. Received: 4 more than once."
    )
