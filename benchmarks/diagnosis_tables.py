"""Make the tables of the diagnosis benchmark from its rows: runs -> tables.

python -m benchmarks.diagnosis_tables --out results
"""

import argparse
from pathlib import Path

import pandas as pd

from benchmarks.diagnosis_mapping import mapping_rows, tree_rows
from mode.diagnosis.catalog.symptoms import SYMPTOMS

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
# on Stack Overflow programs, each on its authors' machine
SECONDS = {"UMLAUT": 4, "DeepDiagnosis": 6, "DeepLocalize": 8, "AUTOTRAINER": 114}
COLUMNS = ("tool", "programs", "found", "right first fix", "healthy flagged", "remark")


def rows(folder: Path) -> pd.DataFrame:
    """Return every row of the runs, in a fixed order."""
    parts = [pd.read_csv(path) for path in sorted(folder.glob("*.csv"))]
    return pd.concat(parts, ignore_index=True).sort_values(
        ["what", "set", "program"], kind="stable"
    )


def programs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row a program: what was found, whether right, and what repaired it."""
    names = ["set", "program", "faulty", "found", "fix_right", "flagged", "first_fix"]
    diagnoses = runs[runs.what == "diagnose"][[*names, "symptoms", "level"]]
    columns = ["set", "program", "goal", "threshold", "reached", "changes"]
    repairs = runs[runs.what == "repair"].reindex(columns=columns)
    repairs = repairs.rename(columns={"reached": "repaired", "goal": "repaired goal"})
    return diagnoses.merge(repairs, on=["set", "program"], how="left")


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Answer validation: counts by set; `first` are the rows of a set's very first run."""
    first = runs[runs.what == "first"].assign(what="diagnose")
    later = runs[runs.what != "first"]
    named = [(f"{name} (first run)", part) for name, part in first.groupby("set")]
    parts = [*later.groupby("set"), *named, ("all", later)]
    return pd.DataFrame([{"set": name, **_counts(part)} for name, part in parts])


def _counts(part: pd.DataFrame) -> dict:
    seen, fixed = part[part.what == "diagnose"], part[part.what == "fixed"]
    faulty, healthy = (seen[seen.faulty.astype(bool) == f] for f in (True, False))
    repairs = part[part.what == "repair"]
    wait = (faulty.seconds_to_first - faulty.first_step).clip(lower=0).median()
    return {
        "faulty": len(faulty),
        "found": int(faulty.found.sum()),
        "right first fix": int(faulty.fix_right.sum()),
        "healthy": len(healthy),
        "healthy flagged": int(healthy.flagged.sum()),
        "fixed forms": len(fixed),
        "fixed forms at their goal": int(fixed.reached.sum()) if len(fixed) else 0,
        "fixed forms flagged": int(fixed.flagged.sum()) if len(fixed) else 0,
        "repairs tried": len(repairs),
        "repaired": int(repairs.reached.sum()) if len(repairs) else 0,
        "median seconds from the first step to the first finding": round(wait, 2),
    }


# the rules by what they look at, as the symptoms they name
GROUPS: dict[str, list[str]] = {}
for symptom in SYMPTOMS.values():
    if symptom.group:
        GROUPS.setdefault(symptom.group, []).append(symptom.code)


def ablation(runs: pd.DataFrame) -> pd.DataFrame:
    """Return for each group of rules: programs it speaks of, speaks of first, is needed for."""
    seen = runs[(runs.what == "diagnose") & runs.faulty.astype(bool)].fillna({"symptoms": ""})
    named = [line.split() for line in seen.symptoms]
    right = [set(line.split()) for line in seen.accepted]
    before = [bool(set(t) & r) for t, r in zip(named, right, strict=True)]
    lines = []
    for group, codes in GROUPS.items():
        group_codes = set(codes)
        left = [bool((set(t) - group_codes) & r) for t, r in zip(named, right, strict=True)]
        lines.append({
            "rules": group,
            "speaks of": sum(bool(group_codes & set(t)) for t in named),
            "comes first": sum(bool(t) and t[0] in group_codes for t in named),
            "found without it": sum(left),
            "found only by it": sum(b and not after for b, after in zip(before, left, strict=True)),
            "faulty": len(named),
        })  # fmt: skip
    return pd.DataFrame(lines)


def limits(runs: pd.DataFrame) -> pd.DataFrame:
    """Return every program that was missed, wrongly advised, wrongly flagged or not repaired."""
    seen = runs[runs.what.isin(["diagnose", "first"])]
    faulty = seen.faulty.astype(bool)
    fixed, repairs = runs[runs.what == "fixed"], runs[runs.what == "repair"]
    kinds = {
        "missed": seen[faulty & ~seen.found.astype(bool)],
        "wrong first fix": seen[faulty & seen.found.astype(bool) & ~seen.fix_right.astype(bool)],
        "healthy, flagged": seen[~faulty & seen.flagged.astype(bool)],
        "fixed form, flagged": fixed[fixed.flagged.astype(bool)] if len(fixed) else fixed,
        "fixed form below its goal": fixed[~fixed.reached.astype(bool)],
        "not repaired": repairs[~repairs.reached.astype(bool)],
    }
    columns = ["set", "program", "what", "first_fix", "symptoms", "changes", "goal", "threshold"]
    parts = [part.reindex(columns=columns).assign(limit=kind) for kind, part in kinds.items()]
    return pd.concat(parts, ignore_index=True)[["limit", *columns]]


def by_symptom(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the programs each symptom appears in, comes first in, is alone in."""
    seen = runs[(runs.what == "diagnose") & runs.faulty.astype(bool)]
    named = seen.assign(symptom=seen.symptoms.fillna("").str.split()).explode("symptom")
    first = seen.symptoms.fillna("").str.split().str[0].value_counts()
    alone = named.groupby("program").filter(lambda part: len(part) == 1).symptom.value_counts()
    table = named.symptom.value_counts().rename("programs").to_frame()
    table["first"] = first.reindex(table.index).fillna(0).astype(int)
    table["alone"] = alone.reindex(table.index).fillna(0).astype(int)
    table = table.rename_axis("symptom").reset_index()
    return table.sort_values(["programs", "symptom"], ascending=[False, True])


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
    table = pd.DataFrame([*PUBLISHED, line], columns=COLUMNS).round(3)
    middle = runs[(runs.what == "diagnose") & (runs.set == "stackoverflow")].seconds.median()
    seconds = {**SECONDS, "mode": round(middle, 1)}
    once = ~table.tool.duplicated()
    table.insert(5, "median seconds a program", table.tool.map(seconds).where(once))
    return table


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return every table by its file name."""
    return {
        "diagnosis_programs": programs(runs),
        "diagnosis_summary": summary(runs),
        "diagnosis_symptoms": by_symptom(runs),
        "diagnosis_ablation": ablation(runs),
        "diagnosis_limits": limits(runs),
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
