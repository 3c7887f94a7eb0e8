"""A repaired model guarded by the original: its answers, its file, and what it leaves alone."""

import keras
import numpy as np
import pytest
from keras import layers

from mode.data import load
from mode.models import clone, load_model, predict, train
from mode.models.guarded import guarded, leads
from mode.repair import RECIPES, repair
from mode.repair.fine_tuning import right_on
from mode.repair.model_choice import SHARES, mixed
from mode.repair.round import RepairContext
from mode.repair.work import Work
from mode.report.workflow import repair_files
from tests.test_default_repair import net, table
from tests.zoo import ready

OUTPUTS = {
    "softmax": layers.Dense(4, "softmax"),
    "logits": layers.Dense(4),
    "sigmoids": layers.Dense(4, "sigmoid"),
    "one sigmoid": layers.Dense(1, "sigmoid"),
    "one logit": layers.Dense(1),
}


def pair(kind: str) -> tuple[keras.Model, keras.Model]:
    """A model, and another one of the same architecture."""
    before = net(layers.Dense.from_config(OUTPUTS[kind].get_config()))
    after = clone(before)
    after.set_weights([3 * w[::-1] for w in before.get_weights()])
    return before, after


@pytest.mark.parametrize("kind", OUTPUTS)
def test_the_original_answers_unless_the_new_model_is_so_much_surer(kind, tmp_path):
    (before, after), x = pair(kind), np.random.default_rng(0).normal(size=(400, 6)).astype("f4")
    old, new = predict(before, x), predict(after, x)
    lead = leads(old, new)
    margin = float(np.median(lead[lead > 0]))
    model = guarded(before, after, margin, x)
    expected = np.where(lead > margin, new.argmax(axis=1), old.argmax(axis=1))
    clear = np.abs(lead - margin) > 1e-4
    assert 0 < (expected == new.argmax(axis=1)).mean() < 1
    for copy in (model, clone(model)):
        np.testing.assert_array_equal(predict(copy, x).argmax(axis=1)[clear], expected[clear])
    model.save(tmp_path / "model.keras")
    read = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(predict(read, x), predict(model, x), atol=1e-6)
    assert type(model.optimizer) is type(after.optimizer)
    assert model.output_shape == after.output_shape


def test_training_on_leaves_the_original_inside_as_it_is():
    (before, after), data = pair("softmax"), table()
    model = guarded(before, after, 1.0, data.train.x)
    names = before.name, after.name
    trained = train(model, data.train.x, data.train.y, epochs=1)
    kept, changed = (trained.get_layer(name).get_weights() for name in ("original", "repaired"))
    assert all(map(np.array_equal, kept, before.get_weights()))
    assert not all(map(np.array_equal, changed, after.get_weights()))
    assert not trained.get_layer("original").trainable_weights
    assert (before.name, after.name) == names
    assert before.trainable, "what is given is not changed"


def test_a_margin_gains_more_within_the_limit_than_mixed_weights_do():
    data = table()
    known = data.train.take(data.train.y != 2)
    model = train(net(), known.x, known.y, epochs=6)
    limited = repair(model, data, max_broken=0)
    assert limited.margin > 0
    assert "the original answers" in limited.reason
    context = RepairContext(model, data, RECIPES["recommended"], (), (), 0, True, Work(1.0))
    best = repair(model, data).model
    mixes = [right_on(mixed(context, best, share), data.diagnosis) for share in SHARES]
    allowed = [right.mean() for right in mixes if context.broken_by(right) == 0]
    assert limited.result["diagnosis accuracy"] > max(allowed, default=context.right.mean())


def test_a_file_holds_both_and_takes_the_users_inputs(tmp_path):
    """The model takes 8-bit images, which the repair divides by 255."""
    digits = load("digits")
    images = {f"x_{part}": (255 * getattr(digits, part).x).astype("u1") for part in digits.sizes()}
    images |= {f"y_{part}": getattr(digits, part).y for part in digits.sizes()}
    np.savez(tmp_path / "data.npz", **images)
    keras.utils.set_random_seed(0)
    first = [keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.Flatten()]
    model = ready(keras.Sequential([*first, layers.Dense(16, "relu"), layers.Dense(10, "softmax")]))
    known = images["y_train"] != 3
    x, y = images["x_train"][known].astype("f4"), images["y_train"][known]
    train(model, x, y, epochs=3).save(tmp_path / "model.keras")
    files = (tmp_path / "model.keras", tmp_path / "data.npz")
    written = repair_files(*files, out=tmp_path / "out", report=False, max_broken=0)
    assert written.repair.margin > 0, "or this is no test"
    saved = load_model(tmp_path / "out" / "repaired.keras")
    right = predict(saved, images["x_test"].astype("f4")).argmax(axis=1) == images["y_test"]
    assert right.mean() == pytest.approx(written.repair.result["accuracy"], abs=1e-3)
    assert saved.get_layer("original").count_params() == model.count_params()
