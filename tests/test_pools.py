"""Pools that stay where they are: what opens, what is read, and that the k best are the k best."""

import json
import mmap
import pickle
import struct
import tracemalloc
import zlib
from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from mode.data import open_pool
from mode.data.schema import prepared
from mode.data.stores import KINDS
from mode.distances import DISTANCES, distance
from mode.streaming import DistanceScorer, best, blocks
from mode.streaming.blocks import BLOCK_BYTES, CHUNK, block_size
from mode.streaming.scorer import LOWER_BOUNDS, lower_bound

COUNT, SHAPE = 97, (6, 5)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Dark images like digits, some of them twice, so that there are ties."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (COUNT, *SHAPE), dtype=np.uint8)
    x[rng.random(x.shape) < 0.6] = 0
    x[50:60] = x[10:20]
    x[3] = 0
    return x


@pytest.fixture(scope="module")
def stored(images, tmp_path_factory):
    """Name -> the same images as every kind of pool."""
    import keras
    import tensorflow as tf
    import zarr

    place = tmp_path_factory.mktemp("pools")
    np.save(place / "rows.npy", images)
    np.save(place / "columns.npy", np.asfortranarray(images))
    store = zarr.create_array(place / "a.zarr", shape=images.shape, chunks=(10, 6, 5), dtype="u1")
    store[:] = images
    for number, image in enumerate(images):
        (place / "folder" / f"{number // 50}").mkdir(parents=True, exist_ok=True)
        file = place / "folder" / f"{number // 50}" / f"{number:03}.png"
        keras.utils.save_img(file, image[..., None], scale=False)
    dataset = tf.data.Dataset.from_tensor_slices((images, np.arange(COUNT) % 3))
    return {
        "array": images,
        "memory map": np.load(place / "rows.npy", mmap_mode="r"),
        ".npy": place / "rows.npy",
        ".npy by columns": str(place / "columns.npy"),
        "Zarr": place / "a.zarr",
        "Zarr array": store,
        "Dask": da.from_array(images, chunks=(11, 6, 5)),
        "tf.data": dataset,
        "tf.data, batched": dataset.batch(8),
        "folder": place / "folder",
    }


NAMES = ["array", "memory map", ".npy", ".npy by columns", "Zarr", "Zarr array", "Dask"]
NAMES += ["tf.data", "tf.data, batched", "folder"]


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_pool_reads_the_same_inputs(stored, images, name):
    pool = open_pool(stored[name], shape=(*SHAPE, 1))
    expected = prepared("images", images)

    def got(x: np.ndarray) -> np.ndarray:
        return prepared("pool", x, (*SHAPE, 1))

    assert len(pool) == COUNT
    found = list(pool.blocks(40))
    assert [start for start, _ in found] == [0, 40, 80]
    np.testing.assert_array_equal(np.concatenate([got(x) for _, x in found]), expected)
    indices = np.array([96, 3, 3, 50, 0])
    np.testing.assert_array_equal(got(pool.take(indices)), expected[indices])
    some = np.array([1, 2, 5, 60, 61, 95])
    parts = [got(x) for x in pool.read(some, 4)]
    assert [len(part) for part in parts] == [4, 2]
    np.testing.assert_array_equal(np.concatenate(parts), expected[some])
    assert pool.take(np.zeros(0, int)).shape == (0, *pool.shape)
    # What is handed out is not the caller's own memory, which must stay as it is.
    block = next(pool.read(range(5), 5))
    if block.flags.writeable and name != "array":
        block[:] = 0
        np.testing.assert_array_equal(got(pool.take(np.arange(5))), expected[:5])


def test_labels_come_with_the_pool_or_beside_it(stored, tmp_path):
    np.testing.assert_array_equal(open_pool(stored["tf.data"]).labels, np.arange(COUNT) % 3)
    folder = open_pool(stored["folder"])
    np.testing.assert_array_equal(folder.labels, np.arange(COUNT) // 50)
    assert folder.names == ("0", "1")
    np.save(tmp_path / "y.npy", np.arange(COUNT))
    for y in (np.arange(COUNT), tmp_path / "y.npy", str(tmp_path / "y.npy")):
        np.testing.assert_array_equal(open_pool(stored[".npy"], y).labels, np.arange(COUNT))


def test_a_folder_is_read_as_by_keras_in_its_order_and_size(stored):
    import keras

    options = {"color_mode": "grayscale", "image_size": (12, 10), "shuffle": False}
    theirs = keras.utils.image_dataset_from_directory(
        stored["folder"], batch_size=None, verbose=False, **options
    )
    pool = open_pool(stored["folder"], shape=(12, 10, 1))
    x, y = map(np.stack, zip(*theirs.as_numpy_iterator(), strict=True))
    np.testing.assert_array_equal(pool.labels, y)
    # The decoders enlarge alike but for rounding and the edges; the images are the same.
    ours = 255 * pool.take(np.arange(COUNT))
    assert np.corrcoef(ours.ravel(), x.ravel())[0, 1] > 0.95
    same = open_pool(stored["folder"], shape=(*SHAPE, 1)).take(np.arange(COUNT))
    options["image_size"] = SHAPE
    theirs = keras.utils.image_dataset_from_directory(
        stored["folder"], batch_size=None, verbose=False, **options
    )
    x = np.stack([image for image, _ in theirs.as_numpy_iterator()])
    np.testing.assert_array_equal(same, x / np.float32(255))


def test_what_is_no_pool_is_refused_in_one_line(stored, images, tmp_path, refused):
    import tensorflow as tf
    import zarr

    assert refused(open_pool, 3) == f"the pool must be {KINDS}. Received: int."
    assert refused(open_pool, tmp_path / "none") == (
        f"the pool must be {KINDS}. Received: '{tmp_path}/none'."
    )
    plain = "must be an .npy file of a plain array. Received:"
    path = tmp_path / "a.npy"
    assert refused(open_pool, path) == f"{path} {plain} no such file."
    np.save(path, np.array([{}]), allow_pickle=True)
    assert refused(open_pool, path) == f"{path} {plain} pickled objects."
    np.savez(tmp_path / "b.npz", images)
    (tmp_path / "b.npz").rename(tmp_path / "b.npy")
    assert refused(open_pool, tmp_path / "b.npy") == (
        f"{tmp_path}/b.npy {plain} an archive of several."
    )
    path.write_bytes(b"nothing")
    assert refused(open_pool, path).startswith(f"{path} {plain} ")
    wanted = "the pool must be an array of inputs, n x .... Received: shape (4,)."
    assert refused(open_pool, np.zeros(4)) == wanted
    np.save(path, np.zeros(4))
    assert refused(open_pool, path) == wanted
    assert (
        refused(open_pool, np.array([["a"]])) == "the pool must hold numbers. Received: dtype <U1."
    )
    assert refused(open_pool, images[:0]) == (
        "inputs of the pool must be a whole number from 1 to 1e+10. Received: 0."
    )
    assert refused(open_pool, images, np.zeros(3)) == (
        f"pool and labels must have the same length. Received: pool: {COUNT}, labels: 3."
    )
    dataset = tf.data.Dataset.from_tensor_slices(images)
    assert refused(open_pool, dataset.repeat()) == (
        "the tf.data dataset must be finite. Received: an infinite dataset."
    )
    assert refused(open_pool, dataset.take(0)) == (
        "the tf.data dataset must not be empty. Received: length 0."
    )
    assert refused(open_pool, dataset.shuffle(99, seed=1)) == (
        "the dataset must have the same order each time. Received: another order. "
        "Shuffle with reshuffle_each_iteration=False, or not at all."
    )
    three = tf.data.Dataset.from_tensor_slices((images, images, images))
    assert refused(open_pool, three).startswith(
        "elements of the tf.data dataset must be an input or (input, label). Received: "
    )
    (tmp_path / "empty" / "a").mkdir(parents=True)
    assert refused(open_pool, tmp_path / "empty") == (
        f"{tmp_path}/empty must hold a folder of images (.bmp, .gif, .jpeg, .jpg, .png) for each "
        "class. Received: 1 folders without any."
    )
    (tmp_path / "empty" / "a" / "x.png").write_bytes(b"no image")
    assert refused(open_pool, tmp_path / "empty") == (
        f"{tmp_path}/empty/a/x.png must be an image. Received: cannot identify image file."
    )
    assert refused(open_pool, stored["folder"], shape=(6, 5, 2)) == (
        "images must be brought to height x width x 1, 3 or 4 channels. Received: shape (6, 5, 2)."
    )
    (tmp_path / "c.zarr").mkdir()
    assert refused(open_pool, tmp_path / "c.zarr").startswith(
        f"{tmp_path}/c.zarr must be a Zarr store of one array. Received: "
    )
    huge = (2**20, 64, 64)
    zarr.create_array(tmp_path / "d.zarr", shape=huge, chunks=huge, dtype="u1")
    assert refused(open_pool, tmp_path / "d.zarr") == (
        f"chunks of {tmp_path}/d.zarr must have at most 1073741824 bytes. Received: 4294967296."
    )


def test_a_file_that_declares_more_than_it_holds_is_refused(tmp_path, refused):
    path = tmp_path / "short.npy"
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (10**12, 28, 28)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b"1234")
    assert refused(open_pool, path).startswith(f"{path} must be an .npy file of a plain array. ")


def test_no_store_runs_code_and_no_image_takes_all_memory(tmp_path, refused):
    """A filter of Zarr's that unpickles chunks, and a PNG of 10 gigapixels."""
    store, ran = tmp_path / "a.zarr", tmp_path / "ran"

    class Payload:
        def __reduce__(self):
            return Path.touch, (ran,)

    pickled = pickle.dumps(Payload())
    store.mkdir()
    declared = {"shape": [1, 2], "chunks": [1, 2], "dtype": "|u1", "compressor": None}
    declared |= {"zarr_format": 2, "order": "C", "fill_value": 0, "filters": [{"id": "pickle"}]}
    (store / ".zarray").write_text(json.dumps(declared))
    (store / "0.0").write_bytes(pickled)
    message = refused(open_pool, store)
    assert message.startswith(f"{store} must be a Zarr store of one array. Received: ")
    assert not ran.exists()
    image = tmp_path / "folder" / "a" / "bomb.png"
    image.parent.mkdir(parents=True)
    size = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", size), (b"IDAT", zlib.compress(b"0")), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    image.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    message = refused(open_pool, tmp_path / "folder")
    assert message.startswith(f"{image} must be an image. Received: Image size (10000000000 ")


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of seven inputs, so that a hundred make many."""
    monkeypatch.setattr(blocks, "block_size", lambda pool: 7)


def chosen_alike(found: np.ndarray, expected: np.ndarray, scores: np.ndarray) -> None:
    """Compare choices but for the order of what is equal up to rounding, as in other blocks."""
    assert len(set(found.tolist())) == len(found)
    np.testing.assert_allclose(scores[found], scores[expected], rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("small_blocks")
def test_equal_inputs_are_chosen_in_the_order_of_the_pool():
    pool = open_pool(np.resize(np.uint8([[0], [1], [2]]), (COUNT, 1)))
    found = best(
        pool, DistanceScorer("dot", np.ones(1)), COUNT
    )  # of whole numbers, which are exact
    assert found.tolist() == sorted(range(COUNT), key=lambda i: (-(i % 3), i))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("farthest", [False, True])
def test_streaming_chooses_what_sorting_all_distances_does(images, name, farthest):
    """Of maps inside and outside the inputs' range, among all and some, with ties, for all k."""
    x = prepared("images", images)
    rng = np.random.default_rng(0)
    among = np.flatnonzero(rng.random(COUNT) < 0.5)
    differential = rng.normal(0, 1, x.shape[1:])
    for heatmap in (x[:30].mean(axis=0), differential, x[12], np.zeros(x.shape[1:])):
        scores = distance(name, x, heatmap) * (-1 if farthest else 1)
        measure = DistanceScorer(name, heatmap, farthest)
        for k in (1, 30, COUNT + 9):
            expected = np.argsort(scores, kind="stable")[:k]
            chosen_alike(best(open_pool(images), measure, k), expected, scores)
            found = best(open_pool(images), measure, k, among=among)
            expected = among[np.argsort(scores[among], kind="stable")[:k]]
            chosen_alike(found, expected, scores)


@pytest.mark.parametrize("name", LOWER_BOUNDS)
def test_no_distance_is_below_its_lower_bound(name):
    """Also for sums that float32 cannot hold, and the bound is no idle one."""
    rng = np.random.default_rng(3)
    for d in (1, 30, 784, 50_000):
        x = rng.integers(0, 256, (40, d), dtype=np.uint8)
        x[0], x[1] = 0, 255
        for heatmap in (rng.random(d), rng.normal(0, 2, d), x[5] / 255, np.zeros(d), np.ones(d)):
            exact = distance(name, prepared("x", x), heatmap)
            low = lower_bound(name, x, heatmap)
            assert (low <= exact).all()
            if d == 784 and heatmap.any():
                scale = np.abs(exact).max()
                assert np.median(exact - low) < 0.02 * scale + 1e-6, "or nothing is excluded"


def test_the_lower_bound_spares_most_of_the_exact_distances(images, monkeypatch):
    """Once the best are known, few of the others are measured in full."""
    seen = []
    exact = DistanceScorer._exact
    monkeypatch.setattr(
        DistanceScorer, "_exact", lambda self, x: seen.append(len(x)) or exact(self, x)
    )
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (5000, 14, 14), dtype=np.uint8)
    monkeypatch.setattr(blocks, "block_size", lambda pool: 500)
    best(open_pool(x), DistanceScorer("euclidean", x[:9].mean(axis=0)[..., None] / 255), 10)
    assert sum(seen) < 700


def test_memory_does_not_grow_with_the_pool():
    """400 MB of inputs that take no memory themselves."""
    pool = open_pool(np.broadcast_to(np.arange(196, dtype=np.uint8), (2_000_000, 196)))
    measure = DistanceScorer("dot", np.ones(196))
    best(open_pool(pool.source[:100]), measure, 10)
    tracemalloc.start()
    found = best(pool, measure, 2_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found, np.arange(2_000))
    assert peak < 2**26


def test_blocks_fit_the_models_chunks_and_the_memory(images):
    assert block_size(open_pool(images)) % CHUNK == 0
    large = open_pool(np.broadcast_to(np.float32(0), (10, 2000, 2000, 3)))
    assert block_size(large) == BLOCK_BYTES // (2000 * 2000 * 3 * 4)


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_memory_map_is_read_and_left_alone(images, tmp_path, mode, monkeypatch):
    """Its pages are its owner's; not every system could be advised to take them back."""
    monkeypatch.delattr(mmap, "MADV_DONTNEED", raising=False)  # as on Windows
    np.save(tmp_path / "x.npy", images)
    mapped = np.load(tmp_path / "x.npy", mmap_mode=mode)
    best(open_pool(mapped), DistanceScorer("dot", images[0][..., None] / 255), 3)
    block = next(open_pool(mapped).read(range(5), 5))
    assert not np.shares_memory(block, mapped), "read by the thread that reads ahead"
    np.testing.assert_array_equal(open_pool(mapped).take(np.arange(COUNT)), images)
