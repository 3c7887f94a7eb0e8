"""The repair loop, its control and what it refuses, on a few hundred digits."""

from copy import deepcopy
from dataclasses import fields, replace

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from mode import seeds
from mode.data import Data
from mode.distances import DISTANCES
from mode.heatmaps import KINDS
from mode.models import build, predict, train
from mode.repair import (
    PROTOCOLS,
    RECIPES,
    Recipe,
    control,
    pool_selection,
    run,
)
from mode.repair import repair as repair_
from mode.repair.recipe import LAYERS, MAPS, REPLAY_FILTERS, RETRAININGS
from mode.repair.round import measure
from mode.selection import SELECTORS
from mode.studies.experiments import compare_metrics, initial_model
from mode.studies.methods import METRICS, protocol_recipe
from tests.messages import listed

QUICK = {"rounds": 2, "inputs_per_round": 60, "epochs": 1}


def repair(model, data, **options):
    return repair_(model, data, **{**QUICK, **options})


def without_seconds(repaired) -> pd.DataFrame:
    return repaired.rounds.drop(columns="seconds")


def state(model: keras.Model) -> list[bytes]:
    variables = [*model.variables, *model.optimizer.variables]
    return [np.asarray(variable).tobytes() for variable in variables]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_repairs_and_keeps_to_the_rules(recipe, under_fitted, small):
    before, pool = state(under_fitted), small.pool.x.copy()
    repaired = repair(under_fitted, small, recipe=recipe)
    assert state(under_fitted) == before
    assert (small.pool.x == pool).all()
    rounds = repaired.rounds
    assert rounds["round"].tolist() == [0, 1, 2]
    assert rounds["inputs"].tolist() == [0, 60, 120]
    chosen = np.concatenate(repaired.chosen)
    assert len(set(chosen.tolist())) == len(chosen) == 120, "no input twice"
    assert repaired.notes == ()
    correct = predict(repaired.model, small.test.x).argmax(axis=1) == small.test.y
    assert repaired.result["accuracy"] == pytest.approx(correct.mean())
    if recipe != "recommended":  # whose model may be a mix with the original's weights
        assert repaired.result["accuracy"] == rounds["accuracy"][repaired.kept]
    assert repaired.kept in (0, rounds["diagnosis accuracy"][1:].idxmax())
    assert (rounds["seconds"][1:] > 0).all()


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(under_fitted, small):
    one, two, other = (repair(under_fitted, small, recipe="mode", seed=seed) for seed in (3, 3, 4))
    assert without_seconds(one).to_csv() == without_seconds(two).to_csv()
    np.testing.assert_array_equal(np.stack(one.chosen), np.stack(two.chosen))
    assert without_seconds(one).to_csv() != without_seconds(other).to_csv()


def test_more_inputs_help(under_fitted, small):
    repaired = repair(under_fitted, small, rounds=3, inputs_per_round=200, epochs=5)
    accuracy = repaired.rounds["accuracy"]
    assert accuracy.iloc[-1] > accuracy.iloc[0] + 0.1


def test_measure_by_hand(small):
    part = small.test.take(np.arange(4))
    data = small.with_part("test", replace(part, y=np.array([0, 0, 1, 2])))
    before, after = (np.eye(10)[classes] for classes in ([0, 1, 1, 1], [0, 0, 2, 1]))
    row = measure(data, before, after)
    assert row["accuracy"] == 0.5
    assert (row["repaired"], row["broken"], row["worst accuracy"]) == (1, 1, 0)
    assert [row[f"accuracy of {label}"] for label in range(3)] == [1, 0, 0]
    assert np.isnan(row["accuracy of 3"])


def test_targeted_inputs_are_of_the_worst_label(under_fitted, small):
    repaired = repair(under_fitted, small, recipe="mode", metric="cosine", alpha=0.5)
    first = repaired.faults.iloc[0]
    assert repaired.rounds["label"][1] == first["label"]
    assert first["accuracy"] == repaired.faults["accuracy"].min()
    batch = small.pool.y[repaired.chosen[0]]
    selected = 30 if first["kind"] == "under-fitted" else 15
    assert (batch[:selected] == first["label"]).all()


def test_uncertain_inputs_are_chosen_by_the_models_own_margin(under_fitted, small):
    repaired = repair(under_fitted, small, recipe="margin", rounds=1)
    top = np.sort(under_fitted.predict(small.pool.x, verbose=0), axis=1)
    margins = top[:, -1] - top[:, -2]
    assert margins[repaired.chosen[0]].max() <= np.sort(margins)[59] + 1e-5


def test_over_fitting_takes_inputs_of_the_label_and_of_others(over_fitted, small):
    recipe = Recipe(
        alpha=1.0, theta=0.0, gamma=0.02, rounds=1, inputs_per_round=20, epochs=1, eps=0.01
    )
    repaired = run(over_fitted, small, recipe)
    assert repaired.rounds["kind"][1] == "over-fitted"
    own = small.pool.y[repaired.chosen[0]] == repaired.rounds["label"][1]
    assert own.tolist() == [True] * 10 + [False] * 10


def test_a_sound_model_is_left_alone(under_fitted, small):
    repaired = repair(under_fitted, small, recipe="mode", theta=0.0, gamma=1.0)
    assert repaired.chosen == ()
    assert repaired.notes == ("round 1 was not needed: no label is faulty",)
    assert repaired.rounds["round"].tolist() == [0]
    assert repaired.model is not under_fitted
    assert repaired.faults.empty
    alone = control(under_fitted, small, Recipe(), repaired)
    assert alone.chosen == ()
    assert alone.model is not under_fitted


@pytest.mark.parametrize("selector", ["mode", "targeted_random", "recommended"])
def test_the_control_gets_as_many_inputs(selector, under_fitted, small):
    """Also where the pool has too few of the label: 200 of 600 inputs, of which about 60 are."""
    recipe = replace(RECIPES[selector], rounds=2, inputs_per_round=200, epochs=1, gamma=1.0)
    recipe = recipe if selector == "recommended" else replace(recipe, alpha=1.0)
    repaired = run(under_fitted, small, recipe)
    alone = control(under_fitted, small, recipe, repaired)
    assert list(map(len, alone.chosen)) == list(map(len, repaired.chosen)) == [200, 200]
    assert set(alone.chosen[0].tolist()) != set(repaired.chosen[0].tolist())
    if selector != "recommended":
        own = (small.pool.y == repaired.rounds["label"][1]).sum()
        note = f"round 1: only {own} of 200 inputs to select from: the rest is random"
        assert repaired.notes[0] == note


def test_a_control_has_no_label_and_no_limit(under_fitted, small):
    recipe = replace(
        RECIPES["mode"], rounds=2, inputs_per_round=60, epochs=1, label=3, max_broken=0.0
    )
    repaired = run(under_fitted, small, recipe)
    alone = control(under_fitted, small, recipe, repaired)
    assert alone.kept == len(alone.chosen) == 2
    assert alone.rounds["label"].tolist()[1:] != [3, 3]


@pytest.mark.parametrize("theta", [0.0, 1.0])
def test_resumed_faults_have_the_types_of_found_ones(theta, under_fitted, small, tmp_path):
    """Also where there are none: JSON has no types for columns without rows."""
    options = {
        "recipe": "margin",
        "rounds": 1,
        "theta": theta,
        "gamma": 1.0,
        "checkpoint_dir": tmp_path,
    }
    found = repair(under_fitted, small, **options)
    again = repair(under_fitted, small, **options, resume=True)
    assert found.faults.empty == (theta == 0)
    pd.testing.assert_frame_equal(again.faults, found.faults)


def test_a_used_up_pool_gives_what_it_has_and_says_so(under_fitted, small):
    for recipe in ("mode", "misclassified_then_margin"):
        repaired = repair(
            under_fitted, small, recipe=recipe, rounds=4, inputs_per_round=250, stops=False
        )
        assert list(map(len, repaired.chosen)) == [250, 250, 100]
        assert repaired.rounds["inputs"].tolist() == [0, 250, 500, 600]
        assert [note for note in repaired.notes if "got" in note] == [
            "round 3 got 100 of 250 inputs: pool used up",
            "round 4 got 0 of 250 inputs: pool used up",
        ]
        assert sorted(np.concatenate(repaired.chosen)) == list(range(600))


def test_fine_tuning_goes_on_with_what_it_has_where_the_pool_is_used_up(under_fitted, small):
    recipe = replace(RECIPES["recommended"], rounds=4, inputs_per_round=250, epochs=1)
    tuned = run(under_fitted, small, recipe)
    assert list(map(len, tuned.chosen)) == [250, 250, 100, 0]
    assert tuned.rounds["inputs"].tolist() == [0, 250, 500, 600, 600]
    assert tuned.notes == ()


def without(data: Data, part: str, keep: np.ndarray) -> Data:
    return data.with_part(part, getattr(data, part).take(keep))


@pytest.mark.parametrize("selector", ["mode", "published", "recommended"])
def test_a_class_without_input_in_the_diagnosis_part_is_named(selector, under_fitted, small):
    data = without(small, "diagnosis", small.diagnosis.y != 4)
    data = without(data, "test", data.test.y != 4)
    repaired = repair(under_fitted, data, recipe=selector, rounds=1)
    assert "round 1: label 4 has no input to diagnose it by" in repaired.notes
    assert repaired.rounds["label"][1] != 4
    assert np.isnan(repaired.rounds["accuracy of 4"]).all()


def test_a_class_without_correct_input_falls_back_and_says_so(under_fitted, small):
    wrong = predict(under_fitted, small.diagnosis.x).argmax(axis=1) != small.diagnosis.y
    data = without(small, "diagnosis", (small.diagnosis.y != 5) | wrong)
    repaired = repair(under_fitted, data, recipe="mode", rounds=1, theta=1.0, gamma=1.0)
    assert repaired.rounds["label"][1] == 5
    note = "round 1: label 5 has no correct input: HCI is that of all labels"
    assert note in repaired.notes


def test_a_class_without_error_falls_back_and_says_so(over_fitted, small):
    """Over-fitting of the worst label whose inputs nothing else is taken for."""
    predicted = predict(over_fitted, small.diagnosis.x).argmax(axis=1)
    y = small.diagnosis.y
    recall = [(predicted[y == label] == label).mean() for label in range(10)]
    worst = int(np.argmin(recall))
    data = without(small, "diagnosis", (y == worst) | (predicted != worst))
    options = {"theta": 0.0, "gamma": 0.0, "rounds": 1, "recipe": "mode"}
    one, two, other = (repair(over_fitted, data, **options, seed=seed) for seed in (0, 0, 1))
    assert one.rounds["label"][1] == worst
    assert one.notes[:2] == (
        f"round 1: label {worst} has no input for HMI: it is HCI",
        f"round 1: label {worst} has a heat map of zeros: 7 inputs for it are random",
    )
    others = [repaired.chosen[0][8:15] for repaired in (one, two, other)]  # half of 15, near DHMI
    assert (small.pool.y[others[0]] != worst).all()
    first = np.flatnonzero(small.pool.y != worst)[:7].tolist()
    assert others[0].tolist() == others[1].tolist() != first, "not those that the file has first"
    assert others[0].tolist() != others[2].tolist()


def test_each_target_of_a_round_has_a_random_stream_of_its_own(over_fitted, small, monkeypatch):
    streams, select = [], pool_selection.select_from_pool

    def recorded(*arguments, generator):
        streams.append(deepcopy(generator).random())
        return select(*arguments, generator=generator)

    monkeypatch.setattr(pool_selection, "select_from_pool", recorded)
    recipe = Recipe(theta=0.0, gamma=0.02, rounds=1, inputs_per_round=20, epochs=1)
    run(over_fitted, small, recipe)
    assert len(set(streams)) == len(streams) == 2
    first = seeds.derive(0, "round", 1)
    assert streams[0] == seeds.generator(first, "selector").random(), "as with one target"


def test_a_label_that_the_pool_lacks_is_made_up_for_at_random(under_fitted, small):
    label = repair(under_fitted, small, recipe="mode", rounds=1).rounds["label"][1]
    data = without(small, "pool", small.pool.y != label)
    for kind in ("mean", "pixel"):
        repaired = repair(under_fitted, data, recipe="mode", rounds=1, gamma=1.0, kind=kind)
        assert len(repaired.chosen[0]) == 60
        assert repaired.notes == (
            "round 1: only 0 of 15 inputs to select from: the rest is random",
        )


def small_net(*stack, units=10, last="softmax") -> keras.Model:
    inputs = keras.Input((28, 28, 1))
    hidden = layers.Flatten()(inputs)
    for layer in stack:
        hidden = layer(hidden)
    return keras.Model(inputs, layers.Dense(units, last)(hidden))


class Own(keras.Model):
    """A subclassed network, whose layers cannot be reached."""

    def __init__(self, **options):
        super().__init__(**options)
        self.flatten, self.out = layers.Flatten(), layers.Dense(10, "softmax")

    def call(self, inputs):
        return self.out(self.flatten(inputs))


def one_hot_loss(model: keras.Model) -> keras.Model:
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: small_net(last=None),
        lambda: one_hot_loss(small_net(layers.Dense(8, "relu"))),
        lambda: small_net(layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.2)),
    ],
    ids=["logits", "one-hot", "normalized"],
)
def test_other_kinds_of_models_are_repaired(make, small):
    start = train(make(), small.train.x, small.train.y, epochs=3)
    repaired = repair(start, small, recipe="mode", metric="euclidean", epochs=3)
    assert repaired.rounds["accuracy"].iloc[-1] > repaired.rounds["accuracy"].iloc[0]


@pytest.mark.parametrize("selector", ["margin", "mode"])
def test_a_subclassed_model_is_repaired(selector, small):
    model = Own(name="own")
    model(small.train.x[:2])
    assert len(repair(model, small, recipe=selector, rounds=1, stops=False).chosen) == 1


BAD = [
    (
        {"recipe": "modes"},
        f"recipe must be one of {listed(RECIPES)}. Received: 'modes'. Did you mean 'mode'?",
    ),
    (
        {"metrics": "dot"},
        f"option must be one of {listed(f.name for f in fields(Recipe))}. Received: 'metrics'. "
        "Did you mean 'metric'?",
    ),
    (
        {"metric": "euclidian"},
        f"metric must be one of {listed(DISTANCES)}. Received: 'euclidian'. "
        "Did you mean 'euclidean'?",
    ),
    (
        {"kind": "pixels"},
        f"kind must be one of {listed(KINDS)}. Received: 'pixels'. Did you mean 'pixel'?",
    ),
    (
        {"layer": "hidden_1"},
        f"layer must be one of {listed(LAYERS)}. Received: 'hidden_1'. Did you mean 'last hidden'?",
    ),
    (
        {"map": "dhc"},
        f"map must be one of {listed(MAPS)}. Received: 'dhc'. Did you mean 'dhci'?",
    ),
    (
        {"retraining": "anew"},
        f"retraining must be one of {listed(RETRAININGS)}. Received: 'anew'.",
    ),
    (
        {"selector": "oracle"},
        "retraining must be another one where selector is 'oracle'. Received: 'fine-tune'.",
    ),
    (
        {"replay_filter": "rigth"},
        f"replay_filter must be one of {listed(REPLAY_FILTERS)}. Received: 'rigth'. "
        "Did you mean 'right'?",
    ),
    (
        {"retraining": "scratch", "weight_interpolation": 0.5},
        "weight_interpolation must be 0 where retraining is 'scratch'. Received: 0.5.",
    ),
    ({"weight_averaging": 2}, "weight_averaging must be a number from 0 to 1. Received: 2."),
    ({"alpha": 1.5}, "alpha must be a number from 0 to 1. Received: 1.5."),
    ({"theta": -0.1}, "theta must be a number from 0 to 1. Received: -0.1."),
    ({"replay": float("inf")}, "replay must be a number of at least 0. Received: inf."),
    ({"rounds": 0}, "rounds must be a whole number of at least 1. Received: 0."),
    (
        {"inputs_per_round": 601},
        "inputs_per_round must be at most the pool's 600 inputs. Received: 601.",
    ),
    ({"seed": -1}, "seed must be a whole number of at least 0. Received: -1."),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=[message[:20] for _, message in BAD])
def test_bad_options_are_refused(options, message, under_fitted, small, refused):
    assert refused(repair, under_fitted, small, **options) == message


def test_models_that_do_not_fit_are_refused(small, refused):
    for classes in (5, 12):
        assert refused(repair, build("published", classes=classes), small) == (
            f"the model must tell 10 classes apart. Received: {classes}."
        )
    assert refused(repair, build("published", shape=(14, 14, 1)), small) == (
        "the inputs must have shape ('n', 14, 14, 1). Received: shape (400, 28, 28, 1)."
    )


def test_protocols(refused):
    published = protocol_recipe("published", layer_selection=True)
    corrected = protocol_recipe("corrected", layer_selection=False, inputs_per_round=7)
    assert (published.kind, published.layer) == ("pixel", "chosen")
    assert all(vars(published.defects).values())
    assert (corrected.kind, corrected.layer, corrected.defects.on()) == ("mean", "last hidden", [])
    assert corrected.inputs_per_round == 7
    assert refused(protocol_recipe, "publish", layer_selection=True) == (
        f"protocol must be one of {listed(PROTOCOLS)}. Received: 'publish'. "
        "Did you mean 'published'?"
    )
    lone = protocol_recipe("without no_replay", layer_selection=True)
    assert len(lone.defects.on()) == len(published.defects.on()) - 1
    assert (lone.defects.no_replay, lone.replay) == (False, 2.0)
    selectors = listed({*SELECTORS, "oracle"} - {"class_matched_random"})
    assert refused(Recipe, selector="targeted_random") == (
        f"selector must be one of {selectors}. Received: 'targeted_random'."
    )


def test_the_experiment_has_rows_of_each_metric_and_its_control(small, refused):
    recipe = protocol_recipe(
        "corrected", layer_selection=False, rounds=1, inputs_per_round=50, epochs=1
    )
    rows = pd.concat(compare_metrics(small, recipe, metrics=METRICS[:2], epochs=2))
    assert rows.groupby(["metric", "method"]).size().to_dict() == {
        (metric, method): 2 for metric in ("cosine", "dot") for method in ("control", "mode")
    }
    assert len(METRICS) == 9
    message = refused(next, compare_metrics(small, recipe, metrics=["dott"]))
    assert message.endswith("Received: 'dott'. Did you mean 'dot'?")


def test_each_metric_has_the_control_of_its_own_repair(small):
    """Its pool is the one that the metric's repair has left, though all start from one model."""
    options = {"layer_selection": False, "rounds": 2, "inputs_per_round": 50, "epochs": 1}
    recipe, metrics = protocol_recipe("without fresh_init", **options), ["dot", "euclidean"]
    rows = pd.concat(compare_metrics(small, recipe, metrics=metrics, epochs=2))
    seed = seeds.derive(0, "metric", "shared")
    start = initial_model(small, "published", epochs=2, seed=seed)
    for metric in metrics:
        repaired = run(start, small, replace(recipe, metric=metric), seed=seed)
        expected = control(start, small, recipe, repaired, seed=seed)
        found = rows[(rows["metric"] == metric) & (rows["method"] == "control")]
        columns = [c for c in expected.rounds if c != "seconds"]
        csv = [table[columns].to_csv(index=False) for table in (found, expected.rounds)]
        assert csv[0] == csv[1], metric


UNREAD = {
    "metric": ({"recipe": "margin", "metric": "cosine"}, "a selector that compares inputs"),
    "translation": ({"translation": 1}, "another retraining than 'fine-tune'"),
    "replay": ({"recipe": "mode", "retraining": "scratch", "replay": 1.0}, "retraining='replay'"),
    "eps": ({"recipe": "mode", "layer": "output", "eps": 0.1}, "layer='chosen'"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_an_option_that_nothing_reads_is_refused(name, under_fitted, small, refused):
    options, reader = UNREAD[name]
    message = refused(repair_, under_fitted, small, **options)
    assert message.startswith(f"{name} must be left out: only {reader}")
    assert message.endswith(f"Received: {options[name]!r}.")
    default = getattr(Recipe, name)
    repair_(
        under_fitted, small, rounds=1, inputs_per_round=20, epochs=1, **{**options, name: default}
    )
