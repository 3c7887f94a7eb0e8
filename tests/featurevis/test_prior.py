"""Priors: shipped, saved, made of models, and broken ones."""

import json
import shutil

import keras
import numpy as np
import pytest

from mode.checks import InputError
from mode.featurevis import load_prior, save_prior
from mode.featurevis.prior import READY, decode, sample


@pytest.mark.parametrize("name", ["digits", "fashion"])
def test_ready_priors_make_what_their_card_says(name):
    prior = load_prior(name)
    codes, drawn = sample(prior, 1000, seed=0)
    images = decode(prior, codes)
    probabilities = np.asarray(keras.ops.softmax(prior.reference_classifier(images)))
    assert images.shape == (1000, 28, 28, 1)
    assert 0 <= images.min() <= images.max() <= 1
    assert np.bincount(drawn).tolist() == [100] * 10
    assert (probabilities.argmax(axis=1) == drawn).mean() == pytest.approx(
        prior.card["as_drawn"], abs=0.04
    )
    assert (probabilities.max(axis=1) > 0.9).mean() == pytest.approx(
        prior.card["recognized"], abs=0.05
    )
    assert all(f.stat().st_size < 2**20 for f in (READY / name).iterdir())


def test_samples_can_be_of_some_classes_and_depend_on_the_seed_alone(digits_prior):
    codes, drawn = sample(digits_prior, 40, seed=3, labels=(2, 5))
    assert sorted(set(drawn.tolist())) == [2, 5]
    assert (codes == sample(digits_prior, 40, seed=3, labels=(2, 5))[0]).all()
    assert (codes != sample(digits_prior, 40, seed=4, labels=(2, 5))[0]).any()


def test_saving_and_loading_gives_the_same_pictures(digits_prior, tmp_path):
    again = load_prior(save_prior(digits_prior, tmp_path / "p"))
    codes, _ = sample(digits_prior, 20, seed=0)
    assert sample(again, 20, seed=0)[0] == pytest.approx(codes, abs=0.02)
    assert decode(again, codes) == pytest.approx(decode(digits_prior, codes), abs=0.01)
    assert again.card == digits_prior.card


def test_a_generator_of_images_in_minus_one_to_one_is_rescaled():
    code = keras.Input((3,))
    x = keras.layers.Dense(16, "tanh")(code)
    decoder = keras.Model(code, keras.layers.Reshape((4, 4, 1))(x))
    prior = load_prior(decoder)
    codes, drawn = sample(prior, 10, seed=0)
    expected = (np.asarray(decoder(codes)) + 1) / 2
    assert decode(prior, codes) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert drawn is None
    assert prior.classes is None


def test_names_and_models_that_are_no_prior():
    with pytest.raises(InputError) as error:
        load_prior("digit")
    assert str(error.value) == (
        "prior (a ready one, or a folder) must be one of 'digits', 'fashion'. "
        "Received: 'digit'. "
        "Did you mean 'digits'?"
    )
    with pytest.raises(InputError) as error:
        load_prior("digits", box=2.0, shape=(32, 32))
    assert str(error.value) == (
        "digits is a ready prior, without options. Received: box, shape. "
        "Leave box and shape out, or pass a generator."
    )
    flat = keras.Sequential([keras.Input((3,)), keras.layers.Dense(16)])
    with pytest.raises(InputError) as error:
        load_prior(flat)
    assert str(error.value) == (
        "a decoder must turn codes (n, d) into images (n, h, w, c). "
        "Received: (None, 3) to (None, 16)."
    )


def decoder(low=0.0, high=1.0):
    """Return a generator of 4 x 4 images whose pixels lie between `low` and `high`."""
    code = keras.Input((3,))
    x = keras.layers.Dense(16, "sigmoid")(code)
    x = keras.layers.Rescaling(high - low, low)(keras.layers.Reshape((4, 4, 1))(x))
    return keras.Model(code, x)


def classifier(classes=3, shape=(4, 4, 1), activation=None):
    layers = [keras.layers.Flatten(), keras.layers.Dense(classes, activation)]
    return keras.Sequential([keras.Input(shape), *layers])


def test_a_reference_classifier_of_probabilities_becomes_one_of_logits():
    prior = load_prior(decoder(), reference_classifier=(given := classifier(activation="softmax")))
    x = np.random.default_rng(0).random((5, 4, 4, 1)).astype("float32")
    found = np.asarray(keras.ops.softmax(prior.reference_classifier(x)))
    assert found == pytest.approx(np.asarray(given(x)), rel=1e-4, abs=1e-5)
    logits = classifier()
    assert load_prior(decoder(), reference_classifier=logits).reference_classifier is logits


class Unbuilt(keras.Model):
    def call(self, x, training=False):
        return x


REFUSED = {
    "reference_classifier must take the decoder's images, shape (4, 4, 1). "
    "Received: shape (8, 8, 1).": (
        lambda: load_prior(decoder(), reference_classifier=classifier(shape=(8, 8, 1)))
    ),
    "reference_classifier must take the decoder's images, shape (4, 4, 1). "
    "Received: shape (16,).": (
        lambda: load_prior(decoder(), reference_classifier=classifier(shape=(16,)))
    ),
    "reference_classifier must be a Keras model. Received: int.": lambda: load_prior(
        decoder(), reference_classifier=3
    ),
    "reference_classifier must give finite logits of at least 2 classes. Received: shape (2, 1).": (
        lambda: load_prior(decoder(), reference_classifier=classifier(classes=1))
    ),
    "box must be above 0. Received: 0.": lambda: load_prior(decoder(), box=0),
    "box must be a number of at least 0. Received: -1.": lambda: load_prior(decoder(), box=-1),
    "a decoder must turn codes (n, d) into images (n, h, w, c). Received: None to None.": (
        lambda: load_prior(Unbuilt())
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_parts_that_do_not_fit_are_one_line(message):
    with pytest.raises(InputError) as error:
        REFUSED[message]()
    assert str(error.value) == message


@pytest.mark.parametrize("ends", [(0, 255), (-3, 3)])
def test_a_generator_of_another_range_is_refused(ends):
    with pytest.raises(
        InputError, match=r"^a decoder's images must lie in \[0, 1\] or \[-1, 1\]\."
    ):
        load_prior(decoder(*ends))


def test_a_saved_model_that_cannot_be_read_is_one_line(tmp_path):
    path = tmp_path / "broken.keras"
    path.write_text("no model")
    with pytest.raises(InputError) as error:
        load_prior(path)
    assert str(error.value).startswith(f"{path} must be a model saved by Keras. Received: ")
    assert "\n" not in str(error.value)


def spoil_weights(folder):
    np.savez(folder / "weights.npz", box=np.zeros((24, 2)))


def spoil_json(folder):
    (folder / "networks.json").write_text("{")


def spoil_archive(folder):
    (folder / "weights.npz").write_bytes((READY / "digits" / "weights.npz").read_bytes()[:5000])


def empty_archive(folder):
    (folder / "weights.npz").write_bytes(b"")


def change(**changes):
    def spoil(folder):
        with np.load(folder / "weights.npz") as stored:
            arrays = {k: changes[k](stored[k]) if k in changes else stored[k] for k in stored}
        np.savez(folder / "weights.npz", **arrays)

    return spoil


def list_card(folder):
    (folder / "card.json").write_text("[]")


def spoil_card(folder):
    (folder / "card.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "start"),
    [
        (spoil_weights, "a prior's files must fit together. Received: digits: "),
        (spoil_json, "a prior's files must fit together. Received: digits: "),
        (spoil_archive, "a prior's files must fit together. Received: digits: File is not a zip"),
        (empty_archive, "a prior's files must fit together. Received: digits: No data left"),
        (list_card, "a prior's card must be a JSON object. Received: list."),
        (change(box=lambda b: b[:3]), "a prior's box must be (24, 2). Received: shape (3, 2)."),
        (
            change(decoder_00=lambda w: w * np.nan),
            "a decoder's images must lie in [0, 1] or [-1, 1]. Received: values from nan to nan.",
        ),
        (
            change(judge_00=lambda w: w * np.nan),
            "reference_classifier must give finite logits of at least 2 classes. Received: out",
        ),
        (
            spoil_card,
            "a prior's folder must hold card.json, networks.json, weights.npz. Received: ",
        ),
    ],
)
def test_a_broken_folder_is_one_line(spoil, start, tmp_path):
    folder = tmp_path / "digits"
    shutil.copytree(READY / "digits", folder)
    spoil(folder)
    with pytest.raises(InputError) as error:
        load_prior(folder)
    assert str(error.value).startswith(start)
    assert "\n" not in str(error.value)


def test_cards_name_their_data():
    for name in ("digits", "fashion"):
        card = json.loads((READY / name / "card.json").read_text())
        assert card["data"].endswith("training images 40000 to 60000")


def test_the_ready_priors_are_small():
    assert sum(f.stat().st_size for f in READY.glob("*/*")) < 3e6
