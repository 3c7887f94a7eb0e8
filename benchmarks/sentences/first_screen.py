"""The three commands of the README's first rows, and what they print."""

from benchmarks.sentences.tables import Results


def values(results: Results) -> dict:
    """Return the commands with their first lines, as one block."""
    rows = results.table("first_screen").itertuples()
    return {
        "printed": "\n".join(["```", *(f"$ {row.command}\n{row.printed}" for row in rows), "```"])
    }
