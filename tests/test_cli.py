"""The command line parses, delegates and says bad input in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mode import notebooks
from mode.cli import main
from mode.studies import STUDIES
from tests.messages import listed

ROOT = Path(__file__).parents[1]

LISTED = listed(STUDIES)


def run(*arguments: str):
    return CliRunner().invoke(main, arguments)


def test_help_names_every_command():
    output = run("--help").output
    assert all(f"  {name} " in output for name in main.commands)


def test_list_prints_nothing_but_names():
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", "mode", "list"]
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")


def test_list_names_everything_that_can_be_asked_for():
    result = run("list")
    assert result.exit_code == 0
    for name in ("publication", "02-run", "fashion_mnist", "lenet5", "bray_curtis", "test_leak"):
        assert name in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["reproduce", "--study", "publicatoin"],
            f"Error: study must be one of {LISTED}. Received: 'publicatoin'. "
            "Did you mean 'publication'?\n",
        ),
        (
            ["reproduce", "--seeds", "0"],
            "Error: seeds must be a whole number of at least 1. Received: 0.\n",
        ),
        (
            ["figures", "--out", "nowhere"],
            "Error: there must be rows of a study. Received: none in nowhere/runs.\n",
        ),
        (
            ["figures", "oracle", "--out", "nowhere"],
            "Error: there must be rows of oracle. Received: none in nowhere/runs.\n",
        ),
        (
            ["figures", "orakle"],
            f"Error: study must be one of {LISTED}. Received: 'orakle'. Did you mean 'oracle'?\n",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr == message


@pytest.mark.parametrize("command", main.commands)
def test_an_unknown_option_is_one_line_and_exit_code_2(command):
    result = run(command, "--no-such-option")
    assert result.exit_code == 2
    assert result.output.startswith("Error: No such option")
    assert result.output.count("\n") == 1


def test_an_unknown_data_set_is_refused_before_any_run(tmp_path):
    result = run("reproduce", "--data", "minst", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: data set must be one of ")
    assert result.stderr.endswith("Received: 'minst'. Did you mean 'mnist'?\n")
    assert not any(tmp_path.iterdir())


def test_unknown_metrics_are_refused_before_any_run(tmp_path):
    result = run("reproduce", "-p", "metrics", "['dott']", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert "metric must be one of" in result.stderr
    assert "Did you mean 'dot'?" in result.stderr
    assert not any(tmp_path.iterdir())


def test_an_unknown_notebook_is_refused():
    result = run("execute", "99-nothing")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: notebook must be one of '{notebooks.names()[0]}'")
