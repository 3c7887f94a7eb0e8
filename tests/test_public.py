"""The package's own names: loaded where they are used, and not before."""

import subprocess
import sys

import pytest

import mode

HEAVY = ("keras", "matplotlib", "numpy", "pandas", "sklearn", "tensorflow")


def loaded(code: str) -> set[str]:
    """Return which heavy packages a new process has loaded after `code`."""
    listed = f"{code}\nimport sys; print(*[m for m in {HEAVY} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


def test_importing_mode_loads_nothing_heavy():
    assert loaded("import mode; dir(mode)") == set()


def test_loading_data_needs_no_keras():
    code = "import mode; mode.load_data({'x': [[0.5]] * 40, 'y': [0, 1] * 20})"
    assert not loaded(code) & {"keras", "matplotlib", "tensorflow"}


def test_repair_is_the_subpackage_where_nothing_else_was_imported():
    code = "import mode; assert mode.repair.RECIPES and mode.repair.__name__ == 'mode.repair'"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", mode.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert name in dir(mode)
    assert getattr(mode, name).__doc__
    assert getattr(mode, name) is getattr(mode, name)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="load_dataa"):
        mode.load_dataa  # noqa: B018
    assert mode.load_data is mode.data.load
