"""Training images beside preferred pictures: read from files good and bad, found, in the report."""

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from mode.checks import InputError
from mode.cli import main
from mode.featurevis import nearby


@pytest.fixture
def archive(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "images.npz", **arrays)
        return tmp_path / "images.npz"

    return write


@pytest.mark.parametrize("channel", [(), (1,)])
def test_eight_bit_images_and_fractions_are_read_alike(archive, channel):
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4, *channel)
    found = nearby.training_images(archive(x_train=pixels))
    assert found.shape == (2, 3, 4, 1)
    assert found.max() == pytest.approx(23 / 255)
    assert np.array_equal(nearby.training_images(archive(x_train=found)), found)


def test_the_nearest_image_stands_below_its_picture():
    images = np.zeros((3, 2, 2, 1))
    images[1], images[2, 0] = 1.0, 1.0
    stimuli = np.stack([images[[2, 1]] * 0.9, images[[0, 2]] * 0.9])
    found = nearby.beside(stimuli, images)
    assert found.shape == (2, 2 + 2 + 2, 2 + 2 + 2, 1)
    assert np.array_equal(found[0, 4:, :2], images[2])
    assert np.array_equal(found[0, 4:, 4:], images[1])
    assert np.array_equal(found[1, 4:, :2], images[0])
    assert np.array_equal(found[1, :2, 4:], images[2] * 0.9)


BAD = {
    "images must hold x_train. Received: keys x_test, y.": {
        "x_test": np.zeros((1, 4, 4)),
        "y": np.zeros(1),
    },
    "x_train must lie in [0, 1]. Received: values from 0 to 255. Divide 8-bit images by 255.": {
        "x_train": np.array([[[0.0, 255.0]]])
    },
    "x_train must be finite. Received: nan at index (0, 0, 1), 1 in all.": {
        "x_train": np.array([[[0.0, np.nan]]])
    },
    "x_train must be an array of numbers. Received: dtype <U1.": {"x_train": np.array(["a"])},
    "x_train must be an array of inputs, n x .... Received: shape (3,).": {"x_train": np.zeros(3)},
}


@pytest.mark.parametrize("message", BAD)
def test_arrays_that_are_no_images_are_one_line(message, archive):
    with pytest.raises(InputError) as error:
        nearby.training_images(archive(**BAD[message]))
    assert str(error.value) == message


def refused(path):
    with pytest.raises(InputError) as error:
        nearby.training_images(path)
    return str(error.value)


def test_files_that_are_no_archives_are_one_line(tmp_path, archive):
    lost, text = tmp_path / "none.npz", tmp_path / "text.npz"
    text.write_text("no images")
    plain = "must be an .npz archive of plain arrays. Received:"
    assert refused(lost) == f"{lost} {plain} no such file."
    assert refused(text) == f"{text} {plain} another or a damaged file."
    pickled = archive(x_train=np.array([{}]))
    assert refused(pickled) == f"{pickled} {plain} pickled objects."


@pytest.fixture
def saved(trained, tmp_path):
    trained(100).save(tmp_path / "model.keras")
    return str(tmp_path / "model.keras")


def visualise(*arguments):
    return CliRunner().invoke(main, ["visualise", *arguments])


def test_the_report_shows_the_training_images(saved, tmp_path, archive, digits):
    path, out = archive(x_train=digits[0][:100]), tmp_path / "out"
    run = visualise(saved, "--images", str(path), "--out", str(out))
    assert run.exit_code == 0, run.output
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 20
    assert "below it the nearest training image" in page
    assert "of the 100 training images none changed the verdict" in page
    assert "nearest_image" in (out / "scores.csv").read_text()


def test_a_model_with_code_is_audited_only_where_that_is_allowed(tmp_path):
    stack = [keras.Input((28, 28, 1)), keras.layers.Lambda(lambda x: 1 * x), keras.layers.Flatten()]
    model = keras.Sequential([*stack, keras.layers.Dense(10)])
    model.save(tmp_path / "model.keras")
    arguments = (str(tmp_path / "model.keras"), "--out", str(tmp_path / "out"))
    run = visualise(*arguments)
    assert run.exit_code == 2
    assert "--allow-unsafe" in run.stderr
    run = visualise(*arguments, "--allow-unsafe")
    assert run.exit_code == 0, run.output
    assert (tmp_path / "out" / "report.html").exists()


def test_bad_images_and_folders_are_refused_before_the_audit(saved, tmp_path, archive):
    path = archive(x_train=np.zeros((2, 32, 32)))
    run = visualise(saved, "--images", str(path), "--out", str(tmp_path / "out"))
    assert (run.exit_code, run.stderr) == (
        2,
        "Error: images must be the prior's, n x (28, 28, 1). Received: shape (2, 32, 32, 1).\n",
    )
    run = visualise(saved, "--out", str(path))
    assert (run.exit_code, run.stderr) == (
        2,
        f"Error: out must be a folder that can be written. Received: {str(path)!r}: File exists.\n",
    )
