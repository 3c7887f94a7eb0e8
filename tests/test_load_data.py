"""One door for data: names, archives, folders and arrays by one schema, with their warnings."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mode.data import PARTS, Data, Part, load_data, parts, schema
from mode.data.splits import duplicates


def some(count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 4, 4), dtype=np.uint8), np.arange(count) % 3


def arrays(**counts: int) -> dict:
    made = {}
    for seed, (name, count) in enumerate(counts.items()):
        made[f"x_{name}"], made[f"y_{name}"] = some(count, seed)
    return made


def same(one: Data, other: Data) -> None:
    for name in PARTS:
        np.testing.assert_array_equal(getattr(one, name).x, getattr(other, name).x)
        np.testing.assert_array_equal(getattr(one, name).y, getattr(other, name).y)
    assert one.origin.equals(other.origin)
    facts = ("classes", "class_names", "from_bytes", "labeled", "held_out", "notes")
    assert [getattr(one, f) for f in facts] == [getattr(other, f) for f in facts]


def test_an_archive_and_a_dict_of_the_same_arrays_are_the_same_data(tmp_path, refused):
    held = arrays(train=30, pool=80) | {"class_names": np.array(["a", "b", "c"])}
    np.savez(tmp_path / "data.npz", **held)
    from_file = load_data(tmp_path / "data.npz", seed=3)
    same(from_file, load_data(held, seed=3))
    same(from_file, load_data(str(tmp_path / "data.npz"), seed=3))
    assert from_file.class_names == from_file.names == ("a", "b", "c")
    assert from_file.from_bytes
    short = {"x": held["x_train"], "y": held["y_train"], "names": held["class_names"]}
    full = {"x_train": short["x"], "y_train": short["y"], "class_names": short["names"]}
    same(load_data(short), load_data(full))
    assert "Received: 'x'" in refused(load_data, {**full, "x": short["x"]})


def test_an_archive_keeps_every_part_that_it_holds():
    """They were dropped, or split up again, without a word."""
    held = arrays(train=30, pool=20, diagnosis=12, test=9)
    data = load_data(held)
    for name in PARTS:
        np.testing.assert_array_equal(getattr(data, name).x[..., 0] * 255, held[f"x_{name}"])
        np.testing.assert_array_equal(data.places(name), np.arange(len(held[f"y_{name}"])))
    assert (data.held_out, data.notes) == (True, ())


@pytest.mark.parametrize(
    ("counts", "created"),
    [
        ({"train": 140}, ["test", "diagnosis"]),
        ({"train": 60, "test": 12}, ["diagnosis"]),
        ({"train": 60, "diagnosis": 12}, ["test"]),
        ({"train": 60, "diagnosis": 12, "test": 12}, []),
        ({"train": 30, "pool": 80}, []),
        ({"pool": 140}, []),
        ({"test": 140}, []),
    ],
    ids=lambda value: " ".join(value),
)
def test_parts_created_from_training_data_are_not_held_out(counts, created):
    data = load_data(arrays(**counts))
    assert data.held_out == (not created)
    assert len(data.notes) == bool(created)
    for name in ("test", "diagnosis"):
        assert (set(data.origin.loc[data.origin["part"] == name, "source"]) == {"train"}) == (
            name in created
        )
        if created:
            assert (f"x_{name}" in data.notes[0]) == (name in created)


def test_test_inputs_that_are_also_in_the_pool_are_counted():
    held = arrays(train=30, pool=20, diagnosis=12)
    pool = held["x_pool"]
    data = load_data(held | {"x_test": pool[[3, 4, 3]], "y_test": held["y_pool"][[3, 4, 3]]})
    assert duplicates(data) == {("test", "pool"): 3}
    (note,) = data.notes
    assert "3 of 3 test" in note
    assert "pool" in note
    held["x_diagnosis"][:2] = held["x_train"][[7, 9]]
    data = load_data(held | {"x_test": pool[:9], "y_test": held["y_pool"][:9]})
    assert duplicates(data) == {("test", "pool"): 9, ("diagnosis", "train"): 2}
    assert len(data.notes) == 2


def test_duplicates_inside_the_source_of_created_parts_count():
    x, y = some(70)
    data = load_data({"x_train": np.tile(x, (2, 1, 1)), "y_train": np.tile(y, 2)})
    expected = {}
    for part in ("test", "diagnosis"):
        for other in ("train", "pool"):
            rows = {row.tobytes() for row in getattr(data, other).x}
            expected[part, other] = sum(row.tobytes() in rows for row in getattr(data, part).x)
    assert duplicates(data) == expected
    assert len(data.notes) == 1 + 4, "that parts were created comes first"


def test_a_named_data_set_is_not_searched_for_duplicates(monkeypatch):
    def search(data):
        raise AssertionError("it takes a second for nothing")

    monkeypatch.setattr("mode.data.splits.duplicate_notes", search)
    data = load_data("digits")
    assert (data.notes, data.held_out, data.origin, data.from_bytes) == ((), True, None, True)
    np.testing.assert_array_equal(data.places("test"), np.arange(1000))


def test_arrays_of_other_names_are_said_not_dropped(tmp_path, refused):
    held = arrays(train=140) | {"x_val": np.zeros(3), "weights": np.zeros(3)}
    np.savez(tmp_path / "data.npz", **held)
    data = load_data(tmp_path / "data.npz")
    assert "x_val" in data.notes[-1]
    assert "weights" not in data.notes[-1]
    np.savez(tmp_path / "data.npz", **held, x=np.zeros(3))
    assert "x, x_val" in load_data(tmp_path / "data.npz").notes[-1]
    assert "Did you mean 'x_train'?" in refused(load_data, {"x_trian": [[0.0]], "y_train": [0]})


def test_labels_of_lists_and_series_are_taken(refused):
    y = ["cat", "dog"] * 70
    for labels in (y, pd.Series(y), np.array(y), np.array(y, dtype=object)):
        data = load_data({"x": np.eye(140), "y": labels})
        assert data.class_names == ("cat", "dog")
        assert data.train.x.dtype == np.float32
    assert refused(load_data, {"x": [[1], [1, 2]], "y": [0, 1]}).startswith("x_train must be")
    assert refused(load_data, {"x": 3.0, "y": 1}).startswith("x_train must be an array of inputs")
    assert refused(load_data, np.eye(3)).endswith("Received: ndarray.")
    assert refused(load_data, {}).startswith("the data must hold x_train and y_train")


def test_numbers_that_single_precision_cannot_hold_are_refused(refused):
    x = np.eye(140)
    x[3, 3] = 1e300
    assert refused(load_data, {"x": x, "y": [0, 1] * 70}).startswith("x_train must be finite")


def test_gray_bytes_fit_parts_that_bring_the_channel(refused):
    held = arrays(train=140, test=9)
    wrong = held | {"x_test": held["x_test"].astype(float)}  # up to 255
    assert refused(load_data, wrong).startswith("test inputs must have shape")
    held["x_test"] = held["x_test"][..., None]
    assert load_data(held).shape == (4, 4, 1)


def save_images(folder, count: int, size=(6, 5), color=0) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", size, (color, number, 0)).save(folder / f"{number:03}.png")


def test_a_folder_of_images_by_class(tmp_path, refused):
    save_images(tmp_path / "cats", 70, color=10)
    save_images(tmp_path / "dogs", 70, size=(9, 9), color=200)
    data = load_data(tmp_path)
    assert data.sizes() == {"train": 60, "pool": 50, "diagnosis": 10, "test": 20}
    assert (data.shape, data.class_names, data.from_bytes) == ((5, 6, 3), ("cats", "dogs"), True)
    assert not data.held_out
    for name in PARTS:
        part = getattr(data, name)
        reds = np.round(part.x[:, 2, 2, 0] * 255)
        np.testing.assert_array_equal(part.y, reds == 200)
    at = data.places("test")
    np.testing.assert_array_equal(at % 70, np.round(data.test.x[:, 2, 2, 1] * 255))
    assert load_data(str(tmp_path), seed=0).test.x.tobytes() == data.test.x.tobytes()
    few = tmp_path / "few"
    save_images(few / "a", 2)
    save_images(few / "b", 1)
    assert refused(load_data, few).endswith("Received: 3.")
    assert "10 different names" in refused(load_data, tmp_path / "few", classes=10)


def test_a_folder_of_parts_keeps_them(tmp_path, refused):
    for part, count in (("train", 12), ("pool", 40), ("test", 4)):
        save_images(tmp_path / part / "cats", count, color=10, size=(6, count))
        save_images(tmp_path / part / "dogs", count, color=200, size=(4, 4))
    data = load_data(tmp_path)
    sizes = data.sizes()
    assert (sizes["train"], sizes["test"]) == (24, 8)
    assert sizes["pool"] + sizes["diagnosis"] == 80
    assert (data.held_out, data.class_names) == (True, ("cats", "dogs"))
    save_images(tmp_path / "birds", 2)
    assert "folders birds, pool, test, train" in refused(load_data, tmp_path)


def test_cifar10_comes_from_the_data_folder(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (60, 32, 32, 3), np.uint8), rng.permutation(60)[:, None] % 10
    np.savez(tmp_path / "cifar10.npz", x_train=x, y_train=y, x_test=x[:9], y_test=y[:9])
    data = load_data("cifar10", data_dir=tmp_path)
    assert (data.shape, data.classes, data.train.y.ndim) == ((32, 32, 3), 10, 1)
    assert data.sizes() == {"train": 30, "pool": 25, "diagnosis": 5, "test": 9}


def test_a_pool_is_streamed_or_refused(tmp_path, refused):
    np.save(tmp_path / "pool.npy", some(20, 5)[0])
    held = arrays(train=140)
    data = load_data(held, pool=tmp_path / "pool.npy")
    assert not data.labeled
    assert "pool streamed; pool without labels" in repr(data)
    labels = np.full(20, -1)
    labels[[4, 9]] = 1
    data = load_data(held, pool=tmp_path / "pool.npy", pool_labels=labels)
    assert data.labeled
    assert data.places("pool").tolist() == data.labeled_indices.tolist() == [4, 9]
    assert "no pool" in refused(load_data, held, pool_labels=labels)
    assert "'digits'" in refused(load_data, "digits", pool=tmp_path / "pool.npy")


def test_a_part_is_scanned_once(monkeypatch, small):
    scanned = []
    scan = parts.inputs
    for module in (parts, schema):
        monkeypatch.setattr(module, "inputs", lambda name, x: scanned.append(name) or scan(name, x))
    data = load_data({"x": np.random.default_rng(0).random((140, 3)), "y": [0, 1] * 70})
    assert scanned == ["x_train"]
    other = Part(data.test.x[:5] * 2, data.test.y[:5])
    data.with_part("test", data.test.take(np.arange(5))).with_part("pool", data.train)
    assert scanned == ["x_train"]
    changed = data.with_part("test", other)
    changed.only([1, 0]).with_part("train", data.train.with_labels(1 - data.train.y))
    assert scanned == ["x_train", "test inputs"], "what is new is scanned"


def test_the_origin_follows_the_parts():
    held = arrays(train=30, pool=80)
    data = load_data(held)
    kept = data.only([2, 0])
    for name in PARTS:
        source = "train" if name == "train" else "pool"
        found = getattr(kept, name)
        assert set(kept.origin.loc[kept.origin["part"] == name, "source"]) == {source}
        np.testing.assert_array_equal(found.x[..., 0] * 255, held[f"x_{source}"][kept.places(name)])
        np.testing.assert_array_equal(
            np.array([2, 0])[found.y], held[f"y_{source}"][kept.places(name)]
        )
    exchanged = data.with_part("test", data.train)
    assert "test" not in set(exchanged.origin["part"])
    np.testing.assert_array_equal(exchanged.places("test"), np.arange(30))


def test_data_is_shown_in_one_line_and_as_a_table():
    data = load_data(arrays(train=140) | {"class_names": ["<b>", "c", "d"]})
    assert repr(data) == (
        "Data(train 60, pool 50, diagnosis 10, test 20; inputs 4 x 4 x 1; 3 classes; "
        "not held out; 1 note)"
    )
    html = data._repr_html_()
    assert all(f"<td>{size}</td>" in html for size in data.sizes().values())
    assert data.notes[0].split(":")[0] in html


def test_a_model_of_bytes_is_known_from_every_source(tmp_path):
    for held in (arrays(train=140), {"x": np.eye(140), "y": np.arange(140) % 2}):
        assert load_data(held).from_bytes == ("x_train" in held)
