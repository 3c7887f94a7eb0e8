"""What the README says of the results, from the numbers of the other subjects."""

from benchmarks.sentences import diagnosis, featurevis, publication, repair, selection, side_studies
from benchmarks.sentences.tables import Results

SUBJECTS = {
    "diagnosis": diagnosis,
    "featurevis": featurevis,
    "publication": publication,
    "repair": repair,
    "selection": selection,
    "side": side_studies,
}


def values(results: Results) -> dict:
    """Return the numbers of all subjects, by subject."""
    return {name: subject.values(results) for name, subject in SUBJECTS.items()}
