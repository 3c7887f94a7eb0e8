"""The notebooks with their questions, answers and minutes, from their first cells."""

import json
import math
from pathlib import Path

from benchmarks.sentences.tables import Results

# The order in which a reader needs them; the machinery of the studies comes last.
READERS = {
    "start here": ("01-walkthrough",),
    "my model": (
        "04-why-does-it-not-learn",
        "11-is-my-model-repaired",
        "12-how-good-on-my-new-data",
        "05-is-it-over-fitted",
        "09-explore",
    ),
    "the study": (
        "03-tables-and-figures",
        "06-which-metric",
        "07-does-the-layer-matter",
        "08-which-inputs-repair",
        "13-is-the-comparison-fair",
    ),
    "machinery": ("02-run", "10-which-method-repairs"),
}


def values(results: Results) -> dict:
    """Return the rows of the templates in notebooks.md."""
    seconds = results.table("notebooks").set_index("notebook")["seconds"]
    folder = results.folder.parent / "notebooks"
    index, questions = [], []
    for reader, names in READERS.items():
        for name in names:
            question, answer = _first_cell(folder / f"{name}.ipynb")
            minutes = math.ceil(seconds[name] / 60)
            pictures = f"[pictures](../results/executed/{name}.ipynb)"
            about = reader if name == names[0] else ""
            row = f"| {about} | [{name}]({name}.ipynb) | {question} | {answer} |"
            index.append(f"{row} {minutes} | {pictures} |")
            questions.append(f"| [{name}](results/executed/{name}.ipynb) | {question} |")
    return {"index": "\n".join(index), "questions": "\n".join(questions)}


def _first_cell(path: Path) -> tuple[str, str]:
    """Return the question in the title of a notebook, and the first sentence of its answer."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "".join(cells[0]["source"])
    answer = text.split("**Answer:** ")[1].splitlines()[0].split(". ")[0].rstrip(".") + "."
    return text.splitlines()[0].lstrip("# "), answer[0].upper() + answer[1:]
