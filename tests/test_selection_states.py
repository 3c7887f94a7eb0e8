"""Selectors that read states, against the slow obvious way, known answers and other packages."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from mode.selection import SELECTORS, Candidates, candidates, select
from mode.selection.clustering import NEIGHBORS, _mean_distances
from mode.selection.geometry import (
    k_means,
    kmeans_plusplus,
    nearest_rows,
    round_robin,
    squared_distances,
)
from mode.selection.surprise import PRIOR, SHRINKAGE

N, UNITS, CLASSES = 90, 6, 4
NAMES = ["dsa", "mdsa", "core_set", "badge", "typiclust", "clusters", "diverse_margin"]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def drawn(n: int, *, known: int = 60, errors: int = 20, units: int = UNITS) -> Candidates:
    """Candidates of CLASSES overlapping classes, predicted from the distance to their means."""
    means = rng(1).normal(size=(CLASSES, units)) * 1.5
    draw = rng(2)
    label = [draw.integers(0, CLASSES, size) for size in (n, known, errors)]
    pool, trained, wrong = ((means[y] + draw.normal(size=(len(y), units))) for y in label)
    score = np.exp(-np.square(pool[:, None] - means).sum(axis=2) / 4)
    return Candidates(
        probabilities=score / score.sum(axis=1, keepdims=True),
        labels=label[0],
        features=pool.astype("f"),
        train_features=trained.astype("f"),
        train_labels=label[1],
        error_features=wrong.astype("f"),
    )


POOL = drawn(N)


def away(a, b) -> float:
    return sum((float(p) - float(q)) ** 2 for p, q in zip(a, b, strict=True)) ** 0.5


def ranked(scores: list[float], n: int) -> list[int]:
    return sorted(range(len(scores)), key=lambda i: -scores[i])[:n]


def test_misclassified_come_first():
    wrong = np.flatnonzero(POOL.probabilities.argmax(axis=1) != POOL.labels).tolist()
    assert 5 < len(wrong) < N // 2
    found = select("misclassified_then_random", POOL, len(wrong) + 9, generator=rng()).tolist()
    assert sorted(found[: len(wrong)]) == wrong
    assert found[: len(wrong)] != wrong, "in random order"
    assert not set(found[len(wrong) :]) & set(wrong)


def leads() -> list[float]:
    """How far each label is ahead of the likeliest other class, the slow way."""
    return [
        float(p[label] - max(q for k, q in enumerate(p) if k != label))
        for p, label in zip(POOL.probabilities, POOL.labels, strict=True)
    ]


def test_near_misses_are_wrong_by_little_then_right_by_little():
    ahead = leads()
    wrong = sorted((i for i in range(N) if ahead[i] < 0), key=lambda i: -ahead[i])
    right = sorted((i for i in range(N) if ahead[i] >= 0), key=lambda i: ahead[i])
    found = select("signed_margin", POOL, N, generator=rng()).tolist()
    assert found == wrong + right
    assert select("signed_margin", POOL, 3, generator=rng()).tolist() == wrong[:3]


def test_a_tie_is_wrong_where_the_prediction_is_another_class():
    """The prediction is the first of the likeliest classes, as in every accuracy."""
    tied = Candidates(probabilities=np.full((2, 2), 0.5), labels=np.array([0, 1]))
    for name in ("misclassified_then_random", "misclassified_then_margin", "signed_margin"):
        for seed in range(9):
            assert select(name, tied, 2, generator=rng(seed)).tolist() == [1, 0], name
    beside = Candidates(probabilities=np.array([[0.5, 0.5], [0.6, 0.4]]), labels=np.array([1, 1]))
    assert select("signed_margin", beside, 2, generator=rng()).tolist() == [0, 1]


def test_mistakes_are_in_random_order_and_what_follows_is_not():
    ahead = leads()
    wrong = [i for i in range(N) if ahead[i] < 0]
    right = sorted((i for i in range(N) if ahead[i] >= 0), key=lambda i: ahead[i])
    found = select("misclassified_then_margin", POOL, N, generator=rng()).tolist()
    assert sorted(found[: len(wrong)]) == wrong
    assert found[: len(wrong)] != sorted(wrong, key=lambda i: -ahead[i])
    assert found[len(wrong) :] == right
    firsts = {
        select("misclassified_then_margin", POOL, 1, generator=np.random.default_rng(n))[0]
        for n in range(40)
    }
    assert len(firsts) > 5
    assert firsts <= set(wrong)


def test_dsa_equals_two_loops():
    predicted = POOL.probabilities.argmax(axis=1)
    known = list(zip(POOL.train_features, POOL.train_labels, strict=True))
    scores = []
    for x, label in zip(POOL.features, predicted, strict=True):
        match = min((k for k, y in known if y == label), key=lambda k: away(x, k))
        edge = min(away(match, k) for k, y in known if y != label)
        scores.append(away(x, match) / edge)
    assert select("dsa", POOL, 40, generator=rng()).tolist() == ranked(scores, 40)


def test_mdsa_equals_an_inverse_for_each_input():
    predicted = POOL.probabilities.argmax(axis=1)
    known, labels = POOL.train_features.astype(float), POOL.train_labels
    means = [known[labels == label].mean(axis=0) for label in range(CLASSES)]
    parts = [np.outer(k - means[y], k - means[y]) for k, y in zip(known, labels, strict=True)]
    pooled = sum(parts) / len(parts)
    scores = []
    for x, label in zip(POOL.features, predicted, strict=True):
        own = [part for part, y in zip(parts, labels, strict=True) if y == label]
        mixed = (sum(own) + PRIOR * pooled) / (len(own) + PRIOR)
        mixed = (1 - SHRINKAGE) * mixed + SHRINKAGE * np.trace(mixed) / UNITS * np.eye(UNITS)
        scores.append((x - means[label]) @ np.linalg.inv(mixed) @ (x - means[label]))
    assert select("mdsa", POOL, 40, generator=rng()).tolist() == ranked(scores, 40)


def on_a_line(*places: float, label: int = 0, known: list, train_labels: list) -> Candidates:
    return Candidates(
        probabilities=np.eye(2)[np.full(len(places), label)],
        features=np.array(places, float)[:, None],
        train_features=np.array(known, float)[:, None],
        train_labels=np.array(train_labels),
    )


def test_surprise_on_a_line():
    # From 4, the state nearest to 5, the other class is 6 away; from 0 it is 10 away.
    line = on_a_line(0.0, -2.0, 5.0, known=[0.0, 4.0, 10.0], train_labels=[0, 0, 1])
    assert select("dsa", line, 3, generator=rng()).tolist() == [1, 2, 0]
    assert select("mdsa", line, 3, generator=rng()).tolist() == [1, 2, 0]


@pytest.mark.parametrize("name", ["dsa", "mdsa"])
def test_a_class_without_training_states_surprises_most(name):
    line = on_a_line(99.0, 0.0, known=[0.0, 1.0], train_labels=[0, 0])
    line = replace(line, probabilities=np.eye(2))
    assert select(name, line, 2, generator=rng()).tolist() == [1, 0]


@pytest.mark.parametrize("name", ["dsa", "mdsa"])
def test_silent_units_and_equal_states_do_no_harm(name):
    known = np.zeros((6, 3), "f")
    probabilities = np.eye(2)[[0, 0, 1]]
    pool = Candidates(
        probabilities=probabilities,
        features=np.array([[0, 0, 0], [0, 0, 2], [0, 1, 0]], "f"),
        train_features=known,
        train_labels=np.array([0, 0, 0, 1, 1, 1]),
    )
    with np.errstate(all="raise", over="ignore"):
        assert select(name, pool, 3, generator=rng())[-1] == 0


def farthest_first(x, centers: list, chosen: list, n: int) -> list[int]:
    """k-center greedy in plain loops, from what is chosen on."""
    while len(chosen) < n:
        left = [i for i in range(len(x)) if i not in chosen]
        taken = [*centers, *(x[i] for i in chosen)]
        chosen = [*chosen, max(left, key=lambda i: min(away(x[i], c) for c in taken))]
    return chosen


def test_core_set_equals_loops():
    known = select("core_set", POOL, 12, generator=rng()).tolist()
    assert known == farthest_first(POOL.features, list(POOL.train_features), [], 12)
    alone = replace(POOL, train_features=None, train_labels=None)
    found = select("core_set", alone, 12, generator=rng()).tolist()
    assert found == farthest_first(POOL.features, [], found[:1], 12)
    assert len({select("core_set", alone, 1, generator=rng(seed))[0] for seed in range(9)}) > 4


def plus_plus(x, weights, n: int, generator, first: int) -> list[int]:
    """The seeding of k-means++ in plain loops."""
    chosen = [first]
    while len(chosen) < n:
        mass = [
            w * min(away(a, x[c]) for c in chosen) ** 2 for a, w in zip(x, weights, strict=True)
        ]
        goal, i = generator.random() * sum(mass), 0
        while sum(mass[: i + 1]) <= goal:
            i += 1
        chosen.append(i)
    return chosen


@pytest.mark.parametrize("seed", range(3))
def test_badge_equals_loops_over_whole_gradients(seed):
    right = np.eye(CLASSES)[POOL.probabilities.argmax(axis=1)]
    pairs = zip(POOL.probabilities - right, POOL.features, strict=True)
    gradients = [np.outer(a, f).ravel() for a, f in pairs]
    first = max(range(N), key=lambda i: away(gradients[i], 0 * gradients[i]))
    expected = plus_plus(gradients, [1] * N, 15, rng(seed), first)
    assert select("badge", POOL, 15, generator=rng(seed)).tolist() == expected


@pytest.mark.parametrize("seed", range(3))
def test_diverse_margin_equals_loops_over_the_smallest_margins(seed):
    margins = [sorted(p)[-1] - sorted(p)[-2] for p in POOL.probabilities]
    short = sorted(range(N), key=lambda i: margins[i])[:36]
    weights = [1 - margins[i] for i in short]
    expected = plus_plus(POOL.features[short], weights, 12, rng(seed), 0)
    found = select("diverse_margin", POOL, 12, generator=rng(seed))
    assert found.tolist() == [short[i] for i in expected]


def test_diverse_margin_takes_no_copy_while_there_is_another():
    probabilities = np.array([[0.5, 0.5]] * 6 + [[0.6, 0.4]] * 3)
    features = np.array([[0.0]] * 6 + [[5.0], [9.0], [-4.0]])
    pool = Candidates(probabilities=probabilities, features=features)
    assert set(select("diverse_margin", pool, 4, generator=rng())) == {0, 6, 7, 8}
    assert len(set(select("diverse_margin", pool, 7, generator=rng()))) == 7


def test_typiclust_equals_loops():
    owner, _ = k_means(POOL.features - POOL.features.mean(axis=0), 5, rng())
    members = [[i for i in range(N) if owner[i] == c] for c in range(5)]
    queues = []
    for group in sorted(members, key=len, reverse=True):
        x = POOL.features
        spread = {}
        for i in group:
            near = sorted(away(x[i], x[j]) for j in group if j != i)[:NEIGHBORS]
            spread[i] = sum(near) / max(1, len(near))
        queues.append(sorted(group, key=spread.get))
    expected = [queue[0] for queue in queues]
    assert select("typiclust", POOL, 5, generator=rng()).tolist() == expected


def test_typical_is_who_has_near_neighbors_beside_itself():
    x = np.array([[0.0], [1.0], [3.0]], "f")
    assert _mean_distances(x).tolist() == [2.0, 1.5, 2.5]
    assert _mean_distances(x[:1]).tolist() == [0.0]


def test_typiclust_goes_round_again_where_clusters_are_few(monkeypatch):
    monkeypatch.setattr("mode.selection.clustering.CLUSTERS", 1)
    expected = np.argsort(_mean_distances(POOL.features), kind="stable")[:7]
    assert select("typiclust", POOL, 7, generator=rng()).tolist() == expected.tolist()


def blobs(*sizes: int) -> np.ndarray:
    """Circles around far centers, each with the center itself as its first row."""
    rows = []
    for place, size in enumerate(sizes):
        angles = np.linspace(0, 2 * np.pi, size - 1, endpoint=False)
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        rows.append(np.array([100.0 * place, 0]) + np.vstack([[0, 0], ring]))
    return np.vstack(rows)


def test_typiclust_takes_the_middle_of_the_biggest_blob_first():
    pool = Candidates(features=blobs(5, 12, 8))
    chosen = [select("typiclust", pool, 3, generator=rng(seed)).tolist() for seed in range(5)]
    assert chosen == [[5, 17, 0]] * 5


def test_clusters_take_what_is_like_each_kind_of_error_in_turn():
    errors = np.vstack([np.zeros((3, 1)), np.full((6, 1), 100.0)])
    pool = np.array([[1.0], [0.2], [101.0], [103.0], [-9.0], [99.5], [-8.0]])
    like = Candidates(features=pool, error_features=errors)
    for seed in range(5):
        found = select("clusters", like, 2, generator=rng(seed)).tolist()
        assert found == [5, 1]
        # Three clusters over two places: copies of a center own nothing.
        found = select("clusters", like, 7, generator=rng(seed)).tolist()
        assert found == [5, 1, 2, 0, 3, 6, 4]


def test_clusters_equal_loops_over_the_square_root_of_the_errors():
    middle = POOL.error_features.mean(axis=0)
    kind, centers = k_means(POOL.error_features - middle, 5, rng())  # of 20 errors
    queues = [[] for _ in range(5)]
    for i in sorted(
        range(N), key=lambda i: min(away(POOL.features[i] - middle, c) for c in centers)
    ):
        owner = min(range(5), key=lambda c: away(POOL.features[i] - middle, centers[c]))
        queues[owner].append(i)
    sizes = [(kind == c).sum() for c in range(5)]
    expected = [queues[c][0] for c in sorted(range(5), key=lambda c: -sizes[c]) if queues[c]]
    found = select("clusters", POOL, len(expected), generator=rng())
    assert found.tolist() == expected


def test_clusters_without_errors_are_random():
    none = replace(POOL, error_features=np.zeros((0, UNITS)))
    expected = select("random", POOL, 9, generator=rng(4))
    assert select("clusters", none, 9, generator=rng(4)).tolist() == expected.tolist()


def test_k_means_owns_by_the_nearest_center_and_centres_by_the_mean():
    x = blobs(6, 9, 7).astype("f")
    owner, centers = k_means(x, 3, rng())
    for i, row in enumerate(x):
        assert owner[i] == min(range(3), key=lambda c: away(row, centers[c]))
    for c in range(3):
        np.testing.assert_allclose(centers[c], x[owner == c].mean(axis=0), atol=1e-5)
    assert sorted(np.bincount(owner)) == [6, 7, 9]


def test_nearest_equals_loops_in_blocks(monkeypatch):
    monkeypatch.setattr("mode.selection.geometry.BLOCK", 50)
    x, y = POOL.features, POOL.train_features
    expected = [min(range(len(y)), key=lambda j: away(row, y[j])) for row in x]
    assert nearest_rows(x, y).tolist() == expected


def test_round_robin():
    owner = np.array([0, 1, 1, 0, 1, 3])
    scores = np.array([0.3, 0.2, 0.1, 0.1, 0.9, 0.5])
    # Sizes may be others than the owners': cluster 3 has the first turn, cluster 2 nobody.
    found = round_robin(owner, scores, np.array([2, 3, 9, 10]), 5)
    assert found.tolist() == [5, 2, 3, 1, 0]


@pytest.mark.parametrize("name", NAMES)
def test_equal_inputs_come_once_each(name):
    same = replace(POOL, features=np.ones((N, UNITS), "f"))
    assert len(set(select(name, same, 30, generator=rng()).tolist())) == 30


@pytest.mark.parametrize("name", NAMES)
def test_copies_of_few_inputs_come_once_each(name):
    copies = POOL.take(rng().integers(0, 3, N))
    copies = replace(copies, features=copies.features * 1e3)
    assert len(set(select(name, copies, N, generator=rng()).tolist())) == N


@pytest.mark.parametrize("seed", range(9))
def test_rounding_draws_nothing_twice(seed):
    # An input is half away from itself here, and the third is nearer than no distance.
    off = np.array([[0.5, 1, 0, 1e-12], [1, 0.5, -5, 1], [9, 9, 0.5, 9], [9, 9, 9, 0.5]])
    found = kmeans_plusplus(lambda i: off[i].copy(), 4, rng(seed), first=0)
    assert found.tolist() == [0, 1, 3, 2]


def test_what_is_at_no_distance_is_not_drawn():
    class Lowest:
        def random(self) -> float:
            return 0.0

    x = np.array([[0.0], [0.0], [3.0], [5.0]], "f")
    assert kmeans_plusplus(squared_distances(x), 4, Lowest(), first=0).tolist() == [0, 2, 3, 1]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "badge"])  # has an origin
def test_states_far_from_the_origin_are_told_apart_as_well(name):
    columns = ("features", "train_features", "error_features")
    whole = replace(POOL, **{c: np.round(getattr(POOL, c) * 64) / 64 for c in columns})
    moved = replace(whole, **{c: getattr(whole, c) + 256 for c in columns})
    found, expected = (select(name, pool, 12, generator=rng()) for pool in (moved, whole))
    assert set(found.tolist()) == set(expected.tolist())


@pytest.mark.parametrize("name", ["core_set", "badge", "typiclust"])
def test_a_large_pool_is_subsampled(name, monkeypatch):
    monkeypatch.setattr(candidates, "PAIRWISE", 30)
    few = [set(select(name, POOL, 30, generator=rng(seed)).tolist()) for seed in range(4)]
    assert few == [set(rng(seed).permutation(N)[:30].tolist()) for seed in range(4)]
    more = select(name, POOL, 50, generator=rng())
    assert len(set(more.tolist())) == 50
    assert set(more[:30].tolist()) == few[0]


def test_a_subsample_is_chosen_from_by_its_activations(monkeypatch):
    monkeypatch.setattr(candidates, "PAIRWISE", 30)
    order = rng().permutation(N)[:30]
    best = farthest_first(POOL.features[order], list(POOL.train_features), [], 5)
    assert select("core_set", POOL, 5, generator=rng()).tolist() == order[best].tolist()


def test_of_many_training_states_random_ones_count(monkeypatch):
    monkeypatch.setattr("mode.selection.surprise.MAX_TRAINING", 9)
    choices = {tuple(select("dsa", POOL, 9, generator=rng(seed))) for seed in range(5)}
    assert len(choices) == 5


@pytest.mark.parametrize("name", NAMES)
def test_memory_does_not_grow_with_pairs(name):
    pool = drawn(12_000, known=6_000, errors=500, units=28)
    select(name, POOL, 5, generator=rng())
    tracemalloc.start()
    select(name, pool, 600, generator=rng())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6, "a matrix of all pairs would be 288 MB or more"


def test_the_training_part_is_not_cut():
    cut = POOL.take(np.array([4, 2]))
    assert len(cut) == 2
    assert (cut.features == POOL.features[[4, 2]]).all()
    for name in ("train_features", "train_labels", "error_features"):
        assert getattr(cut, name) is getattr(POOL, name)
    assert len(Candidates(features=np.zeros((7, 2)))) == 7
    assert len(Candidates(train_features=np.zeros((7, 2)))) == 0


def test_bad_columns_are_refused(refused):
    needs = {
        "misclassified_then_random": ["probabilities", "labels"],
        "signed_margin": ["probabilities", "labels"],
        "misclassified_then_margin": ["probabilities", "labels"],
        "dsa": ["probabilities", "features", "train_features", "train_labels"],
        "mdsa": ["probabilities", "features", "train_features", "train_labels"],
        "core_set": ["features"],
        "badge": ["features", "probabilities"],
        "typiclust": ["features"],
        "clusters": ["features", "error_features"],
        "diverse_margin": ["features", "probabilities"],
    }
    assert set(needs) <= set(SELECTORS)
    for name, columns in needs.items():
        for column in columns:
            lacks = replace(POOL, **{column: None}, size=N)
            assert refused(select, name, lacks, 1, generator=rng()) == (
                f"this selector needs candidates with {column}. Received: None."
            )
    assert refused(Candidates, train_features=np.zeros((3, 1)), train_labels=np.zeros(4)) == (
        "train_features and train_labels must have the same length. "
        "Received: train_features: 3, train_labels: 4."
    )
    other = replace(POOL, train_features=np.zeros((60, 5)))
    for name in ("dsa", "mdsa", "core_set"):
        assert refused(select, name, other, 1, generator=rng()) == (
            "train_features must have the shape (n, 6). Received: shape (60, 5)."
        )
    bad = POOL.features.copy()
    bad[3, 2] = np.nan
    assert refused(select, "typiclust", replace(POOL, features=bad), 1, generator=rng()) == (
        "features must be finite. Received: nan at index (3, 2), 1 in all."
    )
    flat = replace(POOL, features=np.zeros(N))
    assert refused(select, "core_set", flat, 1, generator=rng()) == (
        "features must have 2 axes. Received: shape (90,)."
    )
    empty = replace(POOL, train_features=np.zeros((0, UNITS)), train_labels=np.zeros(0, int))
    assert refused(select, "dsa", empty, 1, generator=rng()) == (
        "train_features must not be empty. Received: length 0."
    )
