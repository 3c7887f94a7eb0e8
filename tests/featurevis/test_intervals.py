"""Bootstrap intervals: hand-known cases, slow oracles, coverage."""

import numpy as np
import pytest

from mode.featurevis import intervals, scores


def test_an_interval_resamples_within_classes_only():
    apart = np.array([[0.0] * 12, [1.0] * 12])  # classes differ, restarts do not
    assert intervals.mean_interval(apart, np.random.default_rng(0)) == (0.5, 0.5)


def test_an_interval_covers_the_true_mean_nine_times_of_ten():
    pick = np.random.default_rng(0)
    ends = [intervals.mean_interval(pick.normal(size=(5, 40)), pick) for _ in range(300)]
    assert 0.84 < np.mean([low < 0 < high for low, high in ends]) < 0.95


def test_intervals_are_those_of_the_statistics_by_name():
    values = np.random.default_rng(0).random(200)

    def statistics(pick):
        drawn = values[pick(200)]
        return {"mean": drawn.mean(), "largest": drawn.max(), "number": 200}

    ends = intervals.statistic_intervals(statistics, np.random.default_rng(1))
    low, high = ends["mean"]
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.645 * values.std() / np.sqrt(200), rel=0.25)
    assert ends["largest"][1] == values.max()
    assert ends["number"] == (200, 200)


def test_spreads_are_the_means_over_pairs_of_different_images():
    images = np.random.default_rng(0).random((5, 2, 2))
    ends = intervals.resampled_spreads(images, 3, np.random.default_rng(1))
    times = np.random.default_rng(1).multinomial(5, np.full(5, 0.2), size=3)
    for value, counts in zip(ends, times, strict=True):
        drawn = np.repeat(np.arange(5), counts)
        pairs = [(i, j) for i in drawn for j in drawn if i != j]
        slow = np.mean([np.linalg.norm(images[i] - images[j]) for i, j in pairs])
        assert value == pytest.approx(slow)


def test_the_interval_of_diversity_holds_it_and_is_zero_for_one_image():
    pick = np.random.default_rng(0)
    samples, expected = pick.random((80, 3, 3)), np.repeat([0, 1], 40)
    preferred = pick.random((2, 12, 3, 3))
    low, high = intervals.diversity_interval(preferred, samples, expected, pick)
    assert low < scores.diversity(preferred, samples, expected).mean() < high
    same = np.repeat(preferred[:, :1], 12, axis=1)
    zero = intervals.diversity_interval(same, samples, expected, pick)
    assert zero == pytest.approx((0, 0), abs=1e-6)


def test_the_interval_of_a_ratio():
    ones = np.ones(50)
    assert intervals.ratio_interval(ones, 2 * ones, np.random.default_rng(0)) == (0.5, 0.5)
    pick = np.random.default_rng(0)
    above, below = pick.normal(3, 1, 100), pick.normal(2, 1, 100)
    low, high = intervals.ratio_interval(above, below, pick)
    assert low < above.mean() / below.mean() < high


def errors_of(rates, samples, pick):
    """Return wrong answers (n,) and their component (n,), each component with a rate of its own."""
    component = pick.integers(0, len(rates), samples)
    return (pick.random(samples) < rates[component]).astype(float), component


def true_unevenness(rates):
    return rates.var() / (rates.mean() * (1 - rates.mean()))


def covered(rates, centered):
    pick, inside = np.random.default_rng(0), []
    for _ in range(60):
        wrong, component = errors_of(rates, 1500, pick)

        def statistics(draw, wrong=wrong, component=component):
            rows = draw(len(wrong))
            return {"unevenness": scores.unevenness(wrong[rows], component[rows])}

        low, high = intervals.statistic_intervals(statistics, pick, centered=centered)["unevenness"]
        inside.append(low <= true_unevenness(rates) <= high)
    return np.mean(inside)


def test_the_interval_of_unevenness_is_moved_back_by_what_resampling_adds():
    even = np.full(50, 0.1)  # nothing but counting: the true unevenness is 0
    assert covered(even, ("unevenness",)) > 0.9
    assert covered(even, ()) < 0.6


def test_the_interval_of_unevenness_covers_one_that_is_not_zero():
    rates = np.random.default_rng(3).beta(1, 2, 50)
    assert covered(rates, ("unevenness",)) > 0.85


@pytest.mark.parametrize("rates", [np.full(10, 0.1), np.linspace(0.02, 0.6, 10)])
def test_the_interval_of_the_worst_class_covers_the_true_rate(rates):
    pick, inside = np.random.default_rng(0), []
    for _ in range(300):
        low, high = intervals.worst_interval(*errors_of(rates, 1000, pick))
        inside.append(low <= rates.max() <= high)
    assert np.mean(inside) > 0.9


def test_wilson_bounds_known_by_hand():
    z = 2.0  # p = 1/2 of 12: (1/2 + 1/6 +- 2 sqrt(1/48 + 1/144)) / (4/3) = 1/2 +- 1/4
    ends = [intervals.wilson_bound(np.array([0.5]), np.array([12]), k * z)[0] for k in (-1, 1)]
    assert ends == pytest.approx([0.25, 0.75])
