"""Run a public suite under diagnosis from a checkout: programs -> rows -> tables.

python -m benchmarks.public_suites --suite deepmufl --checkout DIR
python -m benchmarks.public_suites --suite deepmufl --checkout DIR --run repair
python -m benchmarks.public_suites --tables

`--run repair` repairs a sample of the programs with a plain fault automatically, too.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks.public_suites.programs import SUITES, programs
from benchmarks.public_suites.running import prepare, run_program, start_seconds
from benchmarks.public_suites.tables import (
    COLUMNS,
    REPAIR,
    REPAIR_COLUMNS,
    RUNS,
    START,
    read_rows,
    sample,
    write_tables,
)
from mode import checks
from mode.results import write_text

STARTS = 3  # measurements of the start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=SUITES)
    parser.add_argument("--checkout", type=Path, help="folder of the suite's repository")
    parser.add_argument("--run", default="current", choices=(*RUNS, REPAIR))
    parser.add_argument("--only", nargs="*", default=(), help="names of programs")
    parser.add_argument("--sample", type=int, default=20, help="programs to repair")
    parser.add_argument("--again", action="store_true", help="replace rows that are there")
    parser.add_argument("--jobs", type=int, default=2, choices=(1, 2), help="programs at once")
    parser.add_argument("--tables", action="store_true", help="only make the tables")
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    try:
        if not options.tables:
            if options.suite is None or options.checkout is None:
                checks.fail("--suite and --checkout must be given", "not both")
            run_suite(options)
        write_tables(options.out)
    except checks.InputError as error:
        parser.error(str(error))


def run_suite(options: argparse.Namespace) -> None:
    """Add a row for each program that has none yet, as soon as it is done."""
    path = options.out / "runs" / "public_suites" / f"{options.suite}-{options.run}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    repair = options.run == REPAIR
    only = options.only or (sample(options.suite, options.sample) if repair else ())
    chosen = [p for p in programs(options.suite, options.checkout)
              if not only or p.name in only]  # fmt: skip
    rows = read_rows(path)
    if options.again:
        rows = rows[~rows["program"].isin([p.name for p in chosen])]
    measured = set(rows["program"])
    tasks = [partial(run_program, p, repair=repair) for p in chosen if p.name not in measured]
    if not tasks:
        return
    prepare()
    tasks += [start_seconds] * (0 if START in measured else STARTS)
    with ThreadPoolExecutor(options.jobs) as pool:
        for done in as_completed([pool.submit(task) for task in tasks]):
            row = done.result()
            rows = pd.concat([rows, pd.DataFrame([row])], ignore_index=True)
            rows = rows.reindex(columns=[*COLUMNS, *(REPAIR_COLUMNS if repair else ())])
            ordered = rows.sort_values("program", kind="stable")
            write_text(ordered.to_csv(index=False), path)
            shown = ("program", "status", "symptoms", "fix", "score", "seconds")
            print(*(row.get(name, "") for name in shown), sep=" | ", flush=True)


if __name__ == "__main__":
    main()
