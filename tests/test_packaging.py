"""What is installed, pinned and declared: the wheel, requirements.txt, Dockerfile and Binder."""

import ast
import fnmatch
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mode import __version__
from mode.cli import main

ROOT = Path(__file__).parents[1]
PINNED = (ROOT / "requirements.txt").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
TESTED = ["3.11", "3.12", "3.13"]  # versions of Python that the tests ran on
COPIED = [
    source
    for line in re.findall(r"^COPY (.+)$", DOCKERFILE, flags=re.M)
    for source in line.split()[:-1]
]


def setup_arguments() -> dict:
    """What setup.py hands to `setup`, as far as it is literal."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    call = next(n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.keywords[5:])
    found = {}
    for keyword in call.keywords:
        try:
            found[keyword.arg] = ast.literal_eval(keyword.value)
        except ValueError:  # it is computed
            continue
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> list[str]:
    """The names in a wheel that is built from a source distribution, from a copy of the source."""
    place = tmp_path_factory.mktemp("source")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name)
        else:
            shutil.copy(ROOT / name, place / name)
    shutil.copytree(ROOT / "tests", place / "tests")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", place / "dist", place]
    run = subprocess.run(build, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    built = next((place / "dist").glob("*.whl"))
    assert built.name.startswith(f"mode_debugger-{__version__}-")
    return zipfile.ZipFile(built).namelist()


def test_the_wheel_holds_the_package_its_data_and_the_notebooks(wheel):
    kept = {path.relative_to(ROOT).as_posix() for path in (ROOT / "mode").rglob("*.*")}
    kept = {name for name in kept if "__pycache__" not in name}
    notebooks = {f"mode_notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {"mode/published/table1.csv", "mode/featurevis/priors/digits/card.json"} <= kept
    assert kept | notebooks == {name for name in wheel if ".dist-info/" not in name}


def test_every_requirement_is_pinned_with_hashes_and_names_no_host():
    entries = [entry for entry in PINNED.replace("\\\n", " ").splitlines() if entry[0] not in "# "]
    assert len(entries) > 100
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==\S+( ;[^-]+)?(\s+--hash=sha256:[0-9a-f]{64})+", entry), entry
    assert "://" not in PINNED
    assert len(PINNED) < 1_000_000


def test_what_setup_asks_for_is_pinned():
    asked = {re.match(r"[\w-]+", line)[0].lower() for line in setup_arguments()["install_requires"]}
    assert asked <= {name.lower() for name in re.findall(r"^([\w.-]+)==", PINNED, flags=re.M)}


@pytest.mark.parametrize("source", COPIED)
def test_the_dockerfile_copies_what_exists_and_is_not_ignored(source):
    assert (ROOT / source).exists()
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    ignored = False
    for rule in rules:
        if rule and not rule.startswith("#") and fnmatch.fnmatch(source, rule.lstrip("!")):
            ignored = not rule.startswith("!")
    assert not ignored


def test_the_dockerfile_installs_by_hash_and_runs_the_main_job():
    assert "--require-hashes -r requirements.txt" in DOCKERFILE
    assert 'CMD ["python", "-m", "mode", "reproduce"' in DOCKERFILE
    assert "reproduce" in main.commands


def test_python_is_declared_as_far_as_tested():
    declared = setup_arguments()
    assert declared["python_requires"] == ">=3.11"
    versions = [c.rsplit(" ", 1)[1] for c in declared["classifiers"] if ":: 3." in c]
    assert versions == TESTED


def test_binder_has_a_declared_python_and_the_package_of_the_checkout():
    version = (ROOT / ".binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    assert version.removeprefix("python-") in TESTED
    asked = (ROOT / ".binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in asked if not line.startswith("#")] == ["."]
