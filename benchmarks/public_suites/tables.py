"""Make the tables of the public suites from their rows: runs -> tables."""

from pathlib import Path

import pandas as pd

from benchmarks.public_suites.programs import SUITES, TRUTH, truth
from mode.seeds import generator

COLUMNS = [
    "program", "form", "status", "message", "fits", "symptoms", "fix", "notes", "level",
    "measure", "score", "constant", "skill", "translated", "to_first", "seconds", "cpu_seconds",
]  # fmt: skip
REPAIR_COLUMNS = ["reached", "skill before", "skill after", "changes", "repair_seconds"]
RUNS = ("first", "current")
REPAIR = "repair"  # the run in which a sample of the plain faults is repaired
START = "(start)"  # the rows of a program that only imports
SENSIBLE = 0.5  # share of what the best constant leaves that a sensible model has learned


def read_rows(path: Path) -> pd.DataFrame:
    """Return the rows of a run, none where there is no file yet."""
    if not path.exists():
        return pd.DataFrame(columns=COLUMNS)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def judged(suite: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a suite's programs beside what is true of them, and whether they fit.

    `found`: a right symptom is above a note. `right fix`: the first fix is a right one. `flagged`:
    anything is above a note. `sensible`: the measured score is.
    """
    both = truth(suite).drop(columns="form", errors="ignore")
    both = both.merge(rows, on="program", suffixes=(" right", ""))
    pairs = zip(both["symptoms right"], both["symptoms"], strict=True)
    both["found"] = [bool({*right.split()} & {*reported.split()}) for right, reported in pairs]
    pairs = zip(both["fixes"], both["fix"], strict=True)
    both["right fix"] = [bool(reported) and reported in right.split() for right, reported in pairs]
    both["flagged"] = both["symptoms"] != ""
    both["sensible"] = pd.to_numeric(both["skill"]) >= SENSIBLE
    return both


def summary(suite: str, run: str, rows: pd.DataFrame) -> dict:
    """Return the counts of one run of one suite.

    `programs` have a row; the run is over when they are all `of` the suite. Runnable is what the
    truth says, written before: a faulty program that lacks nothing and yet does not train counts
    as missed. Good forms are those that trained.
    """
    both = judged(suite, rows)
    able = both[both["needs"] == ""]
    plain = able[(able["form"] == "buggy") & (able["plain"].astype(str) == "1")]
    good = able[(able["form"] != "buggy") & (able["status"] == "trained")]
    good = good[good["sensible"]] if suite == "deeplocalize" else good
    return {
        "suite": suite, "run": run, "programs": len(both), "of": len(truth(suite)),
        "lack something": len(both) - len(able),
        "trained of the others": int((able["status"] == "trained").sum()),
        "plain faults": len(plain), "found": int(plain["found"].sum()),
        "right first fix": int(plain["right fix"].sum()),
        "good forms": len(good), "flagged": int(good["flagged"].sum()),
        "median processor seconds": _median(able["cpu_seconds"]),
        "of the start besides": _start(rows),
        "median seconds from training to the first finding": _median(plain["to_first"]),
    }  # fmt: skip


def _median(values: pd.Series) -> float:
    return round(pd.to_numeric(values).median(), 1)


def _start(rows: pd.DataFrame) -> float:
    return _median(rows.loc[rows["program"] == START, "cpu_seconds"])


def by_program(suite: str, runs: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row a program: what is true, what was said in the first and the present run."""
    table = truth(suite).drop(columns=["symptoms", "fixes", "path", "form"], errors="ignore")
    for run, rows in runs.items():
        both = judged(suite, rows).set_index("program")
        both["first finding"] = both["symptoms"].str.split().str[0].fillna("")
        part = both[["form", "status", "flagged", "found", "right fix", "first finding", "fix"]]
        if run == max(runs, key=RUNS.index):
            part = part.assign(**both[["measure", "score", "constant", "seconds"]])
        names = {name: f"{name} ({run})" for name in
                 ("status", "flagged", "found", "right fix", "first finding", "fix")}  # fmt: skip
        part = part.rename(columns=names)
        table = table.merge(part.drop(columns=[c for c in part if c in table]),
                            left_on="program", right_index=True, how="left")  # fmt: skip
    return table


def rivals(runs: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what other tools find among deepmufl's programs, as published, and what this does.

    On the plain faults that run offline and have a row, the same for all. The others' seconds were
    measured by the suite's authors on their machine; ours are seconds of all processors for the
    whole program, without and with the start of Python and TensorFlow.
    """
    published = pd.read_csv(TRUTH / "deepmufl_rivals.csv", dtype={"program": str})
    table = truth("deepmufl")
    plain = table[(table["needs"] == "") & (table["plain"].astype(str) == "1")]["program"]
    for rows in runs.values():
        plain = plain[plain.isin(rows["program"])]
    some = published[published["program"].isin(plain)]
    lines = []
    for tool in dict.fromkeys(c.removesuffix(" seconds") for c in published.columns[1:]):
        seconds = some.get(f"{tool} seconds")
        lines.append({"tool": tool, "programs": len(some), "found": int(some[tool].sum()),
                      "of all 109": int(published[tool].sum()),
                      "median seconds": "" if seconds is None else _median(seconds)})  # fmt: skip
    for run, rows in runs.items():
        both = judged("deepmufl", rows)
        part = both[both["program"].isin(plain)]
        seconds = _median(part["cpu_seconds"])
        every = int(both["found"].sum()) if len(both) == len(table) else ""
        lines.append({"tool": f"mode ({run})", "programs": len(plain),
                      "found": int(part["found"].sum()), "of all 109": every,
                      "right first fix": int(part["right fix"].sum()),
                      "median seconds": seconds,
                      "with the start": round(seconds + _start(rows), 1)})  # fmt: skip
    columns = ["tool", "programs", "found", "of all 109", "right first fix", "median seconds",
               "with the start"]  # fmt: skip
    return pd.DataFrame(lines).reindex(columns=columns).astype({"right first fix": "Int64"})


def sample(suite: str, count: int) -> list[str]:
    """Return the names of so many programs with a plain fault that run offline, drawn by seed."""
    table = truth(suite)
    plain = table[(table["needs"] == "") & (table["plain"].astype(str) == "1")]
    names = sorted(plain["program"])
    order = generator(0, "repaired programs").permutation(len(names))
    return [names[i] for i in order[:count]]


def repairs(rows: pd.DataFrame) -> pd.DataFrame:
    """Return, of the programs that were to be repaired, how many trained, reached the goal, and
    how long the repair took."""
    tried = rows[rows["program"] != START]
    seconds = _median(tried["repair_seconds"])
    return pd.DataFrame([{"programs": len(tried), "trained": (tried["status"] == "trained").sum(),
                          "repaired": (tried["reached"] == "True").sum(),
                          "median seconds": seconds}])  # fmt: skip


def write_tables(out: Path) -> None:
    """Write every table for which there are rows."""
    folder = out / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for suite in SUITES:
        paths = {run: out / "runs" / "public_suites" / f"{suite}-{run}.csv" for run in RUNS}
        runs = {run: read_rows(path) for run, path in paths.items() if path.exists()}
        if (place := out / "runs" / "public_suites" / f"{suite}-{REPAIR}.csv").exists():
            table = repairs(read_rows(place))
            table.to_csv(folder / f"public_suites_{suite}_repairs.csv", index=False)
        if not runs:
            continue
        lines += [summary(suite, run, rows) for run, rows in runs.items()]
        by_program(suite, runs).to_csv(folder / f"public_suites_{suite}.csv", index=False)
        if suite == "deepmufl":
            rivals(runs).to_csv(folder / "public_suites_rivals.csv", index=False)
    if lines:
        pd.DataFrame(lines).to_csv(folder / "public_suites.csv", index=False)
