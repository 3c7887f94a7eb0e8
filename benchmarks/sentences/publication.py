"""The published experiment repeated, its defects one by one, and the publication's own tests."""

import pandas as pd

from benchmarks.sentences.tables import SIGNIFICANT, Results, confirm, directions, markdown, only

LAYERS = ("hidden_1", "hidden_2", "output")


def values(results: Results) -> dict:
    """Return the numbers of the templates in publication.md."""
    parts = _repeated, _layers, _defects, _tests, _own_size
    return {name: value for part in parts for name, value in part(results).items()}


def _own_size(results: Results) -> dict:
    """The published protocol on MNIST, with the published split."""
    table = results.table("publication-mnist/published_against_repeated")
    finals = table[table["measure"] == "final"]
    inside = finals["published"].between(finals["low"], finals["high"])
    repeated = [results.table(f"publication-mnist/table_{n}_published") for n in (1, 2)]
    tested = pd.concat(repeated).rename(columns={"final - control": "median difference"})
    return {
        "own_seeds": only(table["seeds"]),
        "own_table": _beside(table),
        "own_rows": len(finals),
        "own_inside": int(inside.sum()),
        "own_directions": directions(tested),
        "own_differences": tested["median difference"],
        "own_early": int(finals["early"].sum()),
        "own_runs": int(finals["seeds"].sum()),
        "once_early": int(finals["published_early"].sum()),
    }


def _beside(table: pd.DataFrame) -> str:
    """Initial, final and control, in %: the publication's one run, then our median (interval)."""
    lines = []
    for (number, metric), rows in table.groupby(["table", "metric"], sort=False):
        line = [number[-1], metric.replace("_", " ")]
        for row in rows.set_index("measure").loc[["initial", "final", "control"]].itertuples():
            numbers = (100 * value for value in (row.published, row.median, row.low, row.high))
            line.append("{:.1f} / {:.1f} ({:.1f} to {:.1f})".format(*numbers))
        early = rows.iloc[0]
        lines.append([*line, f"{early['published_early']} / {early['early']} of {early['seeds']}"])
    return markdown(("Table", "metric", "initial", "final", "control", "finished early"), lines)


def _repeated(results: Results) -> dict:
    """Table 1 is with layer selection, Table 2 without."""
    corrected = [results.table(f"publication/table_{n}_corrected") for n in (1, 2)]
    both = pd.concat(corrected)
    confirm((both["holm p"] > SIGNIFICANT).all(), "without defects no metric beats its control")
    published = pd.concat([results.table(f"publication/table_{n}_published") for n in (1, 2)])
    significant = published[published["holm p"] <= SIGNIFICANT]
    confirm(significant["metric"].tolist() == ["bray_curtis"], "Bray-Curtis alone is significant")
    friedman = results.table("publication/metrics_differ")
    confirm((friedman["p"] > SIGNIFICANT).all(), "no difference between the metrics is shown")
    p = friedman.set_index(["protocol", "layer_selection"])["p"]
    return {
        "seeds": only(both["seeds"]),
        "with_selection": corrected[0]["final - control"],
        "without_selection": corrected[1]["final - control"],
        "differences": both["final - control"],
        "smallest_p": both["holm p"].min(),
        "comparisons": len(published),
        "bray_curtis": significant.iloc[0].to_dict(),
        "friedman": {
            protocol: {"with": p[protocol, True], "without": p[protocol, False]}
            for protocol in ("corrected", "published")
        },
        "friedman_low": friedman["p"].min(),
        "friedman_high": friedman["p"].max(),
        "largest_w": friedman["kendall w"].max(),
        "accuracies": _accuracies(results.table("publication/accuracy_by_round")),
    }


def _accuracies(table: pd.DataFrame) -> str:
    last, lines = table["round"].max(), []
    for (protocol, selects), rows in table.groupby(["protocol", "layer_selection"]):
        accuracy = rows.set_index(["method", "round"])["accuracy"]
        shares = (accuracy["mode", 0], accuracy["mode", last], accuracy["control", last])
        name = f"{protocol}, {'with' if selects else 'without'} layer selection"
        lines.append([name, *(f"{100 * share:.1f}" for share in shares)])
    return markdown(("protocol", "before", "MODE", "random inputs"), lines)


def _layers(results: Results) -> dict:
    rows = results.by("protocol", "publication/layer_selection_matters")
    corrected, published = rows["corrected"], rows["published"]
    undecided = not corrected["significant"] and not corrected["equivalent"]
    confirm(undecided, "layer selection is undecided")
    worse = published["significant"] and published["median difference"] < 0
    confirm(worse, "layer selection as published is somewhat worse")
    table = results.table("publication/layers_chosen").set_index(["protocol", "layer"])
    confirm(table["share"]["published", "output"] == 1, "as published it is always the output")
    return {
        "layer": rows,
        "share": {layer: table["share"]["corrected", layer] for layer in LAYERS},
        "rounds": table["rounds"]["corrected"].sum(),
    }


def _defects(results: Results) -> dict:
    tables = {
        measure: [results.table(f"defects/table_{n}_{measure}").set_index("defect") for n in (1, 2)]
        for measure in ("final", "lead")
    }
    replay = [table.loc["no_replay"].to_dict() for table in tables["final"]]
    batch = [table.loc["extra_control_batch"].to_dict() for table in tables["lead"]]
    confirm(all(row["significant"] for row in (*replay, *batch)), "both defects matter")
    others = pd.concat(tables["final"]).drop(index=["no_replay", "all of them"])
    confirm(sum(directions(others).values()) == 0, "no other defect moves the final accuracy")
    cells = [*tables["final"], *tables["lead"]]
    switches = cells[0].index.drop("all of them")
    idle = [s for s in switches if all((c.loc[s, ["low", "high"]] == 0).all() for c in cells)]
    return {
        "replay": replay,
        "batch": batch,
        "defect_seeds": only(pd.concat(cells)["n"]),
        "largest_other": 100 * others["median difference"].abs().max(),
        "switches": len(switches),
        "idle": len(idle),
        "idle_names": ", ".join(f"`{switch}`" for switch in idle),
    }


def _tests(results: Results) -> dict:
    metrics, layer, control = results.table("publication/published_tests").to_dict("records")
    worse = control["p"] < SIGNIFICANT and control["difference"] < 0
    confirm(worse, "the publication's MODE is slightly worse than random")
    return {"metrics_test": metrics, "layer_test": layer, "control_test": control}
