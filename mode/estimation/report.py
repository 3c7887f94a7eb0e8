"""The report of one estimate: an HTML page, and JSON."""

import json
import math
from html import escape
from typing import Any

from mode.estimation.conclusion import Estimate

STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em;color:#222}"
    "td,th{padding:2px 10px;text-align:right}td:first-child,th:first-child{text-align:left}"
    ".track{position:relative;height:1.6em;background:#eee;margin:1em 0}"
    ".range{position:absolute;top:0;bottom:0;background:#7aa6c2}"
    ".mark{position:absolute;top:-4px;bottom:-4px;width:3px;background:#123}"
    ".labeled{position:absolute;top:-4px;bottom:-4px;width:0;border-left:3px dotted #a33}"
)
VERSION = 1  # goes up when a key of the JSON changes its meaning or goes


def to_json(guess: Estimate) -> str:
    """Return an estimate as one JSON object; numbers that are not finite are null."""
    return json.dumps(_finite({"version": VERSION, **guess.to_dict()}), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def report_page(guess: Estimate, name: str) -> str:
    """Return the whole report as HTML; it holds no script and loads nothing."""
    title = f"{escape(name)}: how good is it on inputs without labels?"
    methods = [
        (f"{method} (the answer)" if method == guess.method else method, _percent(value))
        for method, value in guess.estimates.items()
    ]
    rows = [
        (row["class"], f"{row['inputs']:,}", _percent(row["accuracy"]),
         _percent(row["labeled_accuracy"]), _percent(row["share"]), _percent(row["labeled_share"]))
        for row in guess.by_class.to_dict("records")
    ]  # fmt: skip
    head = (
        "predicted class", "inputs", "estimated accuracy", "on the labeled set",
        "estimated share of the class", "share in the labeled set",
    )  # fmt: skip
    return "".join(
        [
            "<!doctype html><html lang=en><meta charset=utf-8>",
            f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>",
            guess._repr_html_(),
            _track(guess),
            "<h2>By predicted class</h2>",
            _table(head, rows),
            "<h2>What each method says</h2>",
            _table(("method", "estimated accuracy"), methods),
            "<h2>Distance between the two sets</h2>",
            _table(("measure", "0: none"), [(k, f"{v:.3f}") for k, v in guess.shift.items()]),
        ]
    )


def _track(guess: Estimate) -> str:
    low, high = (100 * end for end in guess.interval)
    return (
        "<p>From 0 to 100 %: the interval of 90 % with the estimate, and, dotted, the accuracy on "
        "the labeled set.</p>"
        f'<div class=track><div class=range style="left:{low:.2f}%;width:{high - low:.2f}%"></div>'
        f'<div class=mark style="left:{100 * guess.accuracy:.2f}%"></div>'
        f'<div class=labeled style="left:{100 * guess.labeled_accuracy:.2f}%"></div></div>'
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else ""


def _table(head: tuple[str, ...], rows: list[tuple]) -> str:
    titles = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    return f"<table><tr>{titles}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
