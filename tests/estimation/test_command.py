"""The command `estimate`: files in, a page and JSON out."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from mode.cli import main


@pytest.fixture(scope="module")
def files(model, labeled, new, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    model.save(folder / "model.keras")
    np.savez(folder / "validation.npz", x=labeled[0], y=labeled[1])
    np.savez(folder / "new.npz", x=new[0])
    (folder / "images").mkdir()
    for number, image in enumerate(new[0][:120]):
        pixels = (255 * image[..., 0]).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number:03}.png")
    return folder


def run(files, unlabeled, out, *options):
    arguments = [files / "model.keras", files / "validation.npz", files / unlabeled, "--out", out]
    return CliRunner().invoke(main, ["estimate", *map(str, arguments), *options])


def test_json_a_page_and_one_line_first(files, tmp_path, guess):
    ran = run(files, "new.npz", tmp_path, "--json")
    assert ran.exit_code == 0, ran.output
    plain = json.loads(ran.stdout)
    assert plain["accuracy"] == pytest.approx(guess.accuracy, abs=1e-6)
    assert json.loads((tmp_path / "estimate.json").read_text()) == plain
    page = (tmp_path / "report.html").read_text()
    assert "<script" not in page
    assert f"{100 * guess.accuracy:.1f} %" in page
    assert "accuracy " in ran.stderr


def test_a_folder_of_images_without_classes(files, tmp_path):
    ran = run(files, "images", tmp_path)
    assert ran.exit_code == 0, ran.output
    assert "120 unlabeled inputs" in ran.stdout.splitlines()[0]


def test_bad_input_is_one_line_and_writes_nothing(files, tmp_path):
    np.save(files / "few.npy", np.zeros((3, 28, 28, 1), np.float32))
    ran = run(files, "few.npy", tmp_path / "out")
    assert ran.exit_code == 2
    assert ran.stderr.splitlines()[-1].startswith("Error: the unlabeled set must have at least 50")
    assert not (tmp_path / "out" / "report.html").exists()


def test_workers_of_a_cluster_give_the_same(files, new, tmp_path, guess):
    from dask.distributed import Client

    np.save(files / "new.npy", new[0])
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as c:
        ran = run(files, "new.npy", tmp_path, "--json", "--scheduler", c.scheduler.address)
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["accuracy"] == pytest.approx(guess.accuracy, abs=1e-6)
