"""Streams depend on the seed and on every name, and on nothing else."""

import numpy as np
import pytest

from mode import seeds


def test_known_values_never_change():
    assert seeds.derive(0, "repair", "euclidean", 3) == 86979594
    assert seeds.derive(123) == 284054232


def test_every_name_its_order_and_the_seed_count():
    calls = [(0,), (1,), (0, "a"), (0, "a", "b"), (0, "b", "a"), (0, "ab"), (0, "a", 1), (1, "a")]
    derived = [seeds.derive(*call) for call in calls]
    assert len(set(derived)) == len(calls)
    assert derived == [seeds.derive(*call) for call in calls]
    assert all(0 <= seed < 2**31 for seed in derived)


def test_derived_seeds_are_spread_over_their_range():
    bits = np.array([[seeds.derive(s, "x") >> b & 1 for b in range(31)] for s in range(400)])
    assert (abs(bits.mean(axis=0) - 0.5) < 0.13).all()


def test_a_generator_is_its_own_and_disturbs_no_other():
    first = seeds.generator(3, "order").random(5)
    seeds.generator(3, "other").random(100)
    assert (seeds.generator(3, "order").random(5) == first).all()
    assert (seeds.generator(4, "order").random(5) != first).all()


@pytest.mark.parametrize(
    ("seed", "received"), [(-1, "-1"), (1.5, "1.5"), ("1", "'1'"), (None, "None"), (True, "True")]
)
def test_a_bad_seed_is_refused(seed, received, refused):
    message = f"seed must be a whole number of at least 0. Received: {received}."
    assert refused(seeds.derive, seed, "a") == message
    assert refused(seeds.generator, seed, "a") == message
