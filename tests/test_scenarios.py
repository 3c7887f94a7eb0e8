"""A scenario changes what it says, and leaves the data it is given alone."""

import numpy as np
import pytest

from mode.models import predict
from mode.studies.scenarios import MAIN, SCENARIOS, WRONG_LABELS, faulty_model
from tests.messages import listed

PARTS = ("train", "pool", "diagnosis", "test")
# What the planted fault does to the inputs of the training part, and to their labels.
REMOVED = (
    "under_sampled_10",
    "under_sampled_5",
    "under_sampled_2",
    "missing_thin",
    "missing_rotated",
)
RELABELED = {"label_noise": 0.3, "mislabeled": 0.6}
SHIFTED = ("shifted_blur", "shifted_noise")


def copied(data):
    return {name: (getattr(data, name).x.copy(), getattr(data, name).y.copy()) for name in PARTS}


def accuracy(model, part) -> float:
    return (predict(model, part.x).argmax(axis=1) == part.y).mean()


@pytest.mark.parametrize("name", SCENARIOS)
def test_only_the_part_that_is_faulty_differs(name, small):
    before = copied(small)
    _, planted = faulty_model(name, small, seed=3)
    for part, (x, y) in before.items():
        assert (getattr(small, part).x == x).all(), "the given data are not changed"
        assert (getattr(small, part).y == y).all()
        if part != "train":
            relabelled = part == "pool" and name in WRONG_LABELS
            assert (getattr(planted, part).y == y).all() != relabelled
            assert (getattr(planted, part).x == x).all() != (name in SHIFTED)
    first = small.train.take(np.arange(400)[: SCENARIOS[name].train])
    if name in REMOVED:
        rows = {x.tobytes() for x in first.x}
        assert 0 < len(planted.train) < len(first)
        assert all(x.tobytes() in rows for x in planted.train.x)
    else:
        assert (planted.train.x == first.x).all()
        wrong = planted.train.y != first.y
        assert wrong.any() == (name in RELABELED)


def test_the_faults_are_as_large_as_they_say(small):
    counts = np.bincount(small.train.y, minlength=10)
    _, under_sampled = faulty_model("under_sampled_10", small)
    kept = np.bincount(under_sampled.train.y, minlength=10)
    assert [kept[label] for label in (5, 8, 9)] == [round(0.1 * counts[n]) for n in (5, 8, 9)]
    assert kept.sum() == 400 - sum(counts[n] - kept[n] for n in (5, 8, 9))
    _, noisy = faulty_model("label_noise", small)
    assert (noisy.train.y != small.train.y).sum() == 120
    _, swapped = faulty_model("mislabeled", small)
    wrong = swapped.train.y != small.train.y
    pairs = set(zip(small.train.y[wrong].tolist(), swapped.train.y[wrong].tolist(), strict=True))
    assert pairs == {(4, 9), (3, 5), (7, 1)}
    assert wrong.sum() == sum(round(0.6 * counts[label]) for label in (4, 3, 7))


def test_sizes_and_passes_make_the_model(small):
    few, part = faulty_model("over_fitted_300", small)
    assert len(part.train) == 300
    assert accuracy(few, part.train) == 1
    assert accuracy(few, part.test) < 0.9
    short, part = faulty_model("under_trained", small)
    assert len(part.train) == 400, "all there are, where there are fewer"
    assert accuracy(short, part.train) < 0.9


def test_a_seed_decides_the_fault_and_the_model_and_scenarios_have_streams_of_their_own(small):
    made = [faulty_model("label_noise", small, seed=seed) for seed in (1, 1, 2)]
    weights = [model.get_weights()[0] for model, _ in made]
    labels = [data.train.y for _, data in made]
    assert (weights[0] == weights[1]).all()
    assert (labels[0] == labels[1]).all()
    assert (weights[0] != weights[2]).any()
    assert (labels[0] != labels[2]).any()
    starts = {
        faulty_model(name, small)[0].get_weights()[0].tobytes()
        for name in ("under_sampled_10", "under_sampled_5")
    }
    assert len(starts) == 2


def test_the_main_comparison_has_one_scenario_without_a_fault():
    assert set(MAIN) <= set(SCENARIOS)
    assert [name for name, scenario in SCENARIOS.items() if not scenario.has_fault] == [
        "no_planted_fault"
    ]
    assert "no_planted_fault" in MAIN


def test_unknown_names_are_refused(small, refused):
    assert refused(faulty_model, "under_sampled", small) == (
        f"scenario must be one of {listed(SCENARIOS)}. Received: 'under_sampled'. "
        "Did you mean 'under_sampled_5'?"
    )
    message = refused(faulty_model, "no_planted_fault", small, model="lenet")
    assert message.endswith("Received: 'lenet'. Did you mean 'lenet5'?")
