"""Each defect of the replication is a switch, and each switch changes what it says."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from mode.distances import distance
from mode.faults import faulty_labels
from mode.heatmaps import heatmaps
from mode.models import predict
from mode.repair import (
    DEFECTS,
    PROTOCOLS,
    Defects,
    Recipe,
    control,
    drawable,
    run,
)
from mode.repair.state import RepairState
from mode.studies.experiments import compare_metrics
from mode.studies.methods import protocol_recipe

PIXEL = Recipe(
    kind="pixel", layer="output", alpha=1.0, rounds=1, inputs_per_round=20, epochs=1, gamma=1.0
)


def on(name: str, recipe: Recipe) -> Recipe:
    """The recipe with this switch alone turned on."""
    return replace(recipe, defects=Defects(**{name: True}))


def chosen(model, data, recipe: Recipe) -> list[int]:
    return run(model, data, recipe).chosen[0].tolist()


def ranked(model, data, recipe: Recipe, metric: str) -> list[int]:
    """All inputs of the worst label, nearest to its DHCI of pixels first, the plain way."""
    seen = predict(model, data.diagnosis.x).argmax(axis=1)
    label = run(model, data, recipe).rounds["label"][1]
    y = data.diagnosis.y
    means = [data.diagnosis.x[(y == k) & (seen == k)].mean(axis=0) for k in range(10)]
    means = [mean / mean.max() for mean in means]
    target = means[label] - np.mean([means[k] for k in range(10) if k != label], axis=0)
    target = target / abs(target).max()
    own = np.flatnonzero(data.pool.y == label)
    return own[np.argsort(distance(metric, data.pool.x[own], target), kind="stable")].tolist()


def test_all_on_is_published_and_all_off_is_corrected():
    assert PROTOCOLS["published"].on() == list(DEFECTS)
    assert PROTOCOLS["corrected"].on() == []
    assert list(DEFECTS) == [switch.name for switch in fields(Defects)]


def test_earth_mover_unflipped_takes_the_least_similar(under_fitted, small):
    recipe = replace(PIXEL, metric="earth_mover")
    order = ranked(under_fitted, small, recipe, "earth_mover_2d")
    assert set(chosen(under_fitted, small, recipe)) == set(order[:20])
    flipped = on("earth_mover_unflipped", recipe)
    assert set(chosen(under_fitted, small, flipped)) == set(order[-20:])
    others = replace(flipped, metric="cosine")
    assert (
        chosen(under_fitted, small, others) == ranked(under_fitted, small, PIXEL, "cosine")[:20]
    ), "that branch alone"


def test_canberra_is_chebyshev(under_fitted, small):
    canberra = replace(PIXEL, metric="canberra")
    chebyshev = ranked(under_fitted, small, PIXEL, "chebyshev")[:20]
    assert (
        chosen(under_fitted, small, canberra) == ranked(under_fitted, small, PIXEL, "canberra")[:20]
    )
    assert chosen(under_fitted, small, on("canberra_is_chebyshev", canberra)) == chebyshev
    assert chosen(under_fitted, small, canberra) != chebyshev


def test_gray_level_earth_mover_is_blind_to_position(under_fitted, small):
    recipe = replace(PIXEL, metric="earth_mover")
    gray = on("gray_level_earth_mover", recipe)
    expected = ranked(under_fitted, small, recipe, "earth_mover")[:20]
    assert chosen(under_fitted, small, gray) == expected
    assert set(chosen(under_fitted, small, recipe)) != set(expected)


def test_pixel_hci_only_compares_images_with_the_mean_image(under_fitted, small):
    recipe = replace(PIXEL, kind="mean", metric="cosine")
    label = run(under_fitted, small, recipe).rounds["label"][1]
    seen = predict(under_fitted, small.diagnosis.x)
    mean = heatmaps(small.diagnosis.x, small.diagnosis.y, seen, kind="pixel").hci[label]
    own = np.flatnonzero(small.pool.y == label)
    near = np.argsort(distance("cosine", small.pool.x[own], mean), kind="stable")
    on_pixels = on("pixel_hci_only", recipe)
    assert chosen(under_fitted, small, on_pixels) == own[near][:20].tolist()
    assert (
        chosen(under_fitted, small, replace(on_pixels, layer="last hidden"))
        == own[near][:20].tolist()
    ), "the layer cannot matter"
    by_layer = [
        chosen(under_fitted, small, replace(recipe, layer=layer))
        for layer in ("output", "last hidden")
    ]
    assert by_layer[0] != by_layer[1] != own[near][:20].tolist()


def test_layer_never_differs(under_fitted, small):
    recipe = Recipe(layer="chosen", eps=1.0, rounds=2, inputs_per_round=20, epochs=1, gamma=1.0)
    layers = [
        run(under_fitted, small, r).rounds["layer"].tolist()
        for r in (recipe, on("layer_never_differs", recipe))
    ]
    assert layers == [["", "hidden_1", "hidden_1"], ["", "output", "output"]]


def test_test_leak_diagnoses_on_the_test_part(under_fitted, small):
    recipe = replace(PIXEL, metric="cosine", gamma=0.1)
    predictions = predict(under_fitted, small.train.x)
    for switch, part in ((recipe, small.diagnosis), (on("test_leak", recipe), small.test)):
        expected = faulty_labels(
            part.y, predict(under_fitted, part.x), small.train.y, predictions, classes=10
        )
        repaired = run(under_fitted, small, switch)
        pd.testing.assert_frame_equal(repaired.faults, expected)
    data = small.with_part("test", small.test.take(small.test.y != 3))
    assert not (run(under_fitted, data, on("test_leak", recipe)).faults["label"] == 3).any()
    assert RepairState(under_fitted, small, on("test_leak", recipe), 0).evaluation is small.test
    leaking = on("test_leak", replace(recipe, layer="chosen"))
    probes = RepairState(under_fitted, small, leaking, 0).probes
    assert len(probes.diagnosis["output"]) == len(small.test)


def test_one_split_diagnosis_looks_at_the_diagnosing_part_alone(over_fitted, small):
    recipe = replace(PIXEL, theta=0.92, gamma=0.1)
    faults = RepairState(over_fitted, small, on("one_split_diagnosis", recipe), 0).faults
    right = predict(over_fitted, small.diagnosis.x).argmax(axis=1) == small.diagnosis.y
    below = [n for n in range(10) if right[small.diagnosis.y == n].mean() < 0.92]
    assert sorted(faults["label"]) == below
    assert set(faults["kind"]) == {"under-fitted"}
    both = RepairState(over_fitted, small, recipe, 0).faults
    assert "over-fitted" in set(both["kind"])


def test_probe_diagnoses_instead_of_the_model(under_fitted, small):
    recipe = replace(PIXEL, layer="chosen")
    own = predict(under_fitted, small.diagnosis.x)
    state = RepairState(under_fitted, small, recipe, 0)
    np.testing.assert_array_equal(state.predictions, own)
    probed = RepairState(under_fitted, small, on("probe_diagnoses", recipe), 0)
    np.testing.assert_array_equal(probed.predictions, state.probes.diagnosis["output"])
    assert not state.faults.equals(probed.faults)
    without = on("probe_diagnoses", replace(recipe, layer="output"))
    predictions = RepairState(under_fitted, small, without, 0).predictions
    np.testing.assert_array_equal(predictions, own)


def test_extra_control_batch(under_fitted, small):
    recipe = replace(PIXEL, rounds=3, metric="cosine", replay=0)
    repaired = run(under_fitted, small, replace(recipe, rounds=1))
    fair = control(under_fitted, small, recipe, repaired)
    unfair = control(under_fitted, small, on("extra_control_batch", recipe), repaired)
    assert list(map(len, fair.chosen)) == [20]
    assert list(map(len, unfair.chosen)) == [20, 20]
    used = set(repaired.chosen[0].tolist())
    assert not used & set(np.concatenate(unfair.chosen).tolist())
    whole = replace(recipe, inputs_per_round=600)
    assert set(control(under_fitted, small, whole, repaired).chosen[0].tolist()) >= used
    before = int(under_fitted.optimizer.iterations)
    assert int(fair.model.optimizer.iterations) == before + 1
    assert int(unfair.model.optimizer.iterations) == 1 + 2, "its optimizer was reset"


def test_fresh_init_gives_each_metric_a_model_of_its_own(small):
    recipe = protocol_recipe(
        "corrected", layer_selection=False, rounds=1, inputs_per_round=20, epochs=1
    )
    for switch, models in ((recipe, 1), (on("fresh_init", recipe), 2)):
        rows = pd.concat(compare_metrics(small, switch, metrics=["dot", "cosine"], epochs=1))
        starts = rows[rows["round"] == 0].drop(columns="method").drop_duplicates()
        assert starts["metric"].tolist() == ["dot", "cosine"], "a control starts as its repair does"
        assert len(starts.drop(columns="metric").drop_duplicates()) == models


def test_no_replay_trains_on_the_batch_alone_without_the_label(under_fitted, small):
    recipe = replace(PIXEL, metric="cosine", alpha=0.25, inputs_per_round=80, replay=2.0)
    alone = run(under_fitted, small, on("no_replay", recipe))
    label, batch = alone.rounds["label"][1], alone.chosen[0]
    assert (small.pool.y[batch[:20]] == label).all()
    assert not (small.pool.y[batch[20:]] == label).any()
    replayed = run(under_fitted, small, recipe)
    assert (small.pool.y[replayed.chosen[0][20:]] == label).any()
    steps = [
        int(r.model.optimizer.iterations) - int(under_fitted.optimizer.iterations)
        for r in (alone, replayed)
    ]
    assert steps == [3, 8]  # 80, and 80 + 160, inputs in batches of 32
    twice = run(under_fitted, small, on("no_replay", replace(recipe, rounds=2)))
    steps = int(twice.model.optimizer.iterations) - int(under_fitted.optimizer.iterations)
    assert steps == 6, "nor on the batch of the round before"


def test_swapped_hmi_hwi(over_fitted, small):
    recipe = Recipe(
        layer="last hidden", alpha=1.0, theta=0.0, gamma=0.02, inputs_per_round=20, epochs=1
    )
    recipe = replace(recipe, rounds=1)
    swapped = on("swapped_hmi_hwi", recipe)
    maps = [
        RepairState(over_fitted, small, each, 0).maps_at("hidden_2") for each in (recipe, swapped)
    ]
    np.testing.assert_array_equal(maps[0].hmi, maps[1].hwi)
    np.testing.assert_array_equal(maps[0].hwi, maps[1].hmi)
    assert chosen(over_fitted, small, recipe) != chosen(over_fitted, small, swapped)


def test_depleted_figures_changes_what_is_drawn_and_no_repair(under_fitted, small):
    recipe = replace(PIXEL, metric="cosine")
    repaired = run(under_fitted, small, recipe)
    used = set(np.concatenate(repaired.chosen).tolist())
    assert drawable(small, repaired, Defects()).tolist() == list(range(len(small.pool)))
    left = drawable(small, repaired, on("depleted_figures", recipe).defects)
    assert set(left.tolist()) == set(range(len(small.pool))) - used
    runs = [run(under_fitted, small, r) for r in (recipe, on("depleted_figures", recipe))]
    pd.testing.assert_frame_equal(*(r.rounds.drop(columns="seconds") for r in runs))


@pytest.mark.parametrize("name", DEFECTS)
def test_every_defect_can_be_on_alone(name):
    assert Defects(**{name: True}).on() == [name]
