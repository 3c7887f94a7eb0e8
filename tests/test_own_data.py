"""Own arrays: given parts are kept, others cut by seed; no archive is trusted."""

import io
import zipfile

import numpy as np
import pytest

from mode.data import load_data


@pytest.fixture
def save(tmp_path):
    def save(**arrays):
        np.savez_compressed(tmp_path / "own.npz", **arrays)
        return tmp_path / "own.npz"

    return save


def some(count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 4, 4), dtype=np.uint8), np.arange(count) % 3


def test_given_parts_are_kept_and_the_others_cut_from_the_pool(save):
    (x, y), (pool, of_pool) = some(30), some(80, 1)
    made = load_data(save(x_train=x, y_train=y, x_pool=pool, y_pool=of_pool), seed=3)
    assert made.sizes() == {"train": 30, "pool": 34, "diagnosis": 26, "test": 20}
    np.testing.assert_array_equal(made.train.x[..., 0], x.astype(np.float32) / np.float32(255))
    for part in ("pool", "diagnosis", "test"):
        places = made.places(part)
        found = getattr(made, part)
        np.testing.assert_array_equal(found.x[..., 0] * 255, pool[places])
        np.testing.assert_array_equal(found.y, of_pool[places])
    cut = made.origin[made.origin["part"] != "train"]
    assert sorted(cut["index"]) == list(range(80)), "every input in one part alone"
    assert set(cut["source"]) == {"pool"}


@pytest.mark.parametrize(
    ("pool", "diagnosis"), [(9, 3), (45, 15), (300, 100), (590, 100), (1200, 200)]
)
def test_a_small_pool_gives_up_to_a_third_to_the_diagnosis_part(pool, diagnosis):
    """A hundred inputs show a gain of ten points; a sixth of a large pool is more than that."""
    arrays = {"train": some(30), "pool": some(pool, 1), "test": some(9, 2)}
    made = load_data({f"{a}_{n}": v for n, pair in arrays.items() for a, v in zip("xy", pair)})  # noqa: B905
    assert made.sizes() == {
        **{"train": 30, "pool": pool - diagnosis},
        **{"diagnosis": diagnosis, "test": 9},
    }


def test_all_parts_given_are_left_alone(save):
    arrays = {n: some(12, k) for k, n in enumerate(("train", "pool", "diagnosis", "test"))}
    path = save(**{f"{a}_{n}": v for n, pair in arrays.items() for a, v in zip("xy", pair)})  # noqa: B905
    made = load_data(path)
    for name, (x, y) in arrays.items():
        np.testing.assert_array_equal(getattr(made, name).x[..., 0] * 255, x)
        np.testing.assert_array_equal(getattr(made, name).y, y)


def test_equal_seeds_cut_alike_and_others_do_not(save):
    x, y = some(140)
    path = save(x=x, y=y)
    assert load_data(path, seed=1).origin.equals(load_data(path, seed=1).origin)
    assert not load_data(path, seed=1).origin.equals(load_data(path, seed=2).origin)


def test_a_pool_without_labels_takes_them_as_they_come(save):
    (x, y), (pool, of_pool) = some(140), some(20, 1)
    made = load_data(save(x_train=x, y_train=y, x_pool=pool))
    assert not made.labeled
    assert made.sizes()["pool"] == 20
    partly = np.full(20, -1)
    partly[[2, 7, 11]] = of_pool[[2, 7, 11]]
    before = made
    made = load_data(save(x_train=x, y_train=y, x_pool=pool, y_pool=partly))
    for part in ("train", "diagnosis", "test"):
        np.testing.assert_array_equal(made.places(part), before.places(part))
    assert made.labeled
    assert made.places("pool").tolist() == [2, 7, 11]
    np.testing.assert_array_equal(made.pool.y, of_pool[[2, 7, 11]])


SPELLED = {
    "class names": (np.array(["cat", "dog", "ape"]), ("ape", "cat", "dog"), ""),
    "values": (np.array([7, 42, 3]), ("3", "7", "42"), -1),
    "values from 1": (np.array([2, 3, 1]), ("1", "2", "3"), -1),
}


@pytest.mark.parametrize("how", SPELLED)
@pytest.mark.parametrize("streams", [False, True], ids=["in memory", "streamed"])
def test_labels_of_any_values_are_numbered_and_named(save, how, streams, tmp_path):
    values, names, unknown = SPELLED[how]
    (x, y), (pool, of_pool) = some(140), some(20, 1)
    spelled = values[of_pool]
    spelled[[4, 9]] = unknown
    arrays = {"x_train": x, "y_train": values[y]}
    np.save(tmp_path / "pool.npy", pool)
    options = {"pool": tmp_path / "pool.npy", "pool_labels": spelled} if streams else {}
    arrays |= {} if streams else {"x_pool": pool, "y_pool": spelled}
    made = load_data(save(**arrays), classes=3, **options)
    assert (made.class_names, made.classes) == (names, 3)
    for part in ("train", "diagnosis", "test"):
        expected = values[y[made.places(part)]].astype(str)
        assert np.array(names)[getattr(made, part).y].tolist() == expected.tolist()
    known = np.delete(np.arange(20), [4, 9])
    np.testing.assert_array_equal(made.places("pool"), known)
    found = np.array(names)[made.pool.y]
    assert found.tolist() == values[of_pool][known].astype(str).tolist()


def test_labels_that_the_model_knows_stay_what_they_are(save, refused):
    """A class may lack in the data; only values beyond the model's classes are numbered."""
    x, y = some(140)
    gaps = np.array([0, 1, 3])[y]
    made = load_data(save(x_train=x, y_train=gaps), classes=10)
    assert (made.classes, made.class_names) == (10, None)
    np.testing.assert_array_equal(made.train.y, gaps[made.places("train")])
    assert refused(load_data, save(x_train=x, y_train=gaps * 9), classes=10) == (
        "the labels must have 10 different names. Received: '0', '9', '27'. "
        "Name them by class_names, in the order of the model's outputs."
    )
    named = np.array(["z", "b", "a"])  # by the model's outputs, not by the alphabet
    made = load_data(save(x_train=x, y_train=named[y], class_names=named), classes=3)
    np.testing.assert_array_equal(made.train.y, y[made.places("train")])
    assert made.class_names == ("z", "b", "a")


def test_bad_arrays_are_refused(save, refused, tmp_path):
    x, y = some(30)
    path = save(x_train=x)
    assert (
        refused(load_data, path)
        == f"{path} must hold y_train beside x_train. Received: keys x_train."
    )
    path = save(x_pool=x)
    assert refused(load_data, path) == (
        f"{path} must hold x_train and y_train, or another part with its labels. "
        "Received: keys x_pool."
    )
    path = save(x_train=x, y_train=y, class_names=np.array(["a", "a", "b"]))
    assert refused(load_data, path, classes=3) == (
        "the labels must have 3 different names. Received: 'a', 'a', 'b'. "
        "Name them by class_names, in the order of the model's outputs."
    )
    vectors = np.zeros((30, 5), np.float32)
    path = save(x_train=vectors, y_train=y, feature_names=np.array(["a", "b"]))
    assert refused(load_data, path, classes=3) == (
        "feature_names must fit inputs of shape (5,). Received: 2 names."
    )
    path = save(x_train=x[:5], y_train=y[:5])
    assert refused(load_data, path) == (
        "x_train must have enough inputs to create pool, diagnosis, test from it. Received: 5."
    )
    plain = "must be an .npz archive of plain arrays. Received:"
    assert refused(load_data, tmp_path / "none.npz") == f"{tmp_path}/none.npz {plain} no such file."
    path = save(x_train=x, y_train=np.array([{}] * 30))
    assert refused(load_data, path) == f"{path} {plain} pickled objects."


def archive_of(path, shape: tuple, held: bytes):
    """An archive whose array declares `shape` and holds something else."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", header.getvalue() + held)
    return path


def test_absurd_sizes_are_refused_before_any_memory_is_taken(tmp_path, refused):
    plain = "must be an .npz archive of plain arrays. Received: x_train.npy"
    path = archive_of(tmp_path / "declares.npz", (10**15, 28, 28), b"1234")
    assert refused(load_data, path) == (
        f"{path} {plain} declaring 784000000000000000 bytes, holding 4."
    )
    path = archive_of(tmp_path / "bomb.npz", (2**25,), bytes(2**25))
    assert refused(load_data, path).startswith(f"{path} {plain} of 33554560 bytes in ")
