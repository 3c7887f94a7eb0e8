"""The repair that is made where nothing is said: what it gains, leaves alone, and keeps to."""

import shutil
import time
from dataclasses import replace
from itertools import product

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from scipy.stats import binomtest

import mode.repair
from mode import seeds
from mode.data import PARTS, Data, Part
from mode.models import build, clone, predict, train
from mode.models.effort import PER_LAYER, multiplications
from mode.repair import RECIPES, fine_tuning, model_choice, repair, run
from mode.repair.fine_tuning import FineTuning, planned_passes
from mode.repair.retraining import retrain
from mode.repair.round import RepairContext
from mode.repair.work import Work
from mode.stats import mcnemar
from tests.zoo import digits as images
from tests.zoo import drawn, published, ready, softmax, stacked

DEFAULT = RECIPES["recommended"]


def table(sizes=(150, 300, 400, 400), *, classes: int = 4, seed: int = 0) -> Data:
    """Overlapping clouds of points in six dimensions."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(classes, 6)) * 1.2
    labels = [np.arange(size) % classes for size in sizes]
    parts = [Part((centers[y] + rng.normal(size=(len(y), 6))).astype("f4"), y) for y in labels]
    return Data(*parts, classes=classes)


def net(*last: layers.Layer, optimizer=None, loss="sparse_categorical_crossentropy"):
    """A tiny dense net with seeded weights; named, so that those of one shape compile once."""
    keras.utils.set_random_seed(0)
    first = [keras.Input((6,), name="inputs"), layers.Dense(8, "relu", name="hidden")]
    last = last or [layers.Dense(4, "softmax", name="output")]
    model = keras.Sequential([*first, *last], name="net")
    model.compile(optimizer or keras.optimizers.Adam(0.01), loss)
    return model


@pytest.fixture(scope="module")
def clouds() -> Data:
    return table()


@pytest.fixture(scope="module")
def lacking(clouds) -> keras.Model:
    """A net that never saw class 2 and is short of training, so that a repair breaks inputs too."""
    known = clouds.train.take(clouds.train.y != 2)
    return train(net(), known.x, known.y, epochs=6)


@pytest.fixture(scope="module")
def whole(lacking, clouds, tmp_path_factory):
    """The default repair, the folder that keeps its rounds, and the progress that it told."""
    folder, shares = tmp_path_factory.mktemp("rounds"), []
    return repair(lacking, clouds, checkpoint_dir=folder, progress=shares.append), folder, shares


def right(model, part: Part) -> np.ndarray:
    return predict(model, part.x).argmax(axis=1) == part.y


def accuracy(model, part: Part) -> float:
    return float(right(model, part).mean())


def weights(model: keras.Model) -> list[bytes]:
    return [array.tobytes() for array in model.get_weights()]


def everything(model: keras.Model, data: Data) -> tuple:
    arrays = [getattr(getattr(data, name), axis).tobytes() for name in PARTS for axis in "xy"]
    state = [np.asarray(variable).tobytes() for variable in model.optimizer.variables]
    return arrays, weights(model), state, float(model.optimizer.learning_rate)


def rows(repaired) -> str:
    return repaired.rounds.drop(columns="seconds").to_csv()


def relabeled(part: Part, places: np.ndarray, *, classes: int, seed: int = 0) -> Part:
    """The part with other labels, drawn at random, at these places."""
    y = part.y.copy()
    moves = np.random.default_rng(seed).integers(1, classes, len(places))
    y[places] = (y[places] + moves) % classes
    return Part(part.x, y)


# What it gains.


def test_an_under_trained_model_gains_clearly(under_fitted, small):
    given = everything(under_fitted, small)
    repaired = repair(under_fitted, small)
    assert everything(under_fitted, small) == given
    before, after = (accuracy(model, small.test) for model in (under_fitted, repaired.model))
    assert after > before + 0.1
    assert repaired.result["accuracy"] == pytest.approx(after)
    assert repaired.rounds["accuracy"][0] == pytest.approx(before)
    on_diagnosis = repaired.rounds["diagnosis accuracy"]
    assert repaired.kept == on_diagnosis[1:].idxmax(), "the first of the best rounds"
    assert accuracy(repaired.model, small.diagnosis) >= on_diagnosis[repaired.kept]
    assert repaired.reason.startswith(f"round {repaired.kept} is the best")
    assert sorted(repaired.chosen[0]) == list(range(600)), "the whole pool"
    assert repaired.suspects.empty
    assert 0 < repaired.seconds < 600


def test_a_class_that_training_had_few_of_is_learned(small):
    """Test inputs of the two classes; others lose little."""
    rare = np.isin(small.train.y, (5, 8)) & (np.arange(400) % 10 > 0)
    data = small.with_part("train", small.train.take(~rare))
    model = train(build("published", seed=1), data.train.x, data.train.y, epochs=30)
    repaired = repair(model, data)
    own = data.test.take(np.isin(data.test.y, (5, 8)))
    others = data.test.take(~np.isin(data.test.y, (5, 8)))
    assert accuracy(repaired.model, own) > accuracy(model, own) + 0.2
    assert accuracy(repaired.model, others) > accuracy(model, others) - 0.03
    assert repaired.result["accuracy"] > repaired.rounds["accuracy"][0] + 0.03


def test_a_class_that_training_lacked_is_learned(lacking, clouds, whole):
    repaired, *_ = whole
    own = clouds.test.take(clouds.test.y == 2)
    assert accuracy(lacking, own) == 0
    assert accuracy(repaired.model, own) > 0.6
    assert repaired.result["accuracy of 2"] == pytest.approx(accuracy(repaired.model, own))


def test_the_same_seed_makes_the_same_model_to_the_byte(lacking, clouds, whole):
    one, two, other = whole[0], *(repair(lacking, clouds, seed=seed) for seed in (0, 4))
    assert weights(one.model) == weights(two.model) != weights(other.model)
    assert rows(one) == rows(two) != rows(other)
    assert (one.kept, one.reason) == (two.kept, two.reason)


@pytest.mark.parametrize("recipe", ["margin", "mode"])
def test_run_returns_the_last_rounds_model_of_another_recipe(recipe, lacking, clouds):
    """As it is trained round by round, and without measuring the diagnosis split."""
    recipe = replace(RECIPES[recipe], rounds=2, inputs_per_round=20, stops=False)
    done = run(lacking, clouds, recipe, seed=5)
    latest = lacking
    for number in (1, 2):
        stream = seeds.derive(5, "round", number)
        latest = retrain(latest, clouds, done.chosen[:number], recipe, seed=stream)
    assert weights(done.model) == weights(latest)
    assert (done.kept, done.reason) == (2, "the last round's model is returned")
    assert not [name for name in done.rounds if "diagnosis" in name]


def test_the_best_round_is_returned_and_none_follows_a_worse_one(lacking, clouds, monkeypatch):
    """The second round makes the original anew, which is worse than the first."""
    play, models = FineTuning.round, []

    def played(self, latest, chosen, number, **options):
        after = play(self, latest, chosen, number, **options) if number == 1 else clone(lacking)
        models.append(after)
        return after

    monkeypatch.setattr(FineTuning, "round", played)
    monkeypatch.setattr(model_choice, "SMALL_SHARES", ())
    monkeypatch.setattr(model_choice, "SMALL_SHIFTS", ())
    repaired = repair(lacking, clouds)
    assert (len(models), repaired.kept) == (2, 1)
    assert weights(repaired.model) == weights(models[0])
    assert repaired.result["round"] == 1
    models.clear()
    assert weights(run(lacking, clouds, DEFAULT).model) == weights(lacking), "the last round's"
    assert len(models) == 3


def accuracies_by_rate(model, data) -> tuple[float, dict[float, float]]:
    """The learning rate of a first round, and the diagnosis accuracy of each that was tried."""
    tuning, tried = FineTuning(model, data, DEFAULT.sized(300), 0, Work(1.0)), {}

    def noted(*arguments, **options):
        trained = FineTuning.trained(tuning, *arguments, **options)
        tried[tuning.settings["learning_rate"]] = right(trained, data.diagnosis).mean()
        return trained

    object.__setattr__(tuning, "trained", noted)
    tuning.round(model, np.arange(300), 1, seed=0)
    return tuning.settings["learning_rate"], tried


def test_the_rate_of_the_most_accurate_first_try_is_chosen(lacking, clouds):
    rate, tried = accuracies_by_rate(lacking, clouds)
    assert len(tried) == 2
    assert tried[rate] == max(tried.values())


def test_a_lower_rate_is_tried_where_each_makes_the_model_worse(lacking, clouds):
    wrong = clouds.with_part("pool", Part(clouds.pool.x, (clouds.pool.y + 1) % 4))
    rate, tried = accuracies_by_rate(lacking, wrong)
    assert len(tried) == 3
    assert rate == min(tried)


# Where nothing can be gained.


def is_the_original(repaired, model, data) -> bool:
    same = predict(repaired.model, data.test.x) == predict(model, data.test.x)
    assert repaired.model is not model
    assert repaired.result["accuracy"] == repaired.rounds["accuracy"][0]
    assert (repaired.result["repaired"], repaired.result["broken"]) == (0, 0)
    assert repr(repaired).endswith("original kept")
    return bool(same.all()) and repaired.kept == 0


def test_a_model_without_an_error_on_the_diagnosis_split_is_returned(lacking, clouds):
    data = clouds.with_part("diagnosis", clouds.diagnosis.take(right(lacking, clouds.diagnosis)))
    repaired = repair(lacking, data)
    assert is_the_original(repaired, lacking, data)
    why = "the original is returned: no round is better than the original"
    assert repaired.reason.startswith(why)


def test_a_pool_of_wrong_labels_alone_leaves_the_model_as_it_is(over_fitted, small):
    for moved in (1, 4):
        data = small.with_part("pool", Part(small.pool.x, (small.pool.y + moved) % 10))
        repaired = repair(over_fitted, data, seed=moved)
        assert is_the_original(repaired, over_fitted, data)
        assert (repaired.rounds["diagnosis accuracy"][1:] < accuracy(over_fitted, small.test)).all()


def choice_of(lacking, clouds, best, *, repaired: int, still_wrong: int, rounds=3, source="pool"):
    """Choose between the original and `best` on a diagnosis split of which `best` repairs so many
    inputs, breaks none and leaves so many wrong."""
    before, after = right(lacking, clouds.diagnosis), right(best, clouds.diagnosis)
    gained, same = np.flatnonzero(after & ~before), np.flatnonzero(after & before)
    part = clouds.diagnosis.take(np.concatenate([gained[:repaired], same, same[:still_wrong]]))
    wrong = np.arange(len(part)) >= len(part) - still_wrong
    part = Part(part.x, np.where(wrong, (part.y + 1) % 4, part.y))
    origin = pd.DataFrame({"part": ["diagnosis"], "source": [source], "index": [0]})
    data = replace(clouds.with_part("diagnosis", part), origin=origin)
    context = RepairContext(lacking, data, DEFAULT, (), (), 0, True, Work(1.0))
    return model_choice.choose_model(context, best, 2, rounds)


def test_a_gain_that_may_be_chance_is_not_kept(lacking, clouds, whole):
    """The best of three rounds must beat the original by more than one of three would by chance:
    here it gains four inputs and loses none, p = 3 / 2 ** 4."""

    def kept(count: int, rounds: int) -> int:
        counts = {"repaired": count, "still_wrong": 3, "rounds": rounds}
        return choice_of(lacking, clouds, whole[0].model, **counts).number

    assert [kept(count, 3) for count in (4, 5, 6)] == [0, 0, 2]
    assert [kept(count, 1) for count in (4, 5, 6)] == [0, 2, 2]


@pytest.mark.parametrize(("repaired", "kept"), [(0, 0), (1, 2)])
def test_any_gain_counts_on_a_split_that_the_original_has_learned(
    repaired, kept, lacking, clouds, whole
):
    numbers = {}
    for source in ("diagnosis", "train"):
        counts = {"repaired": repaired, "still_wrong": 6, "source": source}
        choice = choice_of(lacking, clouds, whole[0].model, **counts)
        numbers[source] = choice.number
        assert ("learned" in choice.reason) == (source == "train" and kept > 0)
    assert numbers == {"diagnosis": 0, "train": kept}


@pytest.mark.parametrize(("still_wrong", "kept"), [(3, 2), (4, 2), (5, 0)])
def test_any_gain_counts_where_not_even_a_perfect_round_would_pass(
    still_wrong, kept, lacking, clouds, whole
):
    """Of five wrong inputs all five could be repaired, p = 3 / 2 ** 5; of six, p = 3 / 2 ** 6."""
    choice = choice_of(lacking, clouds, whole[0].model, repaired=1, still_wrong=still_wrong)
    assert choice.number == kept
    if kept:
        assert f"only {still_wrong + 1} inputs of this split were wrong" in choice.reason


@pytest.mark.parametrize("bias", [0.5, 2])
def test_an_input_that_breaks_counts_twice(bias, lacking, clouds, whole):
    """The best round is made to predict too often what the original does not know."""
    start = RepairContext(lacking, clouds, DEFAULT, (), (), 0, True, Work(1.0))
    best = clone(whole[0].model)
    best.layers[-1].bias.assign_add(bias * start.wrong_by_class)

    def score(model: keras.Model) -> int:
        answers = right(model, clouds.diagnosis)
        return int(answers.sum()) - int((start.right & ~answers).sum())

    chosen = model_choice.choose_model(start, best, 2, 3)
    assert "biases lowered by" in chosen.reason
    assert score(chosen.model) > score(best)
    others = model_choice._variants(
        start, best, model_choice.SMALL_SHARES, model_choice.SMALL_SHIFTS
    )
    assert score(chosen.model) == max(score(variant.made(start)) for variant in others)
    broken = [start.broken_by(right(model, clouds.diagnosis)) for model in (best, chosen.model)]
    assert broken[1] < broken[0]


def test_answers_of_an_original_that_knows_one_class_are_not_protected(lacking, clouds, whole):
    constant, best = clone(lacking), clone(whole[0].model)
    constant.layers[-1].bias.assign_add(100 * np.eye(4)[0])
    start = RepairContext(constant, clouds, DEFAULT, (), (), 0, True, Work(1.0))
    best.layers[-1].bias.assign_add(2 * start.wrong_by_class)
    chosen = model_choice.choose_model(start, best, 2, 3)
    assert chosen.model is best
    sometimes = clone(lacking)
    sometimes.layers[-1].bias.assign_add(3 * np.eye(4)[0])
    start = RepairContext(sometimes, clouds, DEFAULT, (), (), 0, True, Work(1.0))
    assert model_choice.choose_model(start, best, 2, 3).model is not best


@pytest.mark.parametrize("gained", range(6))
@pytest.mark.parametrize("lost", range(5))
def test_mcnemar_is_the_share_of_coin_tosses_that_favor_it_so_much(gained, lost):
    """All outcomes of the inputs that only one of two models gets right, counted one by one."""
    before = np.array([True, False, True] * 2 + [False] * gained + [True] * lost)
    after = np.array([True, False, True] * 2 + [True] * gained + [False] * lost)
    order = np.random.default_rng(gained + 10 * lost).permutation(len(before))
    tosses = list(product((0, 1), repeat=gained + lost))
    expected = sum(sum(toss) >= gained for toss in tosses) / len(tosses)
    p = mcnemar(before[order], after[order])
    assert p == pytest.approx(expected, abs=1e-12)
    if gained + lost:
        test = binomtest(gained, gained + lost, alternative="greater")
        assert p == pytest.approx(test.pvalue, abs=1e-12)


# A limit on what is broken.


def broken_by(repaired, model, data) -> float:
    known = right(model, data.diagnosis)
    return float((~right(repaired.model, data.diagnosis))[known].mean())


@pytest.mark.parametrize("limit", [0, 0.05, 1])
def test_at_most_so_much_is_broken_as_is_allowed(limit, whole, lacking, clouds):
    unlimited, folder, _ = whole
    assert broken_by(unlimited, lacking, clouds) > 0.01, "or there would be nothing to limit"
    options = {"checkpoint_dir": folder, "resume": True}
    limited = repair(lacking, clouds, max_broken=limit, **options)
    assert broken_by(limited, lacking, clouds) <= limit
    before, after = (accuracy(model, clouds.diagnosis) for model in (lacking, limited.model))
    assert after > before, "a model is found, not given up"
    assert limited.result["broken on diagnosis"] == broken_by(limited, lacking, clouds)
    if limit == 1:
        assert weights(limited.model) == weights(unlimited.model)


def test_where_no_model_keeps_to_the_limit_the_original_is_returned(lacking, clouds, whole):
    """Every input of the diagnosis split is one that the original gets right."""
    known = clouds.diagnosis.take(right(lacking, clouds.diagnosis))
    data, recipe = clouds.with_part("diagnosis", known), replace(DEFAULT, max_broken=0)
    start = RepairContext(lacking, data, recipe, (), (), 0, True, Work(1.0))
    choice = model_choice._within_limit(start, whole[0].model, 1, 0.0)
    assert (choice.number, choice.margin) == (0, 0.0)
    assert weights(choice.model) == weights(lacking)
    why = "no model was found that is better and breaks at most 0.00% of what was right"
    assert choice.reason == f"the original is returned: {why}"


class OutputFirst(keras.Model):
    """A subclassed net whose layers are listed in another order than they are called."""

    def __init__(self, **options):
        super().__init__(**options)
        self.last, self.hidden = layers.Dense(4, "softmax"), layers.Dense(8)

    def call(self, inputs):
        return self.last(keras.ops.relu(self.hidden(inputs)))


def test_biases_are_lowered_at_the_output_alone(clouds):
    model = OutputFirst()
    model(clouds.train.x[:2])
    known = clouds.train.take(clouds.train.y != 2)
    model = train(ready(model), known.x, known.y, epochs=6)
    repaired = repair(model, clouds, max_broken=0, epochs=3)
    assert broken_by(repaired, model, clouds) == 0
    inner = stacked(layers.Dense(4, "softmax"), shape=(8,))
    nested = net(inner)
    assert model_choice._has_biases(nested)
    assert not model_choice._has_biases(model), "it does not tell which layer is its output"
    found = model_choice._lowered(nested, 2.0, np.array([0, 0.5, 0, 1], np.float32))
    np.testing.assert_allclose(found.layers[-1].layers[-1].bias, [0, -1, 0, -2])
    assert not inner.layers[-1].bias.numpy().any()


def test_the_one_bias_of_two_classes_is_lowered_alike(clouds):
    model = net(layers.Dense(1, "sigmoid"), loss="binary_crossentropy")
    assert model_choice._has_biases(model)
    wrong = np.array([0.25, 1.0], np.float32)
    x = clouds.test.x
    before, after = (predict(m, x) for m in (model, model_choice._lowered(model, 2.0, wrong)))
    scores = np.log(before) - 2.0 * wrong
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(after, expected, atol=1e-5)


# What is trained on.


@pytest.fixture
def trainings(monkeypatch) -> list[dict]:
    """What the fine-tuning trains on: inputs, frequency and the pixels images are moved by."""
    calls: list[dict] = []

    def watched(model, x, y, **options):
        calls.append({"x": x, "y": y, **options})
        return train(model, x, y, **options)

    monkeypatch.setattr(fine_tuning, "train", watched)
    return calls


def test_inputs_that_training_has_already_are_not_taken_again(lacking, clouds, trainings):
    data = clouds.with_part("pool", clouds.train)
    repaired = repair(lacking, data, epochs=1)
    assert [len(indices) for indices in repaired.chosen] == [0] * len(repaired.chosen)
    assert {len(call["x"]) for call in trainings} == {len(clouds.train)}
    trainings.clear()
    both = Part(
        *(np.concatenate([getattr(clouds.train, a), getattr(clouds.pool, a)]) for a in "xy")
    )
    repaired = repair(lacking, clouds.with_part("pool", both), epochs=1)
    assert sorted(repaired.chosen[0]) == list(range(150, 450))
    assert {len(call["x"]) for call in trainings} == {450}


def test_later_rounds_see_what_was_right_more_often(clouds, trainings):
    """The more was right, the more often; each class as a whole as often as it is."""
    few, many = (train(net(), clouds.train.x, clouds.train.y, epochs=n) for n in (1, 10))
    before = accuracy(many, clouds.diagnosis)
    assert accuracy(few, clouds.diagnosis) < 0.5 < before
    emphasis = 3 if before >= 0.9 else 1.5
    run(many, clouds, replace(DEFAULT, epochs=1))
    *first_tries, second, third = trainings
    assert all(call["frequency"] is None for call in first_tries)
    for later in (second, third):
        known, often = right(many, Part(later["x"], later["y"])), later["frequency"]
        for label in range(clouds.classes):
            own = later["y"] == label
            assert often[own].mean() == pytest.approx(1)
            if known[own].any() and not known[own].all():
                ratio = often[own & known].min() / often[own & ~known].max()
                assert ratio == pytest.approx(emphasis)
    trainings.clear()
    run(few, clouds, replace(DEFAULT, epochs=1))
    assert {call["frequency"] for call in trainings} == {None}


KINDS = {
    "images": (published, images, 4, {0, 1}),
    "images, few passes": (published, images, 3, {0}),
    "large images": (
        lambda: ready(stacked(layers.Flatten(), softmax(), shape=(56, 60, 1))),
        lambda: drawn(56, 60, 1),
        4,
        {0, 2},
    ),
    "sequences of 28": (
        lambda: ready(stacked(layers.Flatten(), softmax(), shape=(28, 28))),
        lambda: drawn(28, 28),
        4,
        {0},
    ),
    "vectors": (lambda: ready(stacked(softmax(), shape=(30,))), lambda: drawn(30), 4, {0}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_images_alone_are_moved(kind, monkeypatch):
    make, data, epochs, expected = KINDS[kind]
    asked = []
    monkeypatch.setattr(fine_tuning, "random_translation", lambda pixels: asked.append(pixels))
    repair(make(), data(), epochs=epochs)
    assert set(asked) == expected


def test_images_are_not_moved_where_that_is_worse(monkeypatch):
    """Classes that differ in nothing but the column that is bright."""
    rng = np.random.default_rng(0)
    y = np.arange(400) % 4
    x = rng.random((400, 8, 8, 1), np.float32) / 2
    x[np.arange(400), :, y + 2, 0] += 0.2
    parts = [Part(x[start : start + 100], y[start : start + 100]) for start in range(0, 400, 100)]
    data = Data(*parts, classes=4)
    keras.utils.set_random_seed(0)
    model = ready(stacked(layers.Flatten(), layers.Dense(4, "softmax"), shape=(8, 8, 1)))
    tuning = FineTuning(model, data, DEFAULT.sized(100), 0, Work(1.0))
    tuning.round(model, np.arange(100), 1, seed=0)
    assert tuning.settings["translation"] == 0


# Wrong labels.


@pytest.fixture(scope="module")
def good(digits):
    """A good digits model, and data with a pool of 1,200 inputs."""
    data = digits.with_part("pool", digits.pool.take(np.arange(1200)))
    model = train(build("published", seed=1), data.train.x, data.train.y, epochs=20)
    return model, data


@pytest.fixture(scope="module")
def repaired_clean(good):
    return repair(*good)


def test_a_sound_pool_has_nothing_set_aside(good, repaired_clean):
    assert repaired_clean.suspects.empty
    assert list(repaired_clean.suspects) == ["index", "label", "suggested"]
    assert len(repaired_clean.chosen[0]) == 1200


def test_wrong_labels_are_set_aside_and_hurt_little(good, repaired_clean, tmp_path):
    model, data = good
    wrong = np.random.default_rng(1).permutation(1200)[:120]
    pool = relabeled(data.pool, wrong, classes=10)
    noisy = data.with_part("pool", pool)
    shares: list[float] = []
    repaired = repair(model, noisy, progress=shares.append, checkpoint_dir=tmp_path)
    found = repaired.suspects["index"].to_numpy()
    hits = np.isin(found, wrong)
    assert hits.mean() > 0.6
    assert hits.sum() > 0.4 * len(wrong)
    assert not set(found) & set(np.concatenate(repaired.chosen).tolist())
    assert len(repaired.chosen[0]) == 1200 - len(found)
    assert repaired.suspects["label"].tolist() == pool.y[found].tolist()
    told = repaired.suspects["suggested"].to_numpy()[hits] == data.pool.y[found[hits]]
    assert told.mean() > 0.7
    assert repaired.result["accuracy"] > repaired_clean.result["accuracy"] - 0.02
    assert (np.diff(shares) >= 0).all(), "the check is work as well"
    for file in tmp_path.glob("round_[23].*"):
        file.unlink()
    again = repair(model, noisy, checkpoint_dir=tmp_path, resume=True)
    assert again.suspects.equals(repaired.suspects)
    assert weights(again.model) == weights(repaired.model)


# The user's model stays what it is.


def scheduled() -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.02, 1000))


def binary() -> Data:
    return table(classes=2)


USERS = {
    "SGD with momentum": (
        lambda: net(optimizer=keras.optimizers.SGD(0.003, momentum=0.9)), table),
    "a very low learning rate": (lambda: net(optimizer=keras.optimizers.Adam(1e-7)), table),
    "a schedule": (lambda: net(optimizer=scheduled()), table),
    "logits": (
        lambda: net(
            layers.Dense(4), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        ),
        table,
    ),
    "one sigmoid": (lambda: net(layers.Dense(1, "sigmoid"), loss="binary_crossentropy"), binary),
    "batch normalization": (
        lambda: net(layers.BatchNormalization(), layers.Dropout(0.1), layers.Dense(4, "softmax")),
        table,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", USERS)
def test_compile_settings_outlive_the_repair_and_a_file(kind, tmp_path):
    make, data = USERS[kind]
    data = data()
    model = train(make(), data.train.x[:32], data.train.y[:32], epochs=1)
    repaired = repair(model, data)
    assert repaired.kept > 0
    assert repaired.result["accuracy"] > repaired.rounds["accuracy"][0] + 0.05
    mine, theirs = repaired.model.optimizer, model.optimizer
    assert type(mine) is type(theirs)
    assert mine.get_config() == theirs.get_config()
    assert repaired.model.loss == model.loss
    assert repaired.model.get_compile_config() == model.get_compile_config()
    repaired.model.save(tmp_path / "repaired.keras")
    loaded = keras.saving.load_model(tmp_path / "repaired.keras")
    np.testing.assert_array_equal(
        predict(loaded, data.test.x), predict(repaired.model, data.test.x)
    )
    loaded.fit(data.train.x, data.train.y, epochs=1, verbose=0)


def test_an_uncompiled_model_is_repaired_and_stays_uncompiled(clouds):
    keras.utils.set_random_seed(0)
    stack = [layers.Dense(8, "relu"), layers.Dense(4, "softmax")]
    model = keras.Sequential([keras.Input((6,)), *stack])
    repaired = repair(model, clouds)
    assert repaired.result["accuracy"] > repaired.rounds["accuracy"][0] + 0.2
    assert not repaired.model.compiled


def test_a_frozen_model_is_refused(clouds, refused):
    model = net()
    model.trainable = False
    assert refused(repair, model, clouds) == (
        f"the model must have trainable weights. Received: {model.name!r}, without. "
        "Set trainable = True on the layers to be trained."
    )


def test_frozen_layers_stay_as_they_are(clouds):
    model = net()
    model.layers[0].trainable = False
    repaired = repair(model, clouds)
    assert repaired.kept > 0
    assert weights(repaired.model.layers[0]) == weights(model.layers[0])
    assert not repaired.model.layers[0].trainable


# Time.


def test_minutes_end_the_training(lacking, clouds):
    """Also where nothing is left of them when the training starts."""
    repair(lacking, clouds, epochs=1)  # compiles
    began = time.monotonic()
    found = repair(lacking, clouds, minutes=0.01, epochs=100_000, max_broken=0)
    assert time.monotonic() - began < 300, "not the hours of 100,000 passes"
    assert found.seconds < 300
    assert len(found.chosen) >= 1
    work = Work(100.0, deadline=time.monotonic() - 1)
    assert work.is_over
    assert work.of(10)["seconds"] == 0
    model = train(lacking, clouds.train.x, clouds.train.y, epochs=50, seconds=0.0)
    assert int(model.optimizer.iterations) - int(lacking.optimizer.iterations) == 5


def test_the_time_left_is_shared_by_the_work_left():
    work = Work(100.0, deadline=time.monotonic() + 100)
    assert work.of(20)["seconds"] == pytest.approx(20, abs=0.5)
    assert work.of(40)["seconds"] == pytest.approx(50, abs=0.5)
    assert Work(100.0).of(20) == {}


def test_progress_goes_up_to_one(whole):
    shares = whole[2]
    assert shares[0] == 0
    assert shares[-1] == 1
    assert (np.diff(shares) >= 0).all()
    assert len({round(share, 1) for share in shares}) > 5


def test_progress_never_goes_back_where_more_is_done_than_planned():
    shares: list[float] = []
    work = Work(100.0, report=shares.append)
    for amount in (90, 60, 30):
        tell = work.of(amount)["progress"]
        for share in (0, 0.5, 0.99):
            tell(share)
    assert (np.diff(shares) >= 0).all()
    assert max(shares) <= 1


def test_passes_are_planned_from_sizes_alone():
    small, large, huge = (
        stacked(layers.Dense(units), softmax(), shape=(100,)) for units in (10, 10_000, 1_000_000)
    )
    totals = [sum(planned_passes(model, 20_000, 3)) for model in (small, large, huge)]
    assert totals[0] == 28 > totals[1] > totals[2]
    assert planned_passes(huge, 20_000, 3) == [1, 1, 2]
    assert planned_passes(small, 20_000, 3) == [4, 8, 16], "each twice the one before"
    assert planned_passes(small, 20_000, 1) == [28]
    few, more = (sum(planned_passes(small, inputs, 3)) for inputs in (300, 3000))
    assert few == 1500 * 32 / 300, "a small data set until so many steps are made"
    assert more == 28
    assert planned_passes(huge, 10**9, 3) == [1, 1, 2], "at least one each"


WORK_OF = {
    "dense": ((layers.Dense(5), layers.Dense(3)), (7,), 7 * 5 + 5 * 3, 2),
    "convolution": (
        (layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)),
        (8, 8, 2),
        3 * 3 * 2 * 4 * 6 * 6 + 144 * 3,
        3,
    ),
    "LSTM": ((layers.LSTM(5), layers.Dense(3)), (9, 2), 9 * 4 * 5 * (2 + 5) + 5 * 3, 2),
    "LSTM, any length": (
        (layers.LSTM(5), layers.Dense(3)), (None, 2), 32 * 4 * 5 * (2 + 5) + 5 * 3, 2
    ),
    "both directions": (
        (layers.Bidirectional(layers.LSTM(5)), layers.Dense(3)),
        (9, 2),
        2 * 9 * 4 * 5 * (2 + 5) + 10 * 3,
        2,
    ),
    "each step": ((layers.Dense(5), layers.GlobalAveragePooling1D()), (9, 2), 9 * 2 * 5, 2),
}  # fmt: skip


@pytest.mark.parametrize("kind", WORK_OF)
def test_multiplications_by_hand(kind):
    stack, shape, expected, count = WORK_OF[kind]
    assert multiplications(stacked(*stack, shape=shape)) == expected + count * PER_LAYER


def test_multiplications_of_nested_and_subclassed_models_and_of_words():
    inner = stacked(layers.Dense(5), layers.Dense(2), shape=(7,))
    nested = stacked(inner, layers.Dense(3), shape=(7,))
    assert multiplications(nested) == 35 + 10 + 6 + 3 * PER_LAYER
    words = stacked(layers.Embedding(50, 4), layers.GlobalAveragePooling1D(), shape=(12,))
    assert multiplications(words) == 2 * PER_LAYER, "a table is looked up"
    own = OutputFirst()
    own(np.zeros((1, 6), np.float32))
    assert multiplications(own) == 6 * 8 + 8 * 4 + 2 * PER_LAYER


# Kept rounds.


@pytest.mark.parametrize("finished", [1, 2])
def test_a_stopped_repair_goes_on_to_the_same_result(finished, lacking, clouds, tmp_path, whole):
    expected, folder, _ = whole
    assert len(expected.chosen) > finished
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    for number in range(finished + 1, 4):
        for file in tmp_path.glob(f"round_{number}.*"):
            file.unlink()
    again = repair(lacking, clouds, checkpoint_dir=tmp_path, resume=True)
    assert weights(again.model) == weights(expected.model)
    assert rows(again) == rows(expected)
    assert (again.kept, again.reason) == (expected.kept, expected.reason)
    for mine, theirs in zip(again.chosen, expected.chosen, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_what_the_first_round_chose_is_used_by_resumed_ones(tmp_path, trainings):
    """The learning rate and the translation: of images, and of a rate that was too high."""
    model, data = published(), images()
    repair(model, data, checkpoint_dir=tmp_path, epochs=2)
    whole = [float(call["optimizer"].learning_rate) for call in trainings]
    for file in tmp_path.glob("round_[23].*"):
        file.unlink()
    trainings.clear()
    repair(model, data, checkpoint_dir=tmp_path, epochs=2, resume=True)
    resumed = [float(call["optimizer"].learning_rate) for call in trainings]
    assert resumed == whole[-len(resumed) :]


def test_other_rounds_are_refused_where_passes_are_planned_for_all(
    lacking, clouds, tmp_path, refused
):
    """Each round of three makes other passes than one round alone."""
    folder, other = tmp_path / "open", tmp_path / "fixed"
    repair(lacking, clouds, rounds=1, checkpoint_dir=folder)
    message = refused(repair, lacking, clouds, checkpoint_dir=folder, resume=True)
    assert message.startswith(f"the repair in '{folder}' must be resumed with the same ")
    assert "rounds 3, kept 1" in message
    options = {"epochs": 2, "inputs_per_round": 100}
    repair(lacking, clouds, rounds=1, checkpoint_dir=other, **options)
    again = repair(lacking, clouds, checkpoint_dir=other, resume=True, **options)
    whole = repair(lacking, clouds, **options)
    assert weights(again.model) == weights(whole.model)
    assert rows(again) == rows(whole)


# How it is called.


def test_the_package_is_called_as_the_function():
    assert callable(mode.repair)
    assert mode.repair.__call__ is mode.repair.repair
    assert mode.repair.RECIPES is RECIPES
    import mode.repair.loop as loop

    assert loop.repair is repair


def test_calling_the_package_repairs(lacking, clouds):
    found = mode.repair(lacking, clouds, epochs=1, rounds=1, seed=2)
    assert weights(found.model) == weights(
        repair(lacking, clouds, epochs=1, rounds=1, seed=2).model
    )


def test_another_retraining_takes_its_own_defaults(lacking, clouds):
    """The default recipe leaves epochs and the batch size open, which fine-tuning alone plans."""
    found = repair(lacking, clouds, retraining="replay", rounds=1, checks_labels=False)
    stated = {"epochs": 3, "batch_size": 32, "inputs_per_round": 300}
    same = repair(lacking, clouds, retraining="replay", rounds=1, **stated)
    assert rows(found) == rows(same)
    recipe = replace(DEFAULT, retraining="replay").sized(300)
    assert (recipe.epochs, recipe.batch_size, recipe.inputs_per_round) == (3, 32, 100)
    assert DEFAULT.sized(300).epochs is None


def test_labels_that_the_diagnosis_split_lacks_are_named(lacking, clouds):
    part = clouds.diagnosis.take(clouds.diagnosis.y != 1)
    data = replace(clouds.with_part("diagnosis", part), class_names=("a", "b", "c", "d"))
    found = repair(lacking, data, rounds=1, epochs=1)
    assert found.notes == ("round 1: label b has no input to diagnose it by",)


def test_what_is_printed_is_one_line_and_then_the_reason(whole):
    found, *_ = whole
    before, after = found.rounds["accuracy"][0], found.result["accuracy"]
    assert repr(found) == (
        f"{100 * before:.1f} -> {100 * after:.1f} %, {found.result['repaired']} repaired, "
        f"{found.result['broken']} broken, round {found.kept} of {len(found.chosen)} kept"
    )
    lines = str(found).splitlines()
    assert lines[:2] == [repr(found), found.reason]
    assert len(lines) == 3 + len(found.faults)
