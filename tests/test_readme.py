"""What the README promises is there."""

import re
from pathlib import Path

import pytest

import mode
from mode.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "GUIDE.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = pytest.mark.parametrize(
    "text", [README, GUIDE, CONTRIBUTING], ids=["README", "GUIDE", "CONTRIBUTING"]
)
MOST_WORDS = 900


def test_the_script_of_continuous_integration_takes_its_commands_from_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    beginnings = re.findall(r"\$\(line [\"'](.+?)[\"']\)\n", script)
    assert beginnings
    for beginning in beginnings:
        assert any(line.startswith(beginning) for line in README.splitlines()), beginning


@pytest.mark.parametrize("name", ["README.md", "GUIDE.md", "CONTRIBUTING.md", "results/README.md"])
def test_every_linked_file_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / name).parent.joinpath(link).exists(), link


@PAGES
def test_every_command_named_exists(text):
    named = set(re.findall(r"python -m mode ([a-z]+)", text))
    assert named <= set(main.commands)


@PAGES
def test_every_module_file_and_name_in_backticks_exists(text):
    for path in re.findall(r"`((?:mode|tests|benchmarks|notebooks|results)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "mode").rglob("*.py"))
    for name in re.findall(r"`([A-Z_]{4,})`", text):
        assert name in sources or name in (ROOT / ".ci" / "run").read_text(encoding="utf-8"), name


@pytest.mark.parametrize("page", ["README.md", "GUIDE.md", "CLAIMS.md", "results/README.md"])
def test_the_commands_of_benchmarks_are_modules_that_run(page):
    """A script in benchmarks/ would see its neighbors in place of modules of Python's."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "python benchmarks/" not in text
    for name in re.findall(r"python -m benchmarks\.(\w+)", text):
        package, module = ROOT / "benchmarks" / name, ROOT / "benchmarks" / f"{name}.py"
        runs = package / "__main__.py" if package.is_dir() else module
        assert "__main__" in runs.read_text(encoding="utf-8"), name


def test_the_sixty_seconds_run():
    code = re.search(r"```python\n(.+?)```", README, flags=re.S)[1]
    names: dict = {}
    exec(code, names)
    rounds = names["fixed"].rounds
    assert rounds["accuracy"].iloc[-1] > rounds["accuracy"].iloc[0]


def test_the_citation_has_the_version_and_the_date_of_its_section_of_the_changes():
    """A section is cut as `## X.Y.Z - YYYY-MM-DD` below `## Unreleased`, the latest one first."""
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    version, date = (
        re.search(rf"^{name}: (\S+)$", citation, flags=re.M)[1]
        for name in ("version", "date-released")
    )
    assert version == mode.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", date)
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *released = re.findall(r"^## (.+)$", changes, flags=re.M)
    assert first == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", each) for each in released)
    assert released[:1] in ([], [f"{version} - {date}"])


def test_the_readme_is_short():
    assert len(README.split()) <= MOST_WORDS


def test_the_badges_are_files_of_this_repository_that_say_what_setup_says():
    first = README.split("\n\n")[1]
    badges = dict(re.findall(r"!\[([^\]]+)\]\((results/[^)]+\.svg)\)", first))
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    oldest, *_, newest = re.findall(r"Python :: (3\.\d+)", setup)
    assert list(badges) == [f"Python {oldest} to {newest}", "license MIT", "Binder"]
    for text, path in badges.items():
        drawing = (ROOT / path).read_text(encoding="utf-8")
        assert all(f">{word}<" in drawing for word in text.split(" ", 1)), text
