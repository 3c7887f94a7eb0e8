"""Rows of compared methods -> the tables of every comparison. Arithmetic only; no Keras."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from scipy.stats import t

from mode import checks, stats
from mode.studies.tables import EQUIVALENT, stacked, with_holm

CELL = ["data", "classes", "batch", "scenario"]
CONTROLS = ("targeted_random", "random")
UNPLANTED = "no_planted_fault"
MEAN = "mean over faults"
AGAIN = " again"
SEVERAL = 3  # seeds, without which no interval says anything
SHOWN = ["initial", "final", "area", "worst accuracy", "repaired", "broken", "overlap"]
# Which methods a question compares with each other: question -> regular expression of their names.
# "" stands for all but the control.
ALL = {"methods": ""}


def final_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each cell, seed and method: before, after, and on the way.

    `area` is the mean accuracy over the rounds; a repair that stopped early keeps its last one.
    """
    keys = [*CELL, "seed", "method"]
    rounds = rows["round"].max()
    ordered = rows.sort_values("round", kind="stable").groupby(keys, sort=False)
    finals = ordered.last().rename(columns={"accuracy": "final"})
    after = rows[rows["round"] > 0].groupby(keys, sort=False)["accuracy"]
    missing = (rounds - after.size()).reindex(finals.index, fill_value=rounds)
    total = after.sum().reindex(finals.index, fill_value=0.0)
    finals["area"] = (total + missing * finals["final"]) / rounds
    return finals.assign(initial=ordered["accuracy"].first()).reset_index()


def control_of(finals: pd.DataFrame) -> str:
    """Return the method that the others are compared with: targeted random, else random, else
    the study's first method."""
    methods = list(finals["method"].unique())
    return next((name for name in CONTROLS if name in methods), methods[0])


def against(
    finals: pd.DataFrame, control: str, *, by: Sequence[str], value: str = "final"
) -> pd.DataFrame:
    """Return each method against `control`, paired by seed, in every cell of `by`.

    Seeds are the blocks: of each, the mean over its scenarios counts, for they share a split and
    a test part. Columns: `by`, control, method, its means, then those of `stats.compare`, with
    Holm's correction over the methods of the cell and equivalence within EQUIVALENT.

    Raises:
        InputError: for fewer than three seeds, or a method that lacks a scenario of a seed.
    """
    cells = []
    for names, part in finals.groupby(list(by), sort=False):
        if part["method"].nunique() < 2:
            continue
        means = part.groupby("method", sort=False)[SHOWN].mean()
        compared = stats.compare(
            seed_means(part, value),
            value=value,
            method="method",
            block="seed",
            control=control,
            margin=EQUIVALENT,
        )
        table = means.join(compared.set_index("method").drop(columns="control")).reset_index()
        table.insert(0, "control", control)
        for column, name in zip(reversed(by), reversed(names), strict=True):
            table.insert(0, column, name)
        cells.append(table)
    return stacked(cells)


def seed_means(finals: pd.DataFrame, value: str = "final") -> pd.DataFrame:
    """Return one row for each seed and method: the mean of `value` over the seed's scenarios.

    Raises:
        InputError: for fewer than three seeds, seeds that differ in their scenarios, or a method
            that lacks a scenario of a seed.
    """
    count = finals["seed"].nunique()
    if count < SEVERAL:
        hint = "Run the study again with more --seeds; finished ones are kept."
        checks.fail(f"rows to be compared must be of at least {SEVERAL} seeds", count, hint)
    wide = stats.paired(finals, value=value, method="method", block=["seed", "scenario"])
    scenarios = wide.groupby("seed").size()
    if scenarios.nunique() > 1:
        received = ", ".join(f"{n} of seed {seed}" for seed, n in scenarios.items())
        checks.fail("every seed must have the same scenarios", received)
    means = wide.groupby("seed").mean().rename_axis(columns=None).reset_index()
    return means.melt("seed", var_name="method", value_name=value)


def by_question(
    finals: pd.DataFrame, questions: Mapping[str, str]
) -> Iterator[tuple[dict, pd.DataFrame]]:
    """Yield identity and seeds' means for each cell and question that names several methods.

    Repeated methods are left out, and without a regular expression the control as well: a test of
    whether methods differ from each other would answer to them.
    """
    for names, part in with_fault(finals).groupby(CELL[:-1], sort=False):
        methods = part["method"].drop_duplicates()
        methods = methods[~methods.str.endswith(AGAIN)]
        for question, pattern in questions.items():
            named = methods.str.contains(pattern) & (bool(pattern) | (methods != control_of(part)))
            if named.sum() > 1:
                identity = dict(zip(CELL[:-1], names, strict=True)) | {"question": question}
                yield identity, seed_means(part[part["method"].isin(methods[named])])


def differ(finals: pd.DataFrame, questions: Mapping[str, str] = ALL) -> pd.DataFrame:
    """Return Friedman's test over the methods of each question, with Holm's correction over the
    questions; seeds are the blocks.

    Raises:
        InputError: as `against`.
    """
    cells = []
    for identity, means in by_question(finals, questions):
        if means["method"].nunique() > 2:
            test = stats.friedman(means, value="final", method="method", block="seed")
            cells.append(test.assign(**identity))
    return with_holm(stacked(cells))


def ranked(finals: pd.DataFrame, questions: Mapping[str, str] = ALL) -> pd.DataFrame:
    """Return the mean ranks over the seeds, and Nemenyi's difference, of each question.

    Raises:
        InputError: as `against`.
    """
    cells = []
    for identity, means in by_question(finals, questions):
        blocks, methods = means["seed"].nunique(), means["method"].nunique()
        ranks = stats.mean_ranks(means, value="final", method="method", block="seed")
        apart = stats.critical_difference(methods, blocks)
        cells.append(ranks.assign(**{"critical difference": apart, "n": blocks}, **identity))
    return stacked(cells)


def by_inputs(rows: pd.DataFrame) -> pd.DataFrame:
    """Return mean accuracy over the seeds by method and inputs, in rounds that all seeds had.

    `low` and `high` are its 95 % interval by the t distribution, where there are several seeds.
    """
    keys = [*CELL, "method", "round", "inputs"]
    grouped = rows.groupby(keys, sort=False)
    means = grouped[["accuracy", "worst accuracy"]].mean().assign(n=grouped.size())
    error = grouped["accuracy"].sem().where(means["n"] >= SEVERAL)
    reach = error * t.ppf(0.975, means["n"].clip(lower=2) - 1)
    ends = {"low": means["accuracy"] - reach, "high": means["accuracy"] + reach}
    means = means.assign(**ends).reset_index()
    everyone = means.groupby([*CELL, "method"], sort=False)["n"].transform("max")
    return means[means["n"] == everyone].reset_index(drop=True)


def with_fault(finals: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the scenarios in which there is something to repair."""
    return finals[finals["scenario"] != UNPLANTED]


def negative_controls(finals: pd.DataFrame) -> pd.DataFrame:
    """Return each second draw of random inputs against the first: neither may differ."""
    cells = []
    for again in sorted(name for name in finals["method"].unique() if name.endswith(AGAIN)):
        pair = finals[finals["method"].isin([again, again.removesuffix(AGAIN)])]
        cells.append(against(with_fault(pair), again.removesuffix(AGAIN), by=CELL[:-1]))
    return stacked(cells)


def comparison_tables(
    rows: pd.DataFrame, questions: Mapping[str, str] = ALL
) -> Mapping[str, pd.DataFrame]:
    """Return the tables of any comparison of methods, by name; of fewer than three seeds only the
    curves.

    `by_scenario`: each method against the control, fault by fault, and the mean over faults.
    """
    finals = final_rows(rows)
    curves = {"accuracy_by_inputs": by_inputs(rows)}
    if finals["seed"].nunique() < SEVERAL:
        return curves
    control = control_of(finals)
    mean = against(with_fault(finals), control, by=CELL[:-1])
    return {
        "against_control": mean,
        "by_scenario": stacked([against(finals, control, by=CELL), mean.assign(scenario=MEAN)]),
        "differ": differ(finals, questions),
        "mean_ranks": ranked(finals, questions),
        **curves,
        "negative_controls": negative_controls(finals),
    }
