"""Make the tables of the diagnosis benchmark from its rows: runs -> tables.

python -m benchmarks.diagnosis_tables --out results
"""

import argparse
from pathlib import Path

import pandas as pd

from mode.diagnosis.mapping import mapping_rows, tree_rows

# figures from the tools' publications and logs, each on programs of its own
PUBLISHED = (
    (
        "DeepDiagnosis",
        "203 faulty, 188 healthy models of its authors",
        138 / 203,
        28 / 53,
        68 / 188,
        "right fix: of 53 real programs",
    ),
    (
        "DeepLocalize",
        "186 healthy models of the same set",
        None,
        None,
        133 / 186,
        "no fix is given",
    ),
    ("AUTOTRAINER", "15 healthy models it 'repaired'", None, None, None, "11 of them ended worse"),
    ("DeepDiagnosis", "109 Stack Overflow bugs (deepmufl, 2023)", 30 / 109, None, None, ""),
    ("DeepLocalize", "109 Stack Overflow bugs (deepmufl, 2023)", 26 / 109, None, None, ""),
    ("UMLAUT", "109 Stack Overflow bugs (deepmufl, 2023)", 25 / 109, None, None, ""),
    ("NeuraLint", "109 Stack Overflow bugs (deepmufl, 2023)", 21 / 109, None, None, ""),
)
COLUMNS = ("tool", "programs", "found", "right first fix", "healthy flagged", "remark")


def rows(folder: Path) -> pd.DataFrame:
    """Return every row of the runs, in a fixed order."""
    parts = [pd.read_csv(path) for path in sorted(folder.glob("*.csv"))]
    return pd.concat(parts, ignore_index=True).sort_values(
        ["what", "set", "program"], kind="stable"
    )


def programs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row a program: what was found, whether right, and what mended it."""
    names = [
        "set",
        "program",
        "faulty",
        "found",
        "fix_right",
        "flagged",
        "first_fix",
        "symptoms",
        "level",
    ]
    found = runs[runs.what == "diagnose"][names]
    columns = ["set", "program", "goal", "threshold", "reached", "changes"]
    mended = runs[runs.what == "repair"].reindex(columns=columns)
    mended = mended.rename(columns={"reached": "repaired", "goal": "repaired goal"})
    return found.merge(mended, on=["set", "program"], how="left")


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Return counts and shares by set; the fixed forms of faulty programs are healthy ones too."""
    lines = []
    for name, part in [*runs.groupby("set"), ("all", runs)]:
        seen = part[part.what == "diagnose"]
        faulty, healthy = seen[seen.faulty], seen[~seen.faulty.astype(bool)]
        healthy = pd.concat([healthy, part[part.what == "fixed"]])
        mended = part[part.what == "repair"]
        lines.append(
            {
                "set": name,
                "faulty": len(faulty),
                "found": faulty.found.sum(),
                "right first fix": faulty.fix_right.sum(),
                "healthy": len(healthy),
                "healthy flagged": healthy.flagged.sum(),
                "repairs tried": len(mended),
                "repaired": mended.reached.sum() if len(mended) else 0,
            }
        )
    return pd.DataFrame(lines)


def by_symptom(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the ablation: the programs each symptom appears in, comes first in, is alone in."""
    seen = runs[(runs.what == "diagnose") & runs.faulty]
    named = seen.assign(symptom=seen.symptoms.fillna("").str.split()).explode("symptom")
    first = seen.symptoms.fillna("").str.split().str[0].value_counts()
    alone = named.groupby("program").filter(lambda part: len(part) == 1).symptom.value_counts()
    table = named.symptom.value_counts().rename("programs").to_frame()
    table["first"] = first.reindex(table.index).fillna(0).astype(int)
    table["alone"] = alone.reindex(table.index).fillna(0).astype(int)
    return (
        table.rename_axis("symptom")
        .reset_index()
        .sort_values(["programs", "symptom"], ascending=[False, True])
    )


def published(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the published figures of other tools, ours below; the programs differ."""
    ours = summary(runs).set_index("set").loc["all"]
    line = (
        "mode",
        "the programs of this benchmark",
        ours["found"] / ours["faulty"],
        ours["right first fix"] / ours["faulty"],
        ours["healthy flagged"] / max(ours["healthy"], 1),
        "rewritten programs: the shares are not comparable one to one",
    )
    return pd.DataFrame([*PUBLISHED, line], columns=COLUMNS).round(3)


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return every table by its file name."""
    return {
        "diagnosis_programs": programs(runs),
        "diagnosis_summary": summary(runs),
        "diagnosis_symptoms": by_symptom(runs),
        "diagnosis_published": published(runs),
        "diagnosis_tree": pd.DataFrame(tree_rows()),
        "diagnosis_mapping": pd.DataFrame(mapping_rows()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="results")
    out = Path(parser.parse_args().out)
    (out / "tables").mkdir(parents=True, exist_ok=True)
    for name, table in tables(rows(out / "runs" / "diagnosis")).items():
        table.to_csv(out / "tables" / f"{name}.csv", index=False)
        print(f"{name}: {len(table)} rows")


if __name__ == "__main__":
    main()
