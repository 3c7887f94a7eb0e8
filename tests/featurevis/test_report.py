"""The report: images as PNG, training images from good and bad files, the nearest ones."""

import io

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from mode.checks import InputError
from mode.cli import main
from mode.featurevis import report


@pytest.fixture
def archive(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "images.npz", **arrays)
        return tmp_path / "images.npz"

    return write


@pytest.mark.parametrize("channel", [(), (1,)])
def test_eight_bit_images_and_fractions_are_read_alike(archive, channel):
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4, *channel)
    images = report.training_images(archive(x_train=pixels))
    assert images.shape == (2, 3, 4, 1)
    assert images.max() == pytest.approx(23 / 255)
    assert np.array_equal(report.training_images(archive(x_train=images)), images)


def test_the_nearest_image_stands_below_its_picture():
    images = np.zeros((3, 2, 2, 1))
    images[1], images[2, 0] = 1.0, 1.0
    preferred = np.stack([images[[2, 1]] * 0.9, images[[0, 2]] * 0.9])
    pairs = np.stack(report.above_nearest(preferred, images))
    assert pairs.shape == (2, 2 + 2 + 2, 2 + 2 + 2, 1)
    assert np.array_equal(pairs[0, 4:, :2], images[2])
    assert np.array_equal(pairs[0, 4:, 4:], images[1])
    assert np.array_equal(pairs[1, 4:, :2], images[0])
    assert np.array_equal(pairs[1, :2, 4:], images[2] * 0.9)


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_a_png_has_the_pixels_of_the_image(channels):
    image = np.random.default_rng(0).random((3, 5, *channels))
    pixels = np.asarray(Image.open(io.BytesIO(report.png(image))))
    expected = np.rint(255 * image)
    assert np.array_equal(pixels, expected[..., 0] if channels == (1,) else expected)


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
        report.training_images(archive(**BAD[message]))
    assert str(error.value) == message


def refused(path):
    with pytest.raises(InputError) as error:
        report.training_images(path)
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


def visualize(*arguments):
    return CliRunner().invoke(main, ["visualize", *arguments])


def test_the_report_shows_the_training_images(saved, tmp_path, archive, digits):
    path, out = archive(x_train=digits[0][:100]), tmp_path / "out"
    run = visualize(saved, "--images", str(path), "--out", str(out))
    assert run.exit_code == 0, run.output
    assert run.output.startswith("over-fitted: test error ")
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 20
    assert 'src="http' not in page
    assert len(list(out.glob("class_*.png"))) == 10
    assert (out / "scores.csv").read_text().startswith("score,value,low,high,reference")
    assert "below each the nearest training image" in page
    assert "the 100 training images did not change the verdict" in page
    assert "nearest_image" in (out / "scores.csv").read_text()


def test_a_model_with_code_is_audited_only_where_that_is_allowed(tmp_path):
    stack = [keras.Input((28, 28, 1)), keras.layers.Lambda(lambda x: 1 * x), keras.layers.Flatten()]
    model = keras.Sequential([*stack, keras.layers.Dense(10)])
    model.save(tmp_path / "model.keras")
    arguments = (str(tmp_path / "model.keras"), "--out", str(tmp_path / "out"))
    run = visualize(*arguments)
    assert run.exit_code == 2
    assert "--allow-unsafe" in run.stderr
    run = visualize(*arguments, "--allow-unsafe")
    assert run.exit_code == 0, run.output
    assert (tmp_path / "out" / "report.html").exists()


def test_bad_images_and_folders_are_refused_before_the_audit(saved, tmp_path, archive):
    path = archive(x_train=np.zeros((2, 32, 32)))
    run = visualize(saved, "--images", str(path), "--out", str(tmp_path / "out"))
    assert (run.exit_code, run.stderr) == (
        2,
        "Error: images must be the prior's, n x (28, 28, 1). Received: shape (2, 32, 32, 1).\n",
    )
    run = visualize(saved, "--out", str(path))
    assert (run.exit_code, run.stderr) == (
        2,
        f"Error: out must be a folder that can be written. Received: {str(path)!r}: File exists.\n",
    )
