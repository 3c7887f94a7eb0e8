"""What the README promises is there."""

import re
from pathlib import Path

import pytest

from mode.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_has_the_two_commands_each_on_a_line():
    lines = README.splitlines()
    assert "python -m pip install . && python -m mode reproduce" in lines
    assert "python -m pip install '.[test]' && python -m pytest" in lines


def test_the_script_of_continuous_integration_takes_the_lines_from_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for beginning in re.findall(r"\$\(line [\"'](.+?)[\"']\)\n", script):
        assert beginning in README
    assert script.count("$(line ") == 2


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "results/README.md"])
def test_every_linked_file_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / name).parent.joinpath(link).exists(), link


def test_the_summary_has_no_number_that_the_full_account_has_not():
    summary = README.split("## What was found")[1].split("\n## ")[0]
    full = [
        (ROOT / name).read_text(encoding="utf-8") for name in ("results/README.md", "CLAIMS.md")
    ]
    number = r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?![\w.]*\d)"
    told = re.findall(number, re.sub(r"(?m)^\d\. ", "", summary))
    assert len(told) > 20
    assert set(told) <= set(re.findall(number, "\n".join(full)))


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_command_named_exists(text):
    named = set(re.findall(r"python -m mode ([a-z]+)", text))
    assert named <= set(main.commands)


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_module_file_and_name_in_backticks_exists(text):
    for path in re.findall(r"`((?:mode|tests|benchmarks|notebooks|results)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "mode").rglob("*.py"))
    for name in re.findall(r"`([A-Z_]{4,})`", text):
        assert name in sources or name in (ROOT / ".ci" / "run").read_text(encoding="utf-8"), name


def test_the_sixty_seconds_run():
    code = re.search(r"```python\n(.+?)```", README, flags=re.S)[1]
    names: dict = {}
    exec(code, names)
    rounds = names["fixed"].rounds
    assert rounds["accuracy"].iloc[-1] > rounds["accuracy"].iloc[0]
