"""The default repair beside plain training, and LeNet-5 beside published repairs."""

import pandas as pd

from benchmarks.sentences.formats import part, size, word
from benchmarks.sentences.tables import HOLDS, NOT, OPEN, Results, markdown, only, verdict
from mode import stats
from mode.stats.comparison import paired_t_test

LENET = "LeNet-5, digits, short training"
WRONG_LABELS = "CNN, clothing, wrong labels in the pool"
CLEAN_POOL = "repair, clean pool"
# The user of this classifier has less data; it is not counted as one more classifier.
TRAIN_ONLY = "CNN, digits, missing class, only x_train given"
RIVALS = ["fine-tuning", "from scratch"]
CLOSE = 0.003
PAIR = {"value": "after", "method": "way", "block": "seed"}
# Goal and direction; then scale and digits.
TARGETS = {"after": (0.992, 1), "repaired share": (0.75, 1), "broken": (20, -1), "took": (60, -1)}
SCALES = {"after": (100, 2), "repaired share": (100, 1), "broken": (1, 0), "took": (1, 0)}
NAMES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}


def values(results: Results) -> dict:
    """Return the numbers of the templates in repair.md."""
    return {**_default_repair(results), **_head_to_head(results)}


def _default_repair(results: Results) -> dict:
    from benchmarks.default_repair import CASES, shown  # imports Keras

    table = results.table("default_repair")
    counted = table[table["classifier"] != TRAIN_ONLY].set_index("classifier")
    best_rival = counted[RIVALS].max(axis=1)
    close = counted["repair"] >= best_rival - CLOSE
    losses = [
        f"{name} ({100 * counted['repair'][name]:.1f} against {100 * best_rival[name]:.1f} %)"
        for name in counted.index[~close]
    ]
    more_broken = counted["broken by repair"] > counted["broken by fine-tuning"]
    more_on = [f'"{name}"' for name in counted.index[more_broken]]
    unmeasured = [name for name in CASES if name not in set(table["classifier"])]
    seeds = sorted(set(table["seeds"]))
    return {
        "table": shown(table),
        "seeds": "results of one seed"
        if seeds == [1]
        else f"medians of {word(seeds[0])} to {word(seeds[-1])} seeds",
        "classifiers": len(counted),
        "close_part": part(int(close.sum()), len(counted)),
        "default_verdict": HOLDS if close.all() else NOT,
        "margin": CLOSE,
        "cautious": int((counted["broken by repair"] < counted["broken by fine-tuning"]).sum()),
        "not_on": f"; not on {'; '.join(losses)}" if losses else "",
        "answer": f"Not always: it is more than {size(CLOSE)} points behind on "
        f"{word(len(losses))} of {word(len(counted))} classifiers"
        if losses
        else f"At most {size(CLOSE)} points behind on all {word(len(counted))} classifiers; "
        f"on {word(int(more_broken.sum()))} it breaks more inputs",
        "more_broken": f"more on {', '.join(more_on)}" if more_on else "more on none",
        "lenet_seeds": "one seed"
        if counted["seeds"][LENET] == 1
        else f"median of {counted['seeds'][LENET]} seeds",
        "lenet": counted.loc[LENET].to_dict(),
        "wrong_labels": counted.loc[WRONG_LABELS].to_dict(),
        "clean_pool": counted.loc[WRONG_LABELS, CLEAN_POOL],
        "unmeasured": f" Not measured with this default: {'; '.join(unmeasured)}."
        if unmeasured
        else "",
    }


def _head_to_head(results: Results) -> dict:
    from benchmarks.head_to_head import DEFAULT, PLAIN, RIVAL  # imports Keras

    table = results.table("head_to_head")
    measured = table[table["seeds"].notna()]
    ways = {DEFAULT: "ours", PLAIN: "plain", RIVAL: "rival"}
    rows = {
        name: {
            ways[way]: row
            for way, row in cell.set_index("way").astype(object).to_dict("index").items()
        }
        for name, cell in measured.groupby("data")
    }
    repaired = results.rows("head_to_head")
    ours = repaired[repaired["way"] == DEFAULT]
    means = {
        name: {column: paired_t_test(cell[column].to_numpy()) for column in TARGETS}
        for name, cell in ours.groupby("data")
    }
    pairs = {
        name: {
            ways[rival]: stats.compare(cell, **PAIR, control=rival)
            .set_index("method")
            .loc[DEFAULT]
            .to_dict()
            for rival in (PLAIN, RIVAL)
        }
        for name, cell in repaired.groupby("data")
    }
    return {
        "head": rows,
        "head_mean": {
            name: {column: _interval(row, column) for column, row in columns.items()}
            for name, columns in means.items()
        },
        "head_pair": pairs,
        "head_verdict": {
            **{column: _reached(means["mnist"][column], *TARGETS[column]) for column in TARGETS},
            **{rival: verdict([pairs["mnist"][rival]]) for rival in ("plain", "rival")},
        },
        "head_seeds": int(only(measured["seeds"])),
        "head_table": _head_table(table),
    }


def _reached(row: dict, goal: float, sign: int) -> str:
    """Return whether a mean is shown to reach a goal: at least (sign 1) or at most (-1)."""
    ends = sorted(sign * (row[end] - goal) for end in ("low", "high"))
    return HOLDS if ends[0] >= 0 else NOT if ends[1] < 0 else OPEN


def _interval(row: dict, column: str) -> str:
    scale, digits = SCALES[column]
    numbers = (scale * row[name] for name in ("mean difference", "low", "high"))
    return "{:.{d}f} ({:.{d}f} to {:.{d}f})".format(*numbers, d=digits)


def _head_table(table: pd.DataFrame) -> str:
    """Return a line per repair; repairs of which only one number is published share a line."""
    header = [f"repair, {NAMES[only(table['data'])]}", "before, %", "after, %"]
    header += ["failures repaired, %", "test inputs broken, %", "turned by attack, %", "time"]
    full = table[table["after"].notna()]
    lines = [
        [
            row["way"],
            _number(100 * row["before"], 2),
            _number(100 * row["after"], 2),
            _number(100 * row["repaired share"], 1),
            _number(100 * row["broken share"], 2),
            _number(100 * row["attack success"], 1),
            _time(row["took"]),
        ]
        for _, row in full.iterrows()
    ]
    rest = table[table["after"].isna()]
    names = ", ".join(rest["way"].str.removesuffix(" (published)"))
    shares = ", ".join(_number(100 * share, 1) for share in rest["repaired share"])
    return markdown(header, [*lines, [f"{names} (published)", "", "", shares, "", "", ""]])


def _number(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"


def _time(seconds: float) -> str:
    if pd.isna(seconds):
        return ""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{seconds:.0f} s"
