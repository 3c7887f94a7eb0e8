"""Every notebook keeps the house's rules, and its executed copy is of this very source."""

import ast
import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mode import notebooks
from mode.studies import execution

ROOT = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def code_cells(name: str) -> list[dict]:
    return [cell for cell in notebooks.read(name)["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("name", NAMES)
class TestRules:
    def test_is_named_as_a_numbered_question(self, name):
        assert re.fullmatch(r"\d\d(-[a-z]+)+", name)

    def test_is_stored_stripped_and_small(self, name):
        assert all(not c["outputs"] and c["execution_count"] is None for c in code_cells(name))
        assert (ROOT / "notebooks" / f"{name}.ipynb").stat().st_size < 100_000

    def test_is_short_and_defines_nothing(self, name):
        assert len(notebooks.read(name)["cells"]) <= 25
        for cell in code_cells(name):
            assert len(cell["source"]) <= 15
            tree = ast.parse("".join(cell["source"]).replace("%", "#%"))
            assert not any(isinstance(n, ast.FunctionDef | ast.ClassDef) for n in ast.walk(tree))

    def test_starts_with_question_answer_and_aims(self, name):
        text = "".join(notebooks.read(name)["cells"][0]["source"])
        assert text.splitlines()[0].endswith("?")
        assert "**Answer:**" in text
        assert "**Aims.**" in text

    def test_starts_with_why_one_would_care_and_the_words_it_uses(self, name):
        first = "".join(notebooks.read(name)["cells"][0]["source"])
        why, answer, *rest = first.split("\n\n")[1:]
        assert re.fullmatch(r"[A-Z].*[^.]\.", why.replace("\n", " ")), "one sentence of why"
        assert answer.startswith("**Answer:**")
        assert rest[-1].startswith("> **Words.** *")

    def test_closes_with_what_was_seen_and_where_to_go_next(self, name):
        last = notebooks.read(name)["cells"][-1]
        assert last["cell_type"] == "markdown"
        text = "".join(last["source"])
        assert text.startswith("**What you have seen.**")
        links = re.findall(r"\((\S+)\.ipynb\)", text.split("**Where to go next.**")[1])
        assert links
        assert set(links) <= set(NAMES) - {name}

    def test_parameters_are_typed_literals_with_help_and_have_seed_and_out(self, name):
        first = code_cells(name)[0]
        assert first["metadata"]["tags"] == ["parameters"]
        for line in "".join(first["source"]).splitlines():
            assert re.fullmatch(r"[a-z_]+: (str|int|float|bool|list) = [^=#]+  # .+", line), line
        assert {"seed", "out"} <= set(notebooks.parameters(name))

    def test_small_parameters_exist(self, name):
        assert set(execution.SMALL[name]) <= set(notebooks.parameters(name))

    def test_executed_copy_has_the_same_source_and_pictures(self, name):
        path = ROOT / "results" / "executed" / f"{name}.ipynb"
        executed = json.loads(path.read_text(encoding="utf-8"))
        sources = [
            [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
            for notebook in (executed, notebooks.read(name))
        ]
        assert sources[0] == sources[1]
        assert path.stat().st_size < 1_000_000
        assert "/tmp/" not in path.read_text(encoding="utf-8")
        outputs = [o for cell in executed["cells"] for o in cell.get("outputs", [])]
        assert outputs
        assert not any(output["output_type"] == "error" for output in outputs)


def test_the_answer_of_the_report_is_that_of_its_executed_copy():
    name = "11-is-my-model-repaired"
    path = ROOT / "results" / "executed" / f"{name}.ipynb"
    outputs = path.read_text(encoding="utf-8")
    sentence = re.search(r"<h1>(Accuracy .+?\.)</h1>", outputs)[1]
    assert f"**Answer:** {sentence} " in "".join(notebooks.read(name)["cells"][0]["source"])


@pytest.mark.parametrize("name", NAMES)
def test_no_output_shows_a_missing_number_or_many_digits(name):
    path = ROOT / "results" / "executed" / f"{name}.ipynb"
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            page = "".join(output.get("data", {}).get("text/html", output.get("text", [])))
            cells = re.sub(r'base64,[^"]*|<style.*?</style>', "", page, flags=re.S)
            assert re.findall(r">\s*(?:nan|NaN|inf)\s*<|\d\.\d{6,}", cells) == []


def test_an_unknown_notebook_is_refused():
    with pytest.raises(ValueError, match=r"^notebook must be one of .*Did you mean '02-run'\?$"):
        notebooks.path("02-runn")


def test_pictures_are_kept_in_256_colors_that_hardly_differ():
    ramp = np.indices((64, 64)).sum(axis=0)[..., None] * np.array([2, 1, 1])
    full, stored = Image.fromarray(ramp.astype(np.uint8)), io.BytesIO()
    full.save(stored, "PNG")
    text = execution.lighter(base64.b64encode(stored.getvalue()).decode())
    kept = Image.open(io.BytesIO(base64.b64decode(text)))
    assert (kept.mode, kept.size) == ("P", (64, 64))
    assert np.abs(np.asarray(kept.convert("RGB")).astype(int) - ramp).mean() < 1
