"""Write the generated sections of the Markdown pages again."""

import re
from pathlib import Path
from types import ModuleType

from benchmarks.sentences import (
    diagnosis,
    featurevis,
    house,
    notebooks,
    pools,
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
    "featurevis": featurevis,
    "house": house,
    "notebooks": notebooks,
    "pools": pools,
    "publication": publication,
    "repair": repair,
    "selection": selection,
    "side_studies": side_studies,
    "summary": summary,
}
PAGES = ("README.md", "CLAIMS.md", "CONTRIBUTING.md", "results/README.md", "notebooks/README.md")
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


def templates(subject: str) -> dict[str, str]:
    """Return the templates of a subject by section."""
    text = Path(__file__).with_name(f"{subject}.md").read_text(encoding="utf-8")
    return dict(SECTION.findall(text))
