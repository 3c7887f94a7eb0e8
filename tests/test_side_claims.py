"""What the texts say of the side questions is what the committed tables say."""

from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
TEXTS = ("results/README.md", "CLAIMS.md")
FOUND, CLAIMS = ((ROOT / name).read_text(encoding="utf-8") for name in TEXTS)
NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def table(study: str, name: str = "against_control") -> pd.DataFrame:
    return pd.read_csv(ROOT / "results" / "tables" / f"{study}-mnist" / f"{name}.csv")


def compared(study: str) -> pd.DataFrame:
    """Return the arms that are compared with the control, negative controls left out."""
    rows = table(study).dropna(subset=["median difference"])
    return rows[~rows["arm"].str.contains("again")]


def points(value: float) -> str:
    return f"{100 * value:+.1f}"


def effect(row: pd.Series) -> str:
    middle, low, high = (points(row[name]) for name in ("median difference", "low", "high"))
    return f"{middle} ({low} to {high})"


def ends(rows: pd.Series) -> str:
    return f"{points(rows.min())} to {points(rows.max())}"


@pytest.mark.parametrize(
    ("study", "arm"),
    [
        *((study, arm) for study in ("budget", "further") for arm in ("recommended", "mode")),
        *((study, "published") for study in ("budget", "further")),
        *(("selectors", arm) for arm in ("near_miss", "least_confidence", "typiclust", "dsa")),
        *(("retraining", f"mistakes, {way}") for way in ("new batch", "scratch", "replay")),
        *(("oracle", arm) for arm in ("oracle", "mistakes")),
    ],
)
def test_effects(study, arm):
    row = compared(study).set_index("arm").loc[arm]
    assert effect(row) in CLAIMS
    if (study, arm) not in {("oracle", "mistakes"), ("selectors", "dsa")}:
        assert f"{points(row['median difference'])}" in FOUND


@pytest.mark.parametrize("arm", ["recommended", "mode", "published"])
def test_further_faults_on_fashion_mnist(arm):
    place = ROOT / "results" / "tables" / "further-fashion_mnist" / "against_control.csv"
    row = pd.read_csv(place).set_index("arm").loc[arm]
    assert effect(row) in CLAIMS
    assert points(row["median difference"]) in FOUND.split("on Fashion-MNIST, ")[-1][:60]


@pytest.mark.parametrize(("study", "arms"), [("metrics", 18), ("maps", 8), ("layers", 12)])
def test_how_many_are_above_or_below_random_inputs(study, arms):
    rows = compared(study)
    significant = rows["holm p"] <= 0.05
    above, below = (rows["low"] > 0) & significant, (rows["high"] < 0) & significant
    assert len(rows) == arms
    assert f"{above.sum()} above, {below.sum()} below" in CLAIMS
    assert ends(rows["median difference"]) in FOUND
    assert above.sum() == 0, "the texts say that none is above"


def test_the_metrics_hardly_differ():
    found = table("metrics", "differ").iloc[0]
    assert f"Kendall's W {found['kendall w']:.2f}" in FOUND
    assert f"W {found['kendall w']:.2f} |" in CLAIMS


def test_the_layer_changes_what_is_chosen():
    overlap = table("layers", "layer_overlap")
    shared = 100 * overlap[overlap["compared"] == "output"]["mean"]
    assert f"shares {shared.min():.0f} to {shared.max():.0f} %" in FOUND
    equal = table("layers", "layer_equivalence")
    assert f"{equal['equivalent'].sum()} of 9 equivalent within 0.2" in CLAIMS
    assert NUMBERS[equal["equivalent"].sum()].capitalize() + " of nine comparisons" in FOUND
    assert f"the mean differences are {ends(equal['mean difference'])}" in FOUND


def test_alpha_by_classes():
    rows = compared("alpha").set_index(["arm", "classes"])
    for selector in ("mode", "margin"):
        for classes in (2, 5, 10):
            row = rows.loc[(f"{selector}, alpha 1.0", classes)]
            assert points(row["median difference"]) in FOUND
            assert effect(row) in CLAIMS


def test_all_side_questions_have_the_seeds_that_are_named():
    studies = ("metrics", "maps", "layers", "retraining", "budget", "alpha", "selectors", "further")
    counts = {
        len({path.name.split("seed=")[1].split(",")[0].removesuffix(".csv") for path in found})
        for study in (*studies, "oracle")
        if (found := list((ROOT / "results" / "runs" / f"{study}-mnist").glob("*.csv")))
    }
    assert counts == {int(FOUND.split("**Side questions** (MNIST, ")[1].split(" seeds")[0])}
