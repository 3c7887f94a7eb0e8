"""How the page is served: what is refused before, and what the notebook is given."""

import gc
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from mode.cli import main
from mode.explore import server


def test_the_notebook_gets_its_parameters(tmp_path, refused):
    path = server.with_parameters({"model": "/a 'b'/model.keras", "out": "x"}, tmp_path)
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    names: dict = {}
    for cell in [c for c in cells if c["cell_type"] == "code"][:2]:
        exec("".join(cell["source"]), names)
    assert (names["model"], names["out"], names["seed"]) == ("/a 'b'/model.keras", "x", 0)
    assert refused(server.with_parameters, {"modle": ""}, tmp_path).endswith(
        "Received: 'modle'. Did you mean 'model'?"
    )


def test_in_a_served_page_no_choice_waits_for_a_search_through_all_that_is_loaded(tmp_path):
    """Of the kernel that serves one page, once the page is there."""
    path = server.with_parameters({}, tmp_path)
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    everything = len(gc.get_objects())
    try:
        names: dict = {}
        for cell in (cells[1], cells[-1]):
            exec("".join(cell["source"]), names)
        assert len(gc.get_objects()) < everything / 10
    finally:
        gc.unfreeze()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("fine.keras", "model and data must be given together. Received: 'fine.keras' and ''."),
        ("--port 0", "port must be a whole number from 1 to 65535. Received: 0."),
        (
            "lacking.keras fine.npz",
            "the model must be the path of an existing .keras file. Received: 'lacking.keras'.",
        ),
        (
            "text.keras fine.npz",
            "text.keras must be a model saved by Keras. Received: another or a damaged file.",
        ),
        (
            "lambda.keras fine.npz",
            "lambda.keras must load in Keras's safe mode, without Lambda layers or objects of "
            "one's own. Received: ValueError: Requested the deserialization of a `Lambda` layer "
            "whose `function` is a Python lambda. This carries a potential risk of arbitrary code "
            "execution and thus it ... If you trust the file, a Lambda is allowed by "
            "--allow-unsafe (allow_unsafe=True), which runs its code; an object of your own must "
            "be registered with keras.saving.register_keras_serializable.",
        ),
        (
            "nan.keras fine.npz",
            "the model's probabilities must be finite. Received: nan at index (0, 0), 70 in all.",
        ),
        (
            "deep.keras fine.npz",
            "the model must have one output of shape (n, classes). Received: (None, 4, 4, 10).",
        ),
        (
            "fine.keras lacking.npz",
            "lacking.npz must be an .npz archive of plain arrays. Received: no such file.",
        ),
        (
            "fine.keras text.npz",
            "text.npz must be an .npz archive of plain arrays. Received: another or a damaged "
            "file.",
        ),
        (
            "fine.keras unlabeled.npz",
            "unlabeled.npz must hold y_train beside x_train. Received: keys x_train.",
        ),
        (
            "fine.keras other.npz",
            "other.npz must hold x_train and y_train, or another part with its labels. Received: "
            "no array of such a name.",
        ),
        (
            "fine.keras wide.npz",
            "the inputs must have shape ('n', 4, 4, 1). Received: shape (44, 5, 5, 1).",
        ),
        (
            "fine.keras one.npz",
            "the train part of one.npz must hold two labels or more. Received: label 3 alone.",
        ),
        (
            "fine.keras waiting.npz",
            "waiting.npz must hold y_pool beside x_pool. Received: a pool without labels.",
        ),
        (
            "fine.keras more.npz",
            "labels must be from 0 to 9. Received: labels up to 10.",
        ),
    ],
)
def test_bad_input_is_one_line_before_anything_is_served(files, monkeypatch, arguments, message):
    monkeypatch.setattr(server, "_voila", lambda *_: pytest.fail("served"))
    result = CliRunner().invoke(main, ["explore", *arguments.split()])
    assert result.stderr == f"Error: {message}\n"
    assert result.exit_code == 2


@pytest.mark.usefixtures("files")
def test_a_lambda_is_served_where_it_is_allowed_knowingly(monkeypatch):
    served = []
    monkeypatch.setattr(
        server, "_voila", lambda path, *_: served.append(path.read_text(encoding="utf-8"))
    )
    arguments = ["explore", "lambda.keras", "fine.npz", "--allow-unsafe"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "allow_unsafe = True" in served[0]


@pytest.fixture
def files(written, monkeypatch):
    """The folder of models and data is the current one."""
    monkeypatch.chdir(written)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A folder of models and data, good and bad."""
    folder = tmp_path_factory.mktemp("files")
    x, y = np.zeros((100, 4, 4), np.uint8), np.arange(100) % 10
    archives = {"fine": (x, y), "wide": (np.zeros((100, 5, 5), np.uint8), y), "unlabeled": (x,)}
    archives |= {"one": (x, np.full(100, 3)), "more": (x, np.arange(100) % 11)}
    for name, arrays in archives.items():
        keys = ("x_train", "y_train")
        np.savez(folder / f"{name}.npz", **dict(zip(keys, arrays, strict=False)))
    np.savez(folder / "waiting.npz", x_train=x, y_train=y, x_pool=x)
    np.savez(folder / "other.npz", images=x)
    head = [keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    saved(folder / "lambda.keras", keras.layers.Lambda(lambda t: 2 * t), *head)
    model = saved(folder / "fine.keras", *head)
    model.set_weights([np.full_like(weights, np.nan) for weights in model.get_weights()])
    model.save(folder / "nan.keras")
    saved(folder / "deep.keras", keras.layers.Dense(10))
    for ending in ("npz", "keras"):
        (folder / f"text.{ending}").write_text("no archive")
    return folder


def saved(path: Path, *layers: keras.Layer) -> keras.Model:
    """Save a compiled model of 4 x 4 pixels, and return it."""
    model = keras.Sequential([keras.Input((4, 4, 1)), *layers])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(path)
    return model


def test_what_is_not_installed_is_named_once(monkeypatch):
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    result = CliRunner().invoke(main, ["explore"])
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: explore needs voila and ipywidgets. Received: no voila and no ipywidgets. Type: "
        "python -m pip install 'mode-debugger[app]' (in a checkout: '.[app]').\n"
    )


def test_a_port_that_is_taken_is_refused(refused):
    import socket

    with socket.socket() as place:
        place.bind((server.HOST, 0))
        place.listen()
        port = place.getsockname()[1]
        said = refused(server.free_port, port)
    assert re.fullmatch(rf"port must be one that is free\. Received: {port}, .+\.", said)
