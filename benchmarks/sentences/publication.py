"""The published experiment repeated, its defects one by one, and the publication's own tests."""

import pandas as pd

from benchmarks.sentences.tables import (
    HOLDS,
    OPEN,
    Results,
    confirm,
    directions,
    only,
    verdict_of_any,
)
from mode.figures.names import method_words
from mode.stats import significant
from mode.studies.tables import EQUIVALENT

BOTH = ("corrected", "published")
STUDIES = {"own": "publication-mnist", "fashion": "publication-fashion_mnist"}
STUDIES |= {"digits": "publication"}
LAYERS = ("hidden_1", "hidden_2", "output")


def values(results: Results) -> dict:
    """Return the numbers of the templates in publication.md."""
    parts = _repeated, _differ, _layers, _defects, _tests, _own_size, _fashion
    return {name: value for part in parts for name, value in part(results).items()}


def _own_size(results: Results) -> dict:
    """The published protocol on MNIST, with the published split."""
    table = results.table("publication-mnist/published_against_repeated")
    finals = table[table["measure"] == "final"]
    inside = finals["published"].between(finals["low"], finals["high"])
    among = finals["published"].between(finals["least"], finals["most"])
    compared = {protocol: _compared(results, "publication-mnist", protocol) for protocol in BOTH}
    layer = _layer_selection(results, "publication-mnist")
    confirm(all(layer[p]["equivalent"] for p in BOTH), "with and without layers are equivalent")
    pairs = results.table("publication-mnist/earth_mover_against_dot")
    confirm(verdict_of_any(pairs, margin=EQUIVALENT) != HOLDS, "the earth mover beats no dot")
    return {
        "own_seeds": only(table["seeds"]),
        "own_rows": len(finals),
        "own_inside": int(inside.sum()),
        "own_among": int(among.sum()),
        "own_early": int(finals["early"].sum()),
        "own_runs": int(finals["seeds"].sum()),
        "once_early": int(finals["published_early"].sum()),
        "own": {p: _best(rows) for p, rows in compared.items()},
        "own_layer": layer,
        "own_pairs": _by_table(pairs),
        "own_pairs_verdict": verdict_of_any(pairs, margin=EQUIVALENT),
    }


def _fashion(results: Results) -> dict:
    """Both protocols on Fashion-MNIST, which the publication did not use."""
    study = "publication-fashion_mnist"
    compared = {protocol: _compared(results, study, protocol) for protocol in BOTH}
    layer = _layer_selection(results, study)
    alike = all(layer[protocol]["equivalent"] for protocol in BOTH)
    return {
        "fashion": {protocol: _best(rows) for protocol, rows in compared.items()},
        "fashion_rows": len(compared["published"]),
        "fashion_layer": layer,
        "fashion_layer_verdict": HOLDS if alike else OPEN,
        "fashion_seeds": only(pd.concat(compared.values())["seeds"]),
    }


def _compared(results: Results, study: str, protocol: str) -> pd.DataFrame:
    """Return the rows of both tables: each metric against its control."""
    tables = [results.table(f"{study}/table_{n}_{protocol}") for n in (1, 2)]
    return pd.concat(tables).rename(columns={"final - control": "mean difference"})


def _best(rows: pd.DataFrame) -> dict:
    best = rows.sort_values("mean difference").iloc[-1].to_dict()
    shown = verdict_of_any(rows, margin=EQUIVALENT)
    return {
        **best,
        **directions(rows),
        "differences": rows["mean difference"],
        "name": method_words(best["metric"]),
        "verdict": shown,
    }


def _by_table(table: pd.DataFrame) -> dict[str, dict]:
    return {_name(row): row for row in table.to_dict("records")}


def _layer_selection(results: Results, study: str) -> dict[str, dict]:
    """Return by protocol what layer selection changes, and what its interval shows."""
    rows = results.by("protocol", f"{study}/layer_selection_matters")
    for row in rows.values():
        direction = "better" if row["mean difference"] > 0 else "worse"
        row["shown"] = direction if row["significant"] else "not shown"
        if row["equivalent"]:
            row["shown"] = "equivalent"
    return rows


def _differ(results: Results) -> dict:
    """Return by study in which tables the metrics differ."""
    return {"differ": {key: _differing(results, study) for key, study in STUDIES.items()}}


def _differing(results: Results, study: str) -> str:
    table = results.table(f"{study}/metrics_differ").sort_values("layer_selection", ascending=False)
    names = [_name(row) for row in table[table["significant"]].to_dict("records")]
    return ", ".join(names) or "not shown"


def _name(row: dict) -> str:
    return f"Table {1 if row['layer_selection'] else 2} {row['protocol']}"


def _repeated(results: Results) -> dict:
    """Table 1 is with layer selection, Table 2 without."""
    corrected = _compared(results, "publication", "corrected")
    confirm(
        not significant(corrected["holm p"]).any(), "without defects no metric beats its control"
    )
    published = _compared(results, "publication", "published")
    differing = published[significant(published["holm p"])]
    confirm(differing["metric"].tolist() == ["bray_curtis"], "Bray-Curtis alone is significant")
    return {
        "seeds": only(corrected["seeds"]),
        "digits": {"corrected": _best(corrected), "published": _best(published)},
        "comparisons": len(published),
        "bray_curtis": differing.iloc[0].to_dict(),
        "accuracy": _accuracies(results.table("publication/accuracy_by_round")),
    }


def _accuracies(table: pd.DataFrame) -> dict[str, dict]:
    """Return by protocol the accuracy with layer selection, before and after the last round."""
    last, numbers = table["round"].max(), {}
    for protocol, rows in table[table["layer_selection"]].groupby("protocol"):
        accuracy = rows.set_index(["method", "round"])["accuracy"]
        numbers[protocol] = {
            "before": accuracy["mode", 0],
            "mode": accuracy["mode", last],
            "control": accuracy["control", last],
        }
    return numbers


def _layers(results: Results) -> dict:
    rows = _layer_selection(results, "publication")
    corrected, published = rows["corrected"], rows["published"]
    undecided = not corrected["significant"] and not corrected["equivalent"]
    confirm(undecided, "layer selection is undecided")
    worse = published["significant"] and published["mean difference"] < 0
    confirm(worse, "layer selection as published is somewhat worse")
    table = results.table("publication/layers_chosen").set_index(["protocol", "layer"])
    confirm(table["share"]["published", "output"] == 1, "as published it is always the output")
    return {
        "layer": rows,
        "share": {layer: table["share"]["corrected", layer] for layer in LAYERS},
        "rounds": table["rounds"]["corrected"].sum(),
        "first_rounds": table["rounds"]["corrected", LAYERS[0]],
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
        "largest_other": 100 * others["mean difference"].abs().max(),
        "switches": len(switches),
        "idle": len(idle),
    }


def _tests(results: Results) -> dict:
    metrics, layer, control = results.table("publication/published_tests").to_dict("records")
    worse = significant(control["p"]) and control["difference"] < 0
    confirm(worse, "the publication's MODE is slightly worse than random")
    return {"metrics_test": metrics, "layer_test": layer, "control_test": control}
