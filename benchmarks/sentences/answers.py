"""The answers in the first cells of the notebooks that read committed rows."""

from benchmarks.sentences import estimation, fair, publication, selection, side_studies
from benchmarks.sentences.tables import Results


def values(results: Results) -> dict:
    """Return the numbers of the templates in answers.md, by subject."""
    subjects = {"publication": publication, "selection": selection, "side": side_studies}
    subjects |= {"estimation": estimation, "fair": fair}
    return {name: subject.values(results) for name, subject in subjects.items()}
