"""The numbers in results/README.md and in CLAIMS.md are those of the committed tables."""

from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "results" / "tables" / "publication"
FOUND = "results/README.md"
BOTH = (FOUND, "CLAIMS.md")
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in (*BOTH, "CONTRIBUTING.md")}


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(TABLES / f"{name}.csv")


def says(number: str, *texts: str) -> None:
    for text in texts:
        assert number in TEXTS[text], (number, text)


def test_differences_from_random_inputs():
    tested = {name: table(f"table_{name}_corrected") for name in (1, 2)}
    low = min(100 * part["final - control"].min() for part in tested.values())
    high = max(100 * part["final - control"].max() for part in tested.values())
    says(f"between {low:.1f} and {high:.1f} points", FOUND)
    for part in tested.values():
        ends = 100 * part["final - control"].min(), 100 * part["final - control"].max()
        says("{:.1f} to {:.1f}".format(*ends), "CLAIMS.md")
        assert (part["holm p"] > 0.05).all(), "the texts say that none is significant"
        assert (part["seeds"] == 15).all()
    says(
        f"smallest Holm p {min(part['holm p'].min() for part in tested.values()):.2f}", "CLAIMS.md"
    )


def test_the_one_significant_comparison_as_published():
    rows = pd.concat([table("table_1_published"), table("table_2_published")])
    found = rows[rows["holm p"] <= 0.05]
    assert found["metric"].tolist() == ["bray_curtis"]
    says(f"by {100 * found['final - control'].iloc[0]:.1f} points", FOUND)
    says(f"Holm p = {found['holm p'].iloc[0]:.3f}", FOUND)


def test_metrics_do_not_differ():
    p, w = table("metrics_differ")["p"], table("metrics_differ")["kendall w"]
    says(f"p from {p.min():.2f} to {p.max():.2f}, Kendall's W at most {w.max():.2f}", FOUND)
    for value in p:
        says(f"{value:.2f}", "CLAIMS.md")


def test_layer_selection():
    rows = table("layer_selection_matters").set_index("protocol")
    row = 100 * rows.loc["corrected", ["median difference", "low", "high"]].astype(float)
    says(f"gains {row.iloc[0]:.1f} points (median, 95 % interval", FOUND)
    says(f"{row['low']:.1f} to {row['high']:.1f}", *BOTH)
    assert not rows["equivalent"].any()
    says(f"p = {rows.loc['published', 'p']:.3f}", "CLAIMS.md")
    shares = table("layers_chosen").set_index(["protocol", "layer"])["share"]
    for layer in ("hidden_1", "hidden_2", "output"):
        says(f"{100 * shares['corrected', layer]:.0f} %", *BOTH)
    assert shares["published", "output"] == 1


@pytest.mark.parametrize("protocol", ["published", "corrected"])
def test_accuracies_before_and_after(protocol):
    rows = table("accuracy_by_round")
    rows = rows[rows["protocol"] == protocol]
    repaired = rows[rows["arm"] == "mode"]
    for value in repaired.loc[repaired["round"].isin([0, 5]), "accuracy"].unique():
        says(f"{100 * value:.1f}", FOUND)


def test_the_published_tests():
    row = table("published_tests").set_index("question")
    says(f"p = {row['p'].iloc[0]:.4f}", *BOTH)
    says(f"p = {row['p'].iloc[1]:.4f}", *BOTH)
    says(f"{row['difference'].iloc[2]:.2f} points", *BOTH)
    says(f"p = {row['p'].iloc[2]:.3f}", *BOTH)


def test_claims_of_the_diagnosis():
    place = ROOT / "results" / "tables" / "diagnosis_summary.csv"
    sets = pd.read_csv(place).set_index("set").astype(object)
    every, first = sets.loc["all"], sets.loc["unseen (first run)"]
    told = f"{every['found']} of {every['faulty']}; in the first run of a set that the rules"
    says(f"{told} had not seen {first['found']} of {first['faulty']} |", "CLAIMS.md")
    fixes = f"{first['right first fix']} of {first['faulty']}"
    says(f"{every['right first fix']} of {every['faulty']}; first run {fixes} |", "CLAIMS.md")
    flagged = f"{first['healthy flagged']} of {first['healthy']}"
    says(
        f"{every['healthy flagged']} of {every['healthy']} flagged; first run {flagged} |",
        "CLAIMS.md",
    )
    says(f"{every['repaired']} of {every['repairs tried']}, drawn by seed |", "CLAIMS.md")
    says(f"{every['fixed forms at their goal']} of {every['fixed forms']} |", "CLAIMS.md")


def test_what_watching_costs():
    measured = pd.read_csv(ROOT / "results" / "benchmarks.csv").set_index("case")
    rows = measured[measured.index.str.startswith("watching")]
    more = rows["ours_seconds"] / rows["peer_seconds"] - 1
    told = "LeNet-5 {:+.1%}, small ResNet {:+.1%}, tiniest network {:+.1%}, its whole fits {:+.1%}"
    says(f"{told.format(*more).replace('%', ' %')} | yes, on a", "CLAIMS.md")
    assert (rows["holds"] == "yes").all(), "the claims say: yes"


def test_watched_random_models():
    place = ROOT / "results" / "runs" / "diagnosis" / "fuzz.csv"
    rows = pd.read_csv(place, keep_default_na=False)
    assert (rows["difference"] == "").all(), "the claims say: none"
    raised, told = (rows["raised"] != "").sum(), (rows["told"] == "yes").sum()
    says(f"{len(rows):,} random models: none differs; {raised} end", "CLAIMS.md")
    says(f"with an exception, {told} of them with findings", "CLAIMS.md")


def test_what_is_said_of_diagnosis_and_feature_visualization():
    tables = ROOT / "results" / "tables"
    sets = pd.read_csv(tables / "diagnosis_summary.csv").set_index("set").astype(object)
    every = sets.loc["all"]
    found, fixes = every["found"], every["right first fix"]
    says(f"of {every['faulty']} faulty training programs {found} are found, {fixes}", FOUND)
    assert every["healthy flagged"] == 0, "the text says none"
    says(f"none of {every['healthy']} healthy ones", FOUND)
    held = sets.loc["heldout"]
    says(f"of {held['faulty']} faulty programs held out from the rules", FOUND)
    first = sets.loc["unseen (first run)"]
    says(f"set of {first['faulty']}, in its first run, {first['found']} were found", FOUND)
    says(f"{first['right first fix']} with the right first fix", FOUND)
    assert (first["healthy flagged"], first["healthy"]) == (1, 13)
    says(f"Of {every['repairs tried']} faulty programs", FOUND)
    says(f"brings {every['repaired']} to their goals", FOUND)
    repairs = pd.read_csv(ROOT / "results" / "runs" / "diagnosis" / "repair.csv")
    (short,) = repairs[~repairs["reached"]].to_dict("records")
    asked = f"{100 * short['goal']:.1f} % where {100 * short['threshold']:.0f} % are asked"
    says(f"stops early, which gives {asked}", FOUND)
    assert every["fixed forms"] == every["fixed forms at their goal"]
    says(f"each of the {every['fixed forms']} programs", FOUND)
    assert every["fixed forms flagged"] == 0, "the text says none"
    targets = pd.read_csv(tables / "featurevis_targets.csv").set_index("target")
    gap = targets.loc["Spearman with the gap"]
    error = targets.loc["mean absolute error of the test error, points"]
    says(f"Spearman {gap['reached']:.2f}", FOUND)
    says(f"within {error['reached']:.1f} points", FOUND)
    says(f"{gap['reached_unseen']:.2f}, {error['reached_unseen']:.1f} points", FOUND)
    claims = pd.read_csv(tables / "featurevis_claims.csv").set_index("claim")["value"]
    says(f"AUROC {claims['(a) over-fitted: restarts converge']:.2f}", FOUND)


DATA = ("mnist", "fashion_mnist")
SELECTION = {data: ROOT / "results" / "tables" / f"selection-{data}" for data in DATA}


def effect(row: pd.Series) -> tuple[str, str]:
    """Return a median difference in points, alone and with its interval, as the texts write it."""
    middle, low, high = (100 * row[name] for name in ("median difference", "low", "high"))
    return f"{middle:+.1f}", f"({low:+.1f} to {high:+.1f})"


def arms(data: str) -> pd.DataFrame:
    return pd.read_csv(SELECTION[data] / "against_control.csv").set_index("arm")


@pytest.mark.parametrize("arm", ["mode", "published", "mistakes", "recommended"])
def test_which_inputs_repair(arm):
    mnist, fashion = (arms(data).loc[arm] for data in DATA)
    (middle, interval), (other, around) = effect(mnist), effect(fashion)
    says(f"{middle} points {interval}, {other} {around} on Fashion-MNIST", FOUND)
    says(f"{middle} {interval}, Holm p < 0.001; {other} {around}, p", "CLAIMS.md")
    assert max(mnist["holm p"], fashion["holm p"]) < 0.05
    worse = arm in ("mode", "published")
    for row in (mnist, fashion):
        assert row["high"] < 0.001 if worse else row["low"] > 0


@pytest.mark.parametrize("arm", ["margin", "entropy", "badge", "misclassified", "mdsa", "core_set"])
def test_other_selectors(arm):
    middles = [effect(arms(data).loc[arm])[0] for data in DATA]
    says(f"({middles[0]} / {middles[1]})", FOUND)


@pytest.mark.parametrize("data", DATA)
def test_how_the_comparison_was_made(data):
    seeds = pd.read_csv(SELECTION[data] / "power.csv")["seeds"].iloc[0]
    says(f"{seeds} seeds", *BOTH)
    assert (pd.read_csv(SELECTION[data] / "power.csv")["seeds"] == seeds).all()
    says(f"{arms(data).loc['mode', 'broken']:.0f}", "CLAIMS.md")


@pytest.mark.parametrize("data", DATA)
def test_the_recommended_repair(data):
    rows = pd.read_csv(SELECTION[data] / "against_recommended.csv")
    rows = rows[rows["scenario"] != "no_room"]
    behind = -100 * rows[rows["arm"] == "published"]["median difference"]
    says(f"{behind.min():.1f} to {behind.max():.1f}", *BOTH)
    others = rows[rows["arm"] != "recommended"].groupby("scenario")["median difference"].max()
    assert (others < 0).all(), "the texts say that it is above every arm under every fault"
    says(f"{-100 * others.max():.1f}", FOUND)
    needed = pd.read_csv(SELECTION[data] / "inputs_needed.csv")
    needed = needed[(needed["arm"] == "recommended") & (needed["scenario"] != "no_room")]["share"]
    says(f"{100 * needed.min():.0f} to {100 * needed.max():.0f} %", *BOTH)
    says(f"{(needed <= 1 / 3).sum()} of {len(needed)}", "CLAIMS.md")
    harm = pd.read_csv(SELECTION[data] / "harm_without_room.csv").set_index("arm")
    middle, interval = effect(harm.loc["recommended"])
    says(middle, FOUND)
    says(f"{middle} {interval}", "CLAIMS.md")


def test_choosing_from_ten_million_inputs():
    measured = pd.read_csv(ROOT / "results" / "benchmarks.csv")
    rows = measured[(measured["benchmark"] == "pools") & measured["case"].str.contains("10000000")]
    cheap = rows[rows["target"] == "at least 0.5x"]
    assert len(cheap) == 4
    assert (cheap["ratio"] >= 0.5).all()
    ends = 100 * cheap["ratio"].min(), 100 * cheap["ratio"].max()
    says("at {:.0f} to {:.0f} % of the speed of reading".format(*ends), "CONTRIBUTING.md")
    euclidean = cheap[cheap["case"].str.contains("euclidean")]["ours_seconds"].iloc[0]
    says(f"({euclidean:.1f} s for ten million", "CONTRIBUTING.md")
    says(f"{1e-6 * 2**30 * cheap['peak_memory'].max():.0f} MB of memory", "CONTRIBUTING.md")
    margin = rows[rows["case"].str.contains("margin")].iloc[0]
    says(f"784-28-28-10 network {margin['ours_seconds']:.0f} s", "CONTRIBUTING.md")
    workers = rows[rows["case"].str.contains("2 workers")].iloc[0]
    says(f"brings {workers['ratio']:.2f} times", "CONTRIBUTING.md")


def defect_effects(number: int, measure: str) -> pd.DataFrame:
    place = ROOT / "results" / "tables" / "defects" / f"table_{number}_{measure}.csv"
    return pd.read_csv(place).set_index("defect")


@pytest.mark.parametrize(
    ("defect", "measure"), [("no_replay", "final"), ("extra_control_batch", "lead")]
)
def test_what_each_defect_did(defect, measure):
    rows = [defect_effects(n, measure).loc[defect] for n in (1, 2)]
    one, two = map(effect, rows)
    says(f"{one[0]} and {two[0]} points", FOUND)
    says("p = {:.3f} and {:.3f})".format(*(row["holm p"] for row in rows)), FOUND)
    says(f"{' '.join(one)} with layer selection, {' '.join(two)} without", "CLAIMS.md")
    assert all(row["significant"] for row in rows), "the claims say: yes"


def test_the_other_defects_do_little():
    finals = pd.concat([defect_effects(n, "final") for n in (1, 2)])
    others = finals.drop(index=["no_replay", "all of them"])
    most = others["median difference"].abs().max()
    says(f"by more than {100 * most:.1f}, none significantly", FOUND)
    assert not others["significant"].any()
    cells = [defect_effects(n, measure) for n in (1, 2) for measure in ("final", "lead")]
    idle = [d for d in cells[0].index if all((c.loc[d, ["low", "high"]] == 0).all() for c in cells)]
    says(f"{len(idle)} of the twelve change no number", FOUND)


@pytest.mark.parametrize("data", ["mnist", "fashion_mnist"])
def test_head_to_head(data):
    table = pd.read_csv(ROOT / "results" / "tables" / "head_to_head.csv")
    rows = table[table["data"] == data].set_index("way")
    ours, plain = rows.loc["this project"], rows.loc["plain fine-tuning"]
    better = f"{100 * ours['before']:.1f} % becomes {100 * ours['after']:.2f} %"
    share = f"{100 * ours['repaired share']:.0f} % of the failures repaired"
    says(f"{better}, {share} and {ours['broken']:.0f} right inputs broken", FOUND)
    also = f"{100 * plain['repaired share']:.0f} %, {plain['broken']:.0f} broken"
    says(f"fine-tuning: {100 * plain['after']:.2f} %, {also}", FOUND)


def test_claims_of_the_head_to_head():
    table = pd.read_csv(ROOT / "results" / "tables" / "head_to_head.csv")
    ours = table[table["way"] == "this project"].set_index("data")
    plain = table[table["way"] == "plain fine-tuning"].set_index("data")
    mnist, fashion = ours.loc["mnist"], ours.loc["fashion_mnist"]
    says(f"{100 * mnist['after']:.2f} % (from {100 * mnist['before']:.2f} %) | yes", "CLAIMS.md")
    broken = f"{mnist['broken']:.0f} (plain fine-tuning: {plain.loc['mnist', 'broken']:.0f}) | yes"
    says(broken, "CLAIMS.md")
    says(f"{mnist['took']:.0f} s on two cores | yes", "CLAIMS.md")
    reached = [mnist["after"] >= 0.991, mnist["repaired share"] >= 0.75, mnist["broken"] <= 20]
    assert all([*reached, mnist["took"] <= 60])
    other = plain.loc["fashion_mnist"]
    says(f"{100 * fashion['after']:.2f} % against {100 * other['after']:.2f} %", "CLAIMS.md")
    says(f"{fashion['broken']:.0f} against {other['broken']:.0f} broken", "CLAIMS.md")
