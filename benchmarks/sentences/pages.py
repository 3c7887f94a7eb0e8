"""Write the generated sections of the Markdown pages, and the answers of the notebooks, again."""

import json
import re
from pathlib import Path
from types import ModuleType

from benchmarks.sentences import (
    answers,
    diagnosis,
    estimation,
    fair,
    featurevis,
    first_screen,
    house,
    notebooks,
    pools,
    public_suites,
    publication,
    repair,
    selection,
    side_studies,
    summary,
)
from benchmarks.sentences.formats import NumberFormatter
from benchmarks.sentences.tables import Results
from mode.checks import one_of

SUBJECTS: dict[str, ModuleType] = {
    "diagnosis": diagnosis,
    "estimation": estimation,
    "fair": fair,
    "featurevis": featurevis,
    "first_screen": first_screen,
    "house": house,
    "notebooks": notebooks,
    "pools": pools,
    "public_suites": public_suites,
    "publication": publication,
    "repair": repair,
    "selection": selection,
    "side_studies": side_studies,
    "summary": summary,
}
PAGES = ("README.md", "GUIDE.md", "CLAIMS.md", "CONTRIBUTING.md", "results/README.md")
PAGES += ("notebooks/README.md",)
# Section of answers.md -> the notebook that it answers.
ANSWERS = {
    "tables_and_figures": "03-tables-and-figures",
    "which_metric": "06-which-metric",
    "layer_matters": "07-does-the-layer-matter",
    "which_inputs": "08-which-inputs-repair",
    "how_good": "12-how-good-on-my-new-data",
    "fair": "13-is-the-comparison-fair",
}
ANSWER = re.compile(r'"\*\*Answer:\*\*(?:[^"\\]|\\.)*"')
GENERATED = re.compile(r"<!-- from: (\w+)\.(\w+) -->\n.*?<!-- end -->", flags=re.DOTALL)
SECTION = re.compile(r"<!-- (\w+) -->\n(.*?)(?=\n*<!-- |\n*\Z)", flags=re.DOTALL)


def written(page: str, folder: Path) -> str:
    """Return the text of a page with its generated sections from the tables in `folder`.

    Raises:
        StatementError: if a table no longer supports a sentence.
    """
    values: dict[str, dict] = {}

    def generated(match: re.Match) -> str:
        subject, section = match.groups()
        one_of(f"subject in {page}", subject, SUBJECTS)
        if subject not in values:
            values[subject] = SUBJECTS[subject].values(Results(folder / "results"))
        texts = templates(subject)
        one_of(f"section of {subject}", section, texts)
        text = NumberFormatter().vformat(texts[section], (), values[subject])
        return f"<!-- from: {subject}.{section} -->\n{text}\n<!-- end -->"

    return GENERATED.sub(generated, (folder / page).read_text(encoding="utf-8"))


def answered(folder: Path) -> dict[Path, str]:
    """Return the text of each notebook of ANSWERS, and of its executed copy, with its answer.

    Raises:
        StatementError: if a table no longer supports a sentence.
    """
    values, texts = answers.values(Results(folder / "results")), templates("answers")
    notebooks = {}
    for section, name in ANSWERS.items():
        answer = NumberFormatter().vformat(texts[section], (), values)
        cell = json.dumps(f"**Answer:** {answer}\n", ensure_ascii=False)
        for place in ("notebooks", "results/executed"):
            path = folder / place / f"{name}.ipynb"
            text = path.read_text(encoding="utf-8")
            notebooks[path] = ANSWER.sub(lambda _, cell=cell: cell, text, count=1)
    return notebooks


def templates(subject: str) -> dict[str, str]:
    """Return the templates of a subject by section."""
    text = Path(__file__).with_name(f"{subject}.md").read_text(encoding="utf-8")
    return dict(SECTION.findall(text))
