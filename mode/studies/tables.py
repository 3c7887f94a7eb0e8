"""Rows of runs -> tables. Arithmetic only; no Keras."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mode import seeds, stats

IDENTITY = ["data", "protocol", "layer_selection", "metric", "seed"]
# As published: Table 1 is with layer selection, Table 2 without it.
NUMBERS = {True: "table_1", False: "table_2"}
EQUIVALENT = 0.002  # accuracy: 0.2 points, the region declared in advance
NO_DIFFERENCE = "no difference"


def final_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a repair: initial, final and control accuracy, and what it broke.

    `finished_early` says whether the repair stopped before its last round.
    """
    last = rows.sort_values("round").groupby([*IDENTITY, "method"], sort=False).last().reset_index()
    first = rows[(rows["round"] == 0) & (rows["method"] == "mode")].set_index(IDENTITY)["accuracy"]
    methods = {method: part.set_index(IDENTITY) for method, part in last.groupby("method")}
    limit = rows["round"].max()
    table = pd.DataFrame(
        {
            "initial": first,
            "final": methods["mode"]["accuracy"],
            "control": methods["control"]["accuracy"],
            "finished_early": (methods["mode"]["round"] < limit).astype(int),
            "repaired": methods["mode"]["repaired"],
            "broken": methods["mode"]["broken"],
        }
    )
    return table.reindex(first.index).reset_index()


def publication_table(finals: pd.DataFrame) -> pd.DataFrame:
    """Return a published table again: a row a metric, means over seeds, and its test.

    `final - control` is the mean paired difference with its 95 % interval, tested as
    `stats.compare` does, with Holm's correction over the metrics.
    """
    means = finals.groupby("metric", sort=False)[["initial", "final", "control"]].mean()
    early = finals.groupby("metric", sort=False)["finished_early"].sum()
    seeds = finals.groupby("metric", sort=False)["seed"].nunique()
    table = means.assign(finished_early=early, seeds=seeds)
    tested = against_control(finals).set_index("metric")
    return table.join(tested).reset_index()


def published_against_repeated(finals: pd.DataFrame) -> pd.DataFrame:
    """Return each published number beside its repetition: a row a table, metric and measure.

    `published` is of the publication's one run, `median` of the seeds of the published protocol,
    with its 95 % interval `low` to `high`, `least` and `most` their extent; `early` and
    `published_early` count the runs that finished before their last round. Only MNIST repeats the
    publication. Differences are initial - final and final - control.
    """
    columns = ("initial", "final", "control")
    repeats = (finals["protocol"] == "published") & (finals["data"] == "mnist")
    cells = []
    for selected, published in zip((True, False), stats.published_tables(), strict=True):
        once = published.assign(metric=published["metric"].replace("dot product", "dot"))
        once = once.assign(metric=once["metric"].str.replace(" ", "_")).set_index("metric")
        mine = finals[repeats & (finals["layer_selection"] == selected)]
        for metric, part in mine.groupby("metric", sort=False):
            if metric not in once.index or part["seed"].nunique() < 2:
                continue
            pair = [_with_differences(frame) for frame in (once.loc[[metric]], part)]
            for measure in (*columns, "initial - final", "final - control"):
                values = pair[1][measure].to_numpy()
                stream = seeds.generator(0, "published", NUMBERS[selected], metric, measure)
                low, high, _ = stats.median_interval(values, stream)
                extent = {"least": values.min(), "most": values.max()}
                row = {"table": NUMBERS[selected], "metric": metric, "measure": measure}
                row |= {"published": pair[0][measure].iloc[0], "median": float(np.median(values))}
                row |= {"low": low, "high": high, **extent, "seeds": len(part)}
                row |= {"published_early": int(once.loc[metric, "finished_early"])}
                cells.append(row | {"early": int(part["finished_early"].sum())})
    return pd.DataFrame(cells)


def _with_differences(table: pd.DataFrame) -> pd.DataFrame:
    gains = {"initial - final": table["initial"] - table["final"]}
    return table.assign(**gains, **{"final - control": table["final"] - table["control"]})


def against_control(finals: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison of every metric with its own control, paired by seed."""
    gains = finals.assign(**{"final - control": finals["final"] - finals["control"]})
    if gains["seed"].nunique() < 2:
        untested = {name: float("nan") for name in ("low", "high", "p", "holm p")}
        note = "one seed, no test"
        return gains[["metric", "final - control"]].assign(**untested, significant=False, note=note)
    long = pd.concat(
        [
            gains[["seed", "metric"]].assign(value=gains["final - control"]),
            gains[["seed"]].drop_duplicates().assign(metric=NO_DIFFERENCE, value=0.0),
        ]
    )
    roles = {"value": "value", "method": "metric", "block": "seed", "control": NO_DIFFERENCE}
    compared = stats.compare(long, **roles, margin=EQUIVALENT)
    names = {"method": "metric", "mean difference": "final - control"}
    return compared.rename(columns=names).drop(columns=["control", "n"])


def metrics_differ(finals: pd.DataFrame) -> pd.DataFrame:
    """Return Friedman's test over the metrics, for each protocol and layer selection.

    Holm's correction is over these tests. As published canberra is a second chebyshev, and left
    out.
    """
    cells = []
    for (protocol, selected), part in finals.groupby(["protocol", "layer_selection"], sort=False):
        if protocol == "published":
            part = part[part["metric"] != "canberra"]
        if part["metric"].nunique() > 2 and part["seed"].nunique() > 1:
            test = stats.friedman(part, value="final", method="metric", block="seed")
            cells.append(test.assign(protocol=protocol, layer_selection=selected))
    return with_holm(_identity_first(cells))


def earth_mover_against_dot(finals: pd.DataFrame) -> pd.DataFrame:
    """Return the publication's best metric against its worst, paired by seed."""
    cells = []
    pair = finals[finals["metric"].isin(["dot", "earth_mover"])]
    for (protocol, selected), part in pair.groupby(["protocol", "layer_selection"], sort=False):
        if part["metric"].nunique() < 2 or part["seed"].nunique() < 2:
            continue
        roles = {"value": "final", "method": "metric", "block": "seed", "control": "dot"}
        compared = stats.compare(part, **roles, margin=EQUIVALENT)
        cells.append(compared.assign(protocol=protocol, layer_selection=selected))
    return with_holm(_identity_first(cells))


def layer_selection_matters(finals: pd.DataFrame) -> pd.DataFrame:
    """Return with against without layer selection: of each seed, the mean over the metrics."""
    cells = []
    for protocol, part in finals.groupby("protocol", sort=False):
        methods = part.assign(method=part["layer_selection"].map({True: "with", False: "without"}))
        if methods["method"].nunique() < 2 or part["seed"].nunique() < 2:
            continue
        means = methods.groupby(["seed", "method"], as_index=False)["final"].mean()
        roles = {"value": "final", "method": "method", "block": "seed", "control": "without"}
        cells.append(stats.compare(means, **roles, margin=EQUIVALENT).assign(protocol=protocol))
    return _identity_first(cells)


def layers_chosen(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how often each layer was chosen: the manipulation check of the ablation."""
    made = rows[(rows["method"] == "mode") & (rows["round"] > 0) & rows["layer_selection"]]
    counts = made.groupby(["protocol", "layer"], sort=True).size().rename("rounds").reset_index()
    counts["share"] = counts["rounds"] / counts.groupby("protocol")["rounds"].transform("sum")
    return counts


def accuracy_by_round(rows: pd.DataFrame) -> pd.DataFrame:
    """Return mean test accuracy and worst label's accuracy by round, over metrics and seeds."""
    keys = ["protocol", "layer_selection", "method", "round"]
    values = rows.groupby(keys, sort=False)[["accuracy", "worst accuracy", "repaired", "broken"]]
    return values.mean().reset_index()


def publication_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return every table of the publication's study, by name."""
    finals = final_rows(rows)
    tables = {}
    for (protocol, selected), part in finals.groupby(["protocol", "layer_selection"]):
        tables[f"{NUMBERS[bool(selected)]}_{protocol}"] = publication_table(part)
    return {
        **dict(sorted(tables.items(), key=lambda item: ("published" not in item[0], item[0]))),
        "published_against_repeated": published_against_repeated(finals),
        "metrics_differ": metrics_differ(finals),
        "earth_mover_against_dot": earth_mover_against_dot(finals),
        "layer_selection_matters": layer_selection_matters(finals),
        "layers_chosen": layers_chosen(rows),
        "accuracy_by_round": accuracy_by_round(rows),
        "published_tests": stats.publication_tests(*stats.published_tables()),
    }


def defects_tables(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return what each defect does: `defects`, against the protocol that has all of them, and the
    same for each of the two published tables, of the final accuracy and of its lead."""
    finals = final_rows(rows)
    effects = without_each(finals)
    return {"defects": effects, "finals": protocol_means(finals), **_by_table(effects)}


def _by_table(effects: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return table_1_final, table_1_lead, table_2_final, table_2_lead, a row a defect."""
    if effects.empty:
        return {}
    off = effects["protocol"].str.removeprefix("without ").replace("corrected", "all of them")
    effects = effects.assign(protocol=off).rename(columns={"protocol": "defect"})
    cells = effects.groupby(["layer_selection", "measure"], sort=False)
    short = {"final": "final", "final - control": "lead"}
    return {
        f"{NUMBERS[bool(selected)]}_{short[measure]}": part.reset_index(drop=True)
        for (selected, measure), part in cells
    }


def protocol_means(finals: pd.DataFrame) -> pd.DataFrame:
    """Return the mean accuracies of each protocol and table, over metrics and seeds."""
    keys = ["protocol", "layer_selection"]
    values = finals.groupby(keys, sort=False)[["initial", "final", "control", "finished_early"]]
    return values.mean().reset_index()


def without_each(finals: pd.DataFrame) -> pd.DataFrame:
    """Return each protocol against the published one, paired by seed, metrics averaged.

    `measure` says of what: the final accuracy, or how far it is ahead of the control's.
    """
    gains = finals.assign(**{"final - control": finals["final"] - finals["control"]})
    keys = ["protocol", "layer_selection", "seed"]
    means = gains.groupby(keys, sort=False)[["final", "final - control"]].mean().reset_index()
    cells = []
    for selected, part in means.groupby("layer_selection", sort=False):
        if part["seed"].nunique() < 2 or part["protocol"].nunique() < 2:
            continue
        for measure in ("final", "final - control"):
            roles = {"value": measure, "method": "protocol", "block": "seed"}
            compared = stats.compare(part, **roles, control="published", margin=EQUIVALENT)
            compared = compared.rename(columns={"method": "protocol"})
            cells.append(compared.assign(layer_selection=selected, measure=measure))
    return _identity_first(cells)


def stacked(cells: list[pd.DataFrame]) -> pd.DataFrame:
    """Return tables one below the other; an empty one where there are none."""
    return pd.concat(cells, ignore_index=True) if cells else pd.DataFrame()


def with_holm(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of tests with Holm's correction over its rows, and what is significant."""
    if table.empty:
        return table
    corrected = stats.holm(table["p"])
    return table.assign(**{"holm p": corrected, "significant": stats.significant(corrected)})


def _identity_first(cells: list[pd.DataFrame]) -> pd.DataFrame:
    table = stacked(cells)
    names = [name for name in ("protocol", "layer_selection") if name in table]
    return table[names + [name for name in table if name not in names]]
