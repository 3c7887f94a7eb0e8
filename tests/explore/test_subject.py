"""What panels show of a subject is what the methods say of it."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from mode.data import load
from mode.distances import distance
from mode.explore import repair_panel, views
from mode.explore.subject import PIXELS, evaluate, first_round_seed, open_subject
from mode.faults import faulty_labels
from mode.heatmaps import differential, heatmaps
from mode.layers import target_layer
from mode.models import build, predict
from mode.repair import RECIPES, repair


def test_labels_and_faults_are_those_of_the_diagnosis_part(subject):
    data, model = subject.data, subject.model
    judged, seen = predict(model, data.diagnosis.x), predict(model, data.train.x)
    faults = faulty_labels(data.diagnosis.y, judged, data.train.y, seen)
    assert subject.worst == faults["label"][0]
    for label in range(10):
        own = data.diagnosis.y == label
        assert subject.labels["accuracy"][label] == (judged[own].argmax(axis=1) == label).mean()
        kinds = faults["kind"][faults["label"] == label].tolist()
        assert subject.labels["kind"][label] == "".join(kinds)


def test_nothing_given_is_changed(digits):
    model = build("published", seed=3)
    weights, x = model.get_weights(), digits.pool.x.copy()
    subject = evaluate(model, digits)
    views.rank_pool(subject, "metric: cosine", 1, layer="hidden_1")
    assert all((a == b).all() for a, b in zip(weights, model.get_weights(), strict=True))
    assert (x == digits.pool.x).all()


@pytest.mark.parametrize("kind", ["under-fitted", "over-fitted", ""])
def test_the_layer_to_blame_is_that_of_target_layer(subject, kind):
    """A label without a fault is looked at as if it were under-fitted."""
    label = subject.labels["kind"].tolist().index(kind)
    kind = kind or "under-fitted"
    found = subject.layer_choice(label)
    given = subject.model, subject.data, label
    wanted = target_layer(*given, kind=kind, seed=first_round_seed(0))
    assert (found.kind, found.layer) == (kind, wanted.layer)
    assert found.curve.equals(wanted.curve)


@pytest.mark.parametrize("which", views.MAPS)
def test_pixel_maps_are_those_of_the_images(subject, which):
    data = subject.data
    maps = heatmaps(data.diagnosis.x, data.diagnosis.y, subject.state.predictions, kind="pixel")
    wanted = maps.hci[5] if which == "hci" else differential(maps, 5, which)
    assert np.array_equal(views.label_map(subject, 5, PIXELS, which), wanted)


@pytest.mark.parametrize("which", ["dhci", "dhmi"])
def test_a_metric_ranks_every_candidate_from_near_to_far(subject, which):
    found = views.rank_pool(subject, "metric: euclidean", 5, layer=PIXELS, name=which, count=4)
    pool = subject.data.pool
    among = [i for i in range(len(pool)) if (pool.y[i] == 5) == (which == "dhci")]
    heatmap = views.label_map(subject, 5, PIXELS, which)
    gaps = {i: float(np.sqrt(((pool.x[i].astype(float) - heatmap) ** 2).sum())) for i in among}
    order = sorted(among, key=gaps.get)
    assert found.best.tolist() == order[:4]
    assert found.worst.tolist() == order[::-1][:4]
    assert found.count == len(among)
    assert found.scores == pytest.approx({i: gaps[i] for i in (*order[:4], *order[-4:])}, rel=1e-6)


def test_states_of_a_layer_are_compared_as_the_repair_does(subject):
    found = views.rank_pool(subject, "metric: cosine", 9, layer="hidden_2")
    own = np.flatnonzero(subject.data.pool.y == 9)
    heatmap = differential(subject.maps("hidden_2"), 9)
    scores = distance("cosine", subject.pool_features("hidden_2")[own], heatmap)
    assert found.best[0] == own[scores.argmin()]
    assert found.worst[0] == own[scores.argmax()]


def test_margin_ranks_by_the_lead_of_the_likeliest_class(subject):
    found = views.rank_pool(subject, "selector: margin", 3, layer=PIXELS)
    own = np.flatnonzero(subject.data.pool.y == 3)
    top = np.sort(subject.pool_probabilities[own], axis=1)
    leads = top[:, -1] - top[:, -2]
    assert found.best.tolist() == own[np.argsort(leads, kind="stable")[:6]].tolist()
    assert found.scores[found.best[0]] == pytest.approx(
        subject.pool_probabilities[found.best[0], 3]
    )


@pytest.mark.parametrize("way", views.CRITERIA)
def test_every_way_ranks_inputs_of_the_label(subject, way):
    found = views.rank_pool(subject, way, 7, layer="hidden_1", count=3)
    chosen = [*found.best, *found.worst]
    assert len(set(chosen)) == 6
    assert (subject.data.pool.y[chosen] == 7).all()
    assert np.isfinite(list(found.scores.values())).all()


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("metric: cosine", "All 200 inputs"),
        ("selector: margin", "All 200 inputs"),
        ("selector: badge", "The first 150 of 200 inputs"),
    ],
)
def test_what_is_left_out_of_an_order_is_told(subject, monkeypatch, way, said):
    monkeypatch.setattr(views, "MAX_COMPARED", 150)
    found = views.rank_pool(subject, way, 7, layer="hidden_1", count=200)
    assert f"{said} of the pool were ranked" in views.ranking_pictures(subject, found)
    own = np.flatnonzero(subject.data.pool.y == 7)[: len(found.best)]
    assert len(own) == found.count
    assert sorted(found.best) == own.tolist()


@pytest.mark.parametrize("selector", ["recommended", "mode", "published", "margin", "random"])
def test_what_the_first_round_would_choose_is_what_it_chooses(subject, selector):
    recipe = repair_panel.recipe_of(selector, rounds=1, inputs_per_round=60)
    options = {"rounds": 1, "inputs_per_round": 60, "epochs": 1}
    done = repair(subject.model, subject.data, recipe=selector, **options)
    assert np.array_equal(subject.first_selection(recipe)[0], done.chosen[0])


def test_the_chosen_label_is_aimed_at(subject):
    label = subject.labels["kind"].tolist().index("over-fitted")
    recipe = repair_panel.recipe_of("mode", rounds=1, inputs_per_round=40, label=label)
    indices, state, _ = subject.first_selection(recipe)
    assert (state.fault["label"], state.fault["kind"]) == (label, "over-fitted")
    # Of the selector's ten inputs five are of the label, five taken for it.
    assert (subject.data.pool.y[indices[:10]] == label).tolist() == [True] * 5 + [False] * 5


def test_a_repair_is_followed_round_by_round_with_its_control(subject):
    recipe = repair_panel.recipe_of("recommended", rounds=2, inputs_per_round=50)
    recipe, seen = replace(recipe, epochs=2), []
    state = repair_panel.repair_live(
        subject, recipe, lambda now: seen.append(len(now.rows)), lambda: False
    )
    plain = repair(subject.model, subject.data, rounds=2, inputs_per_round=50, epochs=2)
    table = pd.DataFrame(state.rows)
    assert seen == [2, 3, 4, 5, 6]
    assert table["method"].tolist() == ["repair", "control"] + 2 * ["repair"] + 2 * ["control"]
    assert table["accuracy"][2:4].tolist() == plain.rounds["accuracy"][1:].tolist()
    assert table["accuracy"][4:].tolist() == state.control.rounds["accuracy"][1:].tolist()
    assert not np.isin(state.control.chosen[0], plain.chosen[0]).all()


@pytest.mark.parametrize(("after", "repaired", "controlled"), [(1, 1, None), (4, 3, 1)])
def test_a_cancelled_repair_keeps_what_it_has(subject, after, repaired, controlled):
    recipe = repair_panel.recipe_of("random", rounds=3, inputs_per_round=50)
    told = []
    state = repair_panel.repair_live(subject, recipe, told.append, lambda: len(told) > after)
    assert len(state.repair.chosen) == repaired
    assert state.repair.kept == repaired
    assert (None if state.control is None else len(state.control.chosen)) == controlled
    whole = repair(
        subject.model, subject.data, recipe="random", rounds=repaired, inputs_per_round=50
    )
    assert state.repair.rounds["accuracy"].tolist() == whole.rounds["accuracy"].tolist()
    assert repair_panel.outcome(state).startswith(f"{subject.accuracy:.1%} became ")


def test_a_repair_is_saved(subject, tmp_path):
    recipe = repair_panel.recipe_of("random", rounds=1, inputs_per_round=50)
    state = repair_panel.repair_live(subject, recipe, lambda now: None, lambda: True)
    said = repair_panel.save(state, tmp_path / "new")
    assert said == f"repaired.keras, rows.csv and chosen.csv are in {tmp_path / 'new'}"
    data = subject.data
    arrays = {f"{a}_{n}": getattr(getattr(data, n), a) for n in data.sizes() for a in "xy"}
    np.savez(tmp_path / "data.npz", **arrays)
    again = open_subject(tmp_path / "new" / "repaired.keras", tmp_path / "data.npz")
    assert again.accuracy == state.repair.rounds["accuracy"].iloc[-1]


def test_a_model_that_scales_bytes_itself_is_asked_and_saved_as_it_is(small, tmp_path):
    layers = keras.layers
    head = [layers.Flatten(), layers.Dense(28, "relu"), layers.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), *head])
    model.compile("adam", "sparse_categorical_crossentropy")
    parts = {name: getattr(small, name) for name in small.sizes()}
    seen = {name: np.uint8(part.x * 255 + 0.5) for name, part in parts.items()}
    model.fit(seen["train"], parts["train"].y, epochs=3, verbose=0)
    model.save(tmp_path / "model.keras")
    arrays = {f"x_{name}": x for name, x in seen.items()}
    np.savez(tmp_path / "data.npz", **arrays, **{f"y_{n}": part.y for n, part in parts.items()})
    subject = open_subject(tmp_path / "model.keras", tmp_path / "data.npz")

    def accuracy(asked):
        return (asked.predict(seen["test"], verbose=0).argmax(axis=1) == parts["test"].y).mean()

    assert subject.accuracy == pytest.approx(accuracy(model), abs=5e-3)
    recipe = repair_panel.recipe_of("random", rounds=1, inputs_per_round=50)
    state = repair_panel.repair_live(subject, recipe, lambda now: None, lambda: True)
    repair_panel.save(state, tmp_path)
    saved = keras.saving.load_model(tmp_path / "repaired.keras")
    assert accuracy(saved) == pytest.approx(state.repair.rounds["accuracy"].iloc[-1], abs=5e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda s: views.rank_pool(s, "metric: cosine", 1, layer="hidden_9"),
            "layer must be one of 'hidden_1', 'hidden_2', 'hidden_3', 'output', 'pixels'. "
            "Received: 'hidden_9'. Did you mean 'hidden_3'?",
        ),
        (
            lambda s: views.label_map(s, 1, PIXELS, "dhxi"),
            "map must be one of 'dhci', 'dhmi', 'dhwi', 'hci'. Received: 'dhxi'. "
            "Did you mean 'dhwi'?",
        ),
        (lambda s: open_subject("model.keras"), "model and data must be given together. "
         "Received: 'model.keras' and ''."),
        (
            lambda s: evaluate(build("published", classes=5), load("digits")),
            "the model must tell 10 classes apart. Received: 5.",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(subject, refused, call, message):
    assert refused(call, subject) == message


def test_a_label_that_the_pool_lacks_is_told(subject, refused):
    pool = subject.data.pool
    without = subject.data.with_part("pool", pool.take(pool.y != 4))
    lacking = replace(
        subject, data=without, pool_probabilities=subject.pool_probabilities[pool.y != 4]
    )
    assert refused(views.rank_pool, lacking, "selector: margin", 4, layer=PIXELS) == (
        "the pool must hold inputs of the label. Received: none of 4."
    )


def test_recipes_and_ways_are_all_there():
    assert {"metric: dot", "metric: earth_mover_2d", "selector: badge"} <= set(views.CRITERIA)
    assert "recommended" in RECIPES
