import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr, wasserstein_distance

from mode.checks import InputError
from mode.distances import DISTANCES, blocks, distance
from tests.messages import listed

SHAPE = (5, 4)


def by_cdist(metric, undefined=None, **options):
    def oracle(x, m):
        scores = cdist(x.astype(float), m[None].astype(float), metric, **options)[:, 0]
        return scores if undefined is None else np.where(np.isnan(scores), undefined(x, m), scores)

    return oracle


def cosine_where_undefined(x, m):
    return [float(row.any() or m.any()) for row in x]


def by_row(function):
    return lambda x, m: np.array([function(row, m) for row in x])


def transport(x, m, shape=SHAPE):
    """The whole linear program of both signs, without any of the short cuts."""
    from ot import emd2

    places = [(i, j) for i in range(shape[0]) for j in range(shape[1])]
    ground = np.array([[np.hypot(a - c, b - d) for c, d in places] for a, b in places])

    def masses(values):
        return values / values.sum() if values.sum() > 0 else np.full(len(values), 1 / len(values))

    x, m = x.astype(float), m.astype(float)
    signs = ((x.clip(min=0), m.clip(min=0)), ((-x).clip(min=0), (-m).clip(min=0)))
    return sum(emd2(masses(a), masses(b), ground) for a, b in signs)


# One row an entry of DISTANCES: the same number the slow or the usual way, from n x d and (d,).
ORACLES = {
    "dot": by_row(lambda x, m: -sum(float(a) * float(b) for a, b in zip(x, m, strict=True))),
    "cosine": by_cdist("cosine", cosine_where_undefined),
    "manhattan": by_cdist("cityblock"),
    "euclidean": by_cdist("euclidean"),
    "minkowski": by_cdist("minkowski", p=3),
    "chebyshev": by_cdist("chebyshev"),
    "earth_mover": by_row(wasserstein_distance),
    "canberra": by_cdist("canberra"),
    "bray_curtis": by_cdist("braycurtis", lambda x, m: np.zeros(len(x))),
    "earth_mover_2d": by_row(transport),
}


def draw(kind, n=12, shape=SHAPE):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(n, *shape))
    if kind == "sparse":
        x = np.where(rng.random(x.shape) < 0.8, 0.0, np.abs(x))
        x[3:4] = 0.0
    if kind == "constant":
        x = np.broadcast_to(rng.random(n).reshape(-1, *[1] * len(shape)), x.shape).copy()
    return np.zeros_like(x) if kind == "zero" else x


def heatmap_for(kind):
    return draw("sparse", 1)[0] if kind == "sparse" else draw(kind, 13)[12]


@pytest.fixture(params=sorted(DISTANCES))
def name(request):
    return request.param


def equal(scores: np.ndarray, wanted: np.ndarray) -> None:
    """Rows have the same distance wherever they lie; older processors round the last row alone in
    another way."""
    np.testing.assert_allclose(scores, wanted, rtol=1e-12, atol=1e-12)


def test_every_metric_has_an_oracle():
    assert set(ORACLES) == set(DISTANCES)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("map_kind", ["random", "sparse", "constant", "zero"])
@pytest.mark.parametrize("kind", ["random", "sparse", "constant", "zero"])
def test_equals_its_oracle(name, kind, map_kind, dtype):
    x, m = draw(kind).astype(dtype), heatmap_for(map_kind).astype(dtype)
    scores = distance(name, x, m)
    assert scores.shape == (len(x),)
    assert scores.dtype == np.float64
    wanted = ORACLES[name](x.reshape(len(x), -1), m.ravel())
    np.testing.assert_allclose(scores, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64, bool, np.int64])
def test_a_dtype_changes_no_score(name, dtype):
    x = (draw("sparse") * 2).round().astype(dtype)
    wanted = distance(name, x.astype(np.float64), x[0].astype(np.float64))
    equal(distance(name, x, x[0]), wanted)


def test_reads_a_memory_map_and_any_memory_order(name, tmp_path):
    x, m = draw("random", 30).astype(np.float32), heatmap_for("random")
    wanted = distance(name, x, m)
    np.save(tmp_path / "pool.npy", x)
    mapped = np.load(tmp_path / "pool.npy", mmap_mode="r")
    for same in (mapped, np.asfortranarray(x), np.repeat(x, 2, axis=2)[:, :, ::2]):
        equal(distance(name, same, m), wanted)


@pytest.mark.parametrize("shape", [(3,), (9, 4, 2), (30, 30), (100, 100)])
@pytest.mark.parametrize("step", [1, 2, 7])
def test_chunked_equals_whole(name, shape, step, monkeypatch):
    x, m = draw("random", 15, shape), draw("sparse", 1, shape)[0]
    whole = distance(name, x, m)
    parts = [distance(name, x[i : i + step], m) for i in range(0, len(x), step)]
    equal(np.concatenate(parts), whole)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 4 * m.size * 8)
    equal(distance(name, x, m), whole)


def test_permuting_samples_permutes_scores(name):
    x, m = draw("random", 40), heatmap_for("random")
    order = np.random.default_rng(1).permutation(len(x))
    equal(distance(name, x[order], m), distance(name, x, m)[order])


def test_the_map_is_nearest_to_itself_but_for_the_dot_product(name):
    if name == "dot":  # it grows with a sample's length
        m = heatmap_for("random")
        assert distance(name, 2 * m[None], m) < distance(name, m[None], m)
        return
    x = draw("random", 20)
    scores = distance(name, x, x[11])
    assert scores.argmin() == 11
    assert scores[11] == pytest.approx(0, abs=1e-12)


def test_the_nearer_of_two_has_the_smaller_score(name):
    m = np.zeros(SHAPE)
    m[1, 1] = 1.0
    near, far = m.copy(), np.zeros(SHAPE)
    near[0, 0] = 0.1
    far[4, 3] = 1.1
    near_score, far_score = distance(name, np.stack([near, far]), m)
    assert near_score < far_score


@pytest.mark.parametrize("factor", [1e-6, 0.5, 3.0, 1e6])
def test_scaling_leaves_cosine_alone(factor):
    x, m = draw("random"), heatmap_for("random")
    wanted = distance("cosine", x, m)
    np.testing.assert_allclose(distance("cosine", x * factor, m), wanted, atol=1e-12)
    np.testing.assert_allclose(distance("cosine", x, m * factor), wanted, atol=1e-12)


def test_arguments_stay_as_they_were(name):
    x, m = draw("random"), heatmap_for("random")
    before = x.copy(), m.copy()
    distance(name, x, m)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(m, before[1])


def test_no_samples_give_no_scores(name):
    assert distance(name, np.empty((0, *SHAPE)), np.ones(SHAPE)).shape == (0,)


def test_hand_known_scores():
    x, m = np.array([[0.0, 3.0, 1.0]]), np.array([1.0, 1.0, 1.0])
    known = {
        "dot": -4.0,
        "cosine": 1 - 4 / np.sqrt(30),
        "manhattan": 3.0,
        "euclidean": np.sqrt(5),
        "minkowski": 9 ** (1 / 3),
        "chebyshev": 2.0,
        "earth_mover": 1.0,
        "canberra": 1.5,
        "bray_curtis": 3 / 7,
        # Masses 0, 3/4, 1/4 against thirds: 1/3 crosses the first gap, 1/12 the second.
        "earth_mover_2d": 5 / 12,
    }
    assert {name: distance(name, x, m)[0] for name in DISTANCES} == pytest.approx(known)


def test_bray_curtis_of_opposites_is_infinite_as_in_scipy():
    assert distance("bray_curtis", -np.ones((1, 3)), np.ones(3)) == np.inf


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_samples_that_are_not_finite(name, bad):
    x = draw("random", 30)
    x[17, 2, 3] = bad
    message = f"samples must be finite. Received: {bad} at index (17, 2, 3), 1 in all."
    for m in (heatmap_for("random"), np.zeros(SHAPE), np.ones(SHAPE)):
        with pytest.raises(InputError) as error:
            distance(name, x, m)
        assert str(error.value) == message


POINT = np.zeros(SHAPE)
ERRORS = [
    (
        ("euclidian", POINT[None], POINT),
        {},
        f"metric must be one of {listed(DISTANCES)}. Received: 'euclidian'. "
        "Did you mean 'euclidean'?",
    ),
    (
        ("dot", np.zeros((3, 4, 5)), POINT),
        {},
        "samples must have the shape (n, 5, 4). Received: shape (3, 4, 5).",
    ),
    (("dot", POINT, POINT), {}, "samples must have the shape (n, 5, 4). Received: shape (5, 4)."),
    (
        ("dot", np.zeros(3), np.float64(1)),
        {},
        "heatmap must have the shape of one sample. Received: shape ().",
    ),
    (
        ("dot", np.zeros((3, 0)), np.zeros(0)),
        {},
        "heatmap must have the shape of one sample. Received: shape (0,).",
    ),
    (
        ("dot", POINT[None], np.full(SHAPE, np.nan)),
        {},
        "heatmap must be finite. Received: nan at index (0, 0), 20 in all.",
    ),
    (
        ("dot", POINT[None].astype(str), POINT),
        {},
        "samples must be an array of numbers. Received: dtype <U32.",
    ),
    (("cosine", POINT[None], POINT), {"exact": True}, "cosine takes no options. Received: exact."),
    (
        ("earth_mover_2d", POINT[None], POINT),
        {"exakt": True},
        "option of earth_mover_2d must be one of 'exact'. Received: 'exakt'. Did you mean 'exact'?",
    ),
    (
        ("earth_mover_2d", POINT[None], POINT),
        {"exact": "yes"},
        "exact must be True, False or None. Received: 'yes'.",
    ),
]


@pytest.mark.parametrize(("arguments", "options", "message"), ERRORS)
def test_errors_say_what_is_wrong(arguments, options, message):
    with pytest.raises(InputError) as error:
        distance(*arguments, **options)
    assert str(error.value) == message


@pytest.mark.parametrize("exact", [True, False])
def test_moving_ink_costs_the_pixels_it_moves(exact):
    m, moved = np.zeros((2, 12, 12))
    m[2:4, 3:6] = 0.7
    moved[5:7, 7:10] = 0.2  # by (3, 4), and fainter
    scores = distance("earth_mover_2d", np.stack([m, moved]), m, exact=exact)
    np.testing.assert_allclose(scores, [0, 5], atol=1e-9)


@pytest.mark.parametrize("exact", [True, False])
def test_signs_are_added_and_channels_averaged(exact):
    a, b, c = draw("sparse", 3, (6, 6))
    one = {"exact": exact}
    channels = distance("earth_mover_2d", np.stack([a, b], -1)[None], np.stack([b, c], -1), **one)
    singles = [distance("earth_mover_2d", x[None], m, **one)[0] for x, m in ((a, b), (b, c))]
    assert channels[0] == pytest.approx(np.mean(singles))
    left, right = a.copy(), b.copy()
    left[3:], right[3:] = 0, 0
    lower = np.flipud(left), np.flipud(right)
    signed = distance("earth_mover_2d", (left - lower[0])[None], right - lower[1], **one)
    parts = distance("earth_mover_2d", left[None], right, **one)
    assert signed[0] == pytest.approx(2 * parts[0])


@pytest.mark.parametrize("exact", [True, False, None])
def test_on_a_line_transport_is_the_closed_form(exact):
    x, m = draw("sparse", 10, (20,)), draw("sparse", 11, (20,))[10]
    scores = distance("earth_mover_2d", x, m, exact=exact)
    np.testing.assert_allclose(scores, by_row(lambda a, b: transport(a, b, (20, 1)))(x, m))


def test_the_image_size_alone_chooses_exact_or_sliced():
    for shape, exact in (((14, 14), True), ((15, 14), False)):
        x, m = draw("sparse", 2, shape), draw("sparse", 3, shape)[2]
        one, other = (distance("earth_mover_2d", x, m, exact=e) for e in (exact, not exact))
        np.testing.assert_array_equal(distance("earth_mover_2d", x, m), one)
        assert (one[:2] != other[:2]).all()


def test_sliced_ranks_blobs_much_as_exact_does():
    rows, columns = np.mgrid[:14, :14]
    at = np.random.default_rng(3).uniform(2, 12, size=(40, 4))
    blobs = np.array(
        [
            np.exp(-((rows - a) ** 2 + (columns - b) ** 2)) + np.exp(-((rows - c) ** 2))
            for a, b, c, d in at
        ]
    )
    exact, sliced = (distance("earth_mover_2d", blobs, blobs[0], exact=e) for e in (True, False))
    assert spearmanr(exact, sliced).statistic > 0.9
