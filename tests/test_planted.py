"""Each planted fault does what it says to the training part, and nothing else."""

import numpy as np
import pytest
from scipy import ndimage

from mode.data import PARTS, PLANTED, Data, Part, plant
from mode.data.planted import TRAITS
from tests.messages import listed


def changed(before: Data, after: Data) -> set[str]:
    return {
        name
        for name in PARTS
        if (getattr(before, name).x.tobytes(), getattr(before, name).y.tobytes())
        != (getattr(after, name).x.tobytes(), getattr(after, name).y.tobytes())
    }


@pytest.mark.parametrize("name", PLANTED)
def test_every_fault_is_repeatable_and_leaves_what_it_was_given(name, small):
    copies = {part: getattr(small, part).x.copy() for part in PARTS}
    labels = small.train.y.copy()
    planted = plant(name, small, seed=1)
    touched = {"pool", "diagnosis", "test"} if name == "shifted" else {"train"}
    assert changed(small, planted) == touched
    assert changed(planted, plant(name, small, seed=1)) == set()
    assert all((getattr(small, part).x == copies[part]).all() for part in PARTS)
    assert (small.train.y == labels).all()


@pytest.mark.parametrize("name", ["under_sampled", "label_noise", "mislabeled"])
def test_another_seed_plants_another_fault(name, small):
    assert changed(plant(name, small, seed=1), plant(name, small, seed=2)) == {"train"}


def test_starved(small):
    before = np.bincount(small.train.y, minlength=10)
    planted = plant("under_sampled", small, labels=[3, 7], keep=0.1)
    after = np.bincount(planted.train.y, minlength=10)
    expected = [round(0.1 * n) if label in (3, 7) else n for label, n in enumerate(before)]
    assert after.tolist() == expected
    kept = {row.tobytes() for row in planted.train.x}
    order = [row.tobytes() in kept for row in small.train.x]
    assert (planted.train.x == small.train.x[order]).all(), "the others keep their order"
    assert changed(small, plant("under_sampled", small, labels=[])) == set()
    assert not np.isin(5, plant("under_sampled", small, labels=[5], keep=0).train.y)


def test_label_noise(small):
    planted = plant("label_noise", small, share=0.3)
    wrong = planted.train.y != small.train.y
    assert wrong.sum() == round(0.3 * len(small.train))
    assert set(planted.train.y[wrong].tolist()) == set(range(10))
    assert (planted.train.x == small.train.x).all()
    assert (plant("label_noise", small, share=1).train.y != small.train.y).all()


def test_mislabeled(small):
    planted = plant("mislabeled", small, share=0.5, pairs={4: 9, 9: 4})
    moved = planted.train.y != small.train.y
    pairs = set(zip(small.train.y[moved].tolist(), planted.train.y[moved].tolist(), strict=True))
    assert pairs == {(4, 9), (9, 4)}
    for label in (4, 9):
        assert moved[small.train.y == label].sum() == round(0.5 * (small.train.y == label).sum())
    default = plant("mislabeled", small).train.y
    moved = default != small.train.y
    pairs = set(zip(small.train.y[moved].tolist(), default[moved].tolist(), strict=True))
    assert pairs == {(4, 9), (3, 5), (7, 1)}


def test_missing_mode_drops_the_inputs_with_the_least_ink(small):
    planted = plant("missing_mode", small, labels=[2], trait="thin", share=0.3)
    ink = small.train.x[small.train.y == 2].mean(axis=(1, 2, 3))
    kept = np.sort(planted.train.x[planted.train.y == 2].mean(axis=(1, 2, 3)))
    assert np.allclose(kept, np.sort(ink)[round(0.3 * len(ink)) :])
    assert (planted.train.y != 2).sum() == (small.train.y != 2).sum()


def test_missing_mode_drops_the_strokes_that_lean_to_the_right():
    upright = np.zeros((6, 6), np.float32)
    upright[:, 3] = 1
    leaning = {"left": np.eye(6, dtype=np.float32), "right": np.eye(6, dtype=np.float32)[::-1]}
    x = np.stack([leaning["left"], leaning["right"], upright])[..., None]
    assert np.allclose(TRAITS["rotated"](x), [1, -1, 0])
    part = Part(x, np.zeros(3, int))
    data = Data(part, part, part, part, classes=1)
    planted = plant("missing_mode", data, trait="rotated", share=0.34)
    assert (planted.train.x == x[[0, 2]]).all()


def test_shifted(small):
    blurred = plant("shifted", small, kind="blur", amount=1.5)
    for image in (0, 7):
        expected = ndimage.gaussian_filter(small.test.x[image, ..., 0], 1.5)
        np.testing.assert_allclose(blurred.test.x[image, ..., 0], expected, atol=1e-6)
    noisy = plant("shifted", small, kind="noise", amount=0.1)
    gray = (small.pool.x > 0.4) & (small.pool.x < 0.6)
    assert np.std((noisy.pool.x - small.pool.x)[gray]) == pytest.approx(0.1, rel=0.05)
    assert noisy.pool.x.min() == 0
    assert noisy.pool.x.max() == 1
    assert noisy.pool.x.dtype == np.float32
    assert plant("shifted", small, amount=0).test.x.tobytes() == small.test.x.tobytes()


BAD = [
    (
        ("under_sampld", {}),
        f"planted fault must be one of {listed(PLANTED)}. Received: 'under_sampld'. "
        "Did you mean 'under_sampled'?",
    ),
    (
        ("under_sampled", {"kep": 0.1}),
        "option of under_sampled must be one of 'keep', 'labels'. Received: 'kep'. "
        "Did you mean 'keep'?",
    ),
    (("under_sampled", {"keep": 1.1}), "keep must be a number from 0 to 1. Received: 1.1."),
    (
        ("under_sampled", {"labels": [10]}),
        "label must be from 0 to 9. Received: labels from 10 to 10.",
    ),
    (("label_noise", {"share": -1}), "share must be a number from 0 to 1. Received: -1."),
    (
        ("mislabeled", {"pairs": {1: 10}}),
        "pairs must be from 0 to 9. Received: labels from 10 to 10.",
    ),
    (
        ("missing_mode", {"trait": "thik"}),
        f"trait must be one of {listed(TRAITS)}. Received: 'thik'. Did you mean 'thin'?",
    ),
    (
        ("shifted", {"kind": "blurr"}),
        "kind must be one of 'blur', 'noise'. Received: 'blurr'. Did you mean 'blur'?",
    ),
    (("shifted", {"amount": -1}), "amount must be a number of at least 0. Received: -1."),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[message[:30] for _, message in BAD])
def test_bad_options_are_refused(call, message, small, refused):
    name, options = call
    assert refused(plant, name, small, **options) == message


def test_faults_of_pictures_need_pictures(refused):
    part = Part(np.zeros((4, 9), np.float32), np.zeros(4, int))
    data = Data(part, part, part, part, classes=2)
    message = "inputs must be images, n x height x width x channels. Received: shape (4, 9)."
    assert refused(plant, "shifted", data) == message
    assert refused(plant, "missing_mode", data, labels=[0], trait="rotated") == message
