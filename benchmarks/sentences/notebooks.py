"""The notebooks with their questions, answers and minutes, from their first cells."""

import json
import math
from pathlib import Path

from benchmarks.sentences.tables import Results


def values(results: Results) -> dict:
    """Return the rows of the templates in notebooks.md."""
    seconds = results.table("notebooks").set_index("notebook")["seconds"]
    index, questions = [], []
    for path in sorted((results.folder.parent / "notebooks").glob("*.ipynb")):
        name = path.stem
        question, answer = _first_cell(path)
        minutes = math.ceil(seconds[name] / 60)
        pictures = f"[pictures](../results/executed/{name}.ipynb)"
        index.append(f"| [{name}]({name}.ipynb) | {question} | {answer} | {minutes} | {pictures} |")
        questions.append(f"| [{name}](results/executed/{name}.ipynb) | {question} |")
    return {"index": "\n".join(index), "questions": "\n".join(questions)}


def _first_cell(path: Path) -> tuple[str, str]:
    """Return the question in the title of a notebook, and the first sentence of its answer."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "".join(cells[0]["source"])
    answer = text.split("**Answer:** ")[1].splitlines()[0].split(". ")[0].rstrip(".") + "."
    return text.splitlines()[0].lstrip("# "), answer[0].upper() + answer[1:]
