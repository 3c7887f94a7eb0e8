"""A repair on the command line that is killed, interrupted, or finds no room on its disk."""

import ctypes
import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from keras import layers

from mode.cli import main

# of a recipe that goes on with another number of rounds
OPTIONS = ["--recipe", "misclassified_then_margin", "--rounds", "3", "--inputs-per-round", "40"]
OPTIONS += ["--max-broken", "1", "--no-report"]
WRITTEN = ("rows.csv", "chosen.csv", "faults.csv", "suspects.csv", "splits.csv")


@pytest.fixture(scope="module")
def files(digits, tmp_path_factory):
    """A saved model and its data."""
    folder = tmp_path_factory.mktemp("files")
    keras.utils.set_random_seed(1)
    stack = [keras.Input((7, 7, 1)), layers.Flatten(), layers.Dense(12, "relu")]
    model = keras.Sequential([*stack, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.train.x[:200, ::4, ::4], digits.train.y[:200], epochs=8, verbose=0)
    model.save(folder / "model.keras")
    arrays = {f"x_{name}": getattr(digits, name).x[:200, ::4, ::4] for name in digits.sizes()}
    arrays |= {f"y_{name}": getattr(digits, name).y[:200] for name in digits.sizes()}
    # a pool that lasts for 500 rounds of 40, lest a stopped repair has ended by itself
    arrays |= {name: np.resize(arrays[name], (20_000, *arrays[name].shape[1:]))
               for name in ("x_pool", "y_pool")}  # fmt: skip
    np.savez(folder / "data.npz", **arrays)
    return [str(folder / "model.keras"), str(folder / "data.npz")]


@pytest.fixture(scope="module")
def undisturbed(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    assert run(*files, "--out", out).exit_code == 0
    return out


def run(*arguments):
    return CliRunner().invoke(main, ["repair", *map(str, arguments), *OPTIONS])


def same(out, other) -> None:
    """Compare what was written, byte by byte but for the wall time, and the weights."""
    for name in WRITTEN:
        assert (out / name).read_bytes() == (other / name).read_bytes(), name
    records = [json.loads((place / "record.json").read_text()) for place in (out, other)]
    assert records[0] | {"seconds": 0} == records[1] | {"seconds": 0}
    models = [keras.saving.load_model(place / "repaired.keras") for place in (out, other)]
    for mine, theirs in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.commands
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_command_goes_on_to_the_same_result(files, undisturbed, tmp_path, way):
    """Of a real process, after its first round."""
    command = [sys.executable, "-m", "mode", "repair", *files, "--out", str(tmp_path), *OPTIONS]
    command[command.index("3")] = "500"  # it never ends by itself
    # a background job's children ignore the keyboard; this one must listen, as in a terminal
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe = {"stderr": subprocess.PIPE, "text": True, "preexec_fn": listen}
    with subprocess.Popen(command, **pipe) as process:
        for _ in range(1200):
            if (tmp_path / "rounds" / "round_1.json").exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        process.send_signal(way)
        _, said = process.communicate(timeout=60)
    if way == signal.SIGINT:
        kept = f"Interrupted: finished rounds are in {tmp_path}/rounds; --resume goes on."
        assert (process.returncode, said.strip().splitlines()[-1]) == (130, kept)
        assert "Traceback" not in said
    else:
        assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "rows.csv").exists()
    resumed = run(*files, "--out", tmp_path, "--resume")
    assert resumed.exit_code == 0, resumed.output
    same(tmp_path, undisturbed)


def test_a_full_disk_is_one_line_and_the_repair_goes_on_when_there_is_room(
    files, undisturbed, tmp_path
):
    """No file may be longer than three kilobytes: a round's model is."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        full = run(*files, "--out", tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert full.exit_code == 1
    line = full.stderr.strip().splitlines()[-1]
    assert line.startswith(f"Error: {tmp_path} could not be written: ")
    assert line.endswith(f". Finished rounds are in {tmp_path}/rounds; --resume goes on.")
    assert isinstance(full.exception, SystemExit)
    assert not list((tmp_path / "rounds").glob("*round_1*"))
    assert run(*files, "--out", tmp_path, "--resume").exit_code == 0
    same(tmp_path, undisturbed)


def test_a_disk_that_fills_up_at_the_end_keeps_all_rounds(files, undisturbed, tmp_path):
    """The rounds are there, the last files are not; then all are."""
    shutil.copytree(undisturbed / "rounds", tmp_path / "rounds")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        full = run(*files, "--out", tmp_path, "--resume")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert full.exit_code == 1
    assert not (tmp_path / "repaired.keras").exists()
    assert not list(tmp_path.glob(".*"))
    assert run(*files, "--out", tmp_path, "--resume").exit_code == 0
    same(tmp_path, undisturbed)


@contextmanager
def no_power_over_permissions():
    """Let permissions stop root, too: give up CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH a while."""
    libc, size = ctypes.CDLL(None, use_errno=True), ctypes.c_uint32 * 6
    header, kept = (ctypes.c_uint32 * 2)(0x20080522, 0), size()
    assert libc.capget(header, kept) == 0
    given_up = size(*kept)
    given_up[0] &= ~0b110
    assert libc.capset(header, given_up) == 0
    try:
        yield
    finally:
        assert libc.capset(header, kept) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_a_folder_that_cannot_be_written_is_one_line_before_any_work(files, tmp_path):
    out = tmp_path / "out"
    out.mkdir(mode=0o555)
    with no_power_over_permissions():
        done = run(*files, "--out", out)
    assert (done.exit_code, done.stderr.strip().splitlines()[-1]) == (
        2,
        f"Error: out must be a folder that can be written. Received: '{out}', Permission denied.",
    )
    assert list(out.iterdir()) == []


def test_a_lambda_is_repaired_where_it_is_allowed_knowingly(files, tmp_path):
    keras.utils.set_random_seed(1)
    stack = [keras.Input((7, 7, 1)), layers.Lambda(lambda x: 2 * x), layers.Flatten()]
    model = keras.Sequential([*stack, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(tmp_path / "unsafe.keras")
    refused = run(tmp_path / "unsafe.keras", files[1], "--out", tmp_path / "out")
    assert refused.exit_code == 2
    line = refused.stderr.strip().splitlines()[-1]
    assert "must load in Keras's safe mode" in line
    assert "a Lambda is allowed by --allow-unsafe" in line
    options = ["--out", tmp_path / "out", "--allow-unsafe"]
    allowed = run(tmp_path / "unsafe.keras", files[1], *options)
    assert allowed.exit_code == 0, allowed.output
    again = run(tmp_path / "unsafe.keras", files[1], *options, "--resume")
    assert again.exit_code == 0, again.output
    # Allowed for that call alone.
    assert run(tmp_path / "unsafe.keras", files[1], "--out", tmp_path / "new").exit_code == 2
    with pytest.raises(ValueError, match="Lambda"):
        keras.saving.load_model(tmp_path / "out" / "repaired.keras")
    repaired = keras.saving.load_model(tmp_path / "out" / "repaired.keras", safe_mode=False)
    assert not np.array_equal(repaired.get_weights()[0], model.get_weights()[0])
