"""Every figure of the registry on small arrays, and what all figures promise."""

import copy
import io
import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from mode.checks import InputError
from mode.diagnosis.facts.training import COLUMNS, Record, Row, empty_record
from mode.figures import FIGURES, draw, save, screen, style
from mode.figures.maps import PALE
from mode.figures.names import WORDS, method_looks
from mode.heatmaps import HeatMaps

RANDOM = np.random.default_rng(5)
IMAGES = RANDOM.random((6, 5, 4, 1)).astype(np.float32)


def signed(*shape):
    return RANDOM.uniform(-0.8, 0.6, shape).astype(np.float32)


def heat_maps(*shape):
    counts = {name: np.array([4, 0, 2]) for name in ("hci", "hmi", "hwi")}
    return HeatMaps(signed(3, *shape), signed(3, *shape), signed(3, *shape), counts, ())


CURVE = pd.DataFrame(
    {
        "layer": ["hidden_1", "hidden_2", "output"],
        "accuracy": [0.7, 0.8, 0.9],
        "label accuracy": [0.5, 0.75, 0.75],
        "bhattacharyya": ["", "0.25", "0.5"],  # as a CSV file with an empty cell is read
    }
)
TABLE = pd.DataFrame(
    {
        "metric": ["dot", "earth_mover"],
        "initial": [0.8, 0.81],
        "final": [0.9, 0.88],
        "control": [0.89, 0.9],
        "finished_early": [0, 2],
        "seeds": [5, 5],
        "final - control": [0.01, -0.02],
        "low": [-0.01, -0.03],
        "high": [0.02, -0.01],
        "holm p": [0.5, 0.01],
        "note": ["", ""],
    }
)
BY_ROUND = pd.DataFrame(
    {
        "protocol": "corrected",
        "layer_selection": [True, True, False, False] * 2,
        "method": ["mode"] * 4 + ["control"] * 4,
        "round": [0, 1] * 4,
        "accuracy": [0.8, 0.9] * 4,
        "worst accuracy": [0.5, 0.6] * 4,
    }
)
CHOSEN = pd.DataFrame(
    {
        "protocol": ["corrected", "corrected", "published"],
        "layer": ["hidden_1", "output", "output"],
        "rounds": [3, 1, 4],
        "share": [0.75, 0.25, 1.0],
    }
)
LABELS = pd.DataFrame({"label": [0, 1, 2], "accuracy": [0.95, 0.5, np.nan], "count": [20, 10, 0]})
# Two cells; the controls' own effects are empty, as in a CSV file.
AGAINST = pd.DataFrame(
    {
        "data": "digits",
        "classes": [2, 2, 2, 5, 5],
        "batch": 200,
        "control": "targeted_random",
        "method": ["targeted_random", "margin", "mode", "targeted_random", "margin"],
        "initial": [0.8, 0.8, 0.8, 0.7, 0.7],
        "final": [0.9, 0.92, 0.89, 0.8, 0.81],
        "n": ["", 6, 6, "", 6],
        "mean difference": ["", 0.02, -0.01, "", 0.01],
        "low": ["", 0.01, -0.02, "", -0.01],
        "high": ["", 0.03, 0.01, "", 0.02],
        "holm p": ["", 0.01, 0.5, "", 0.3],
        "note": "",
    }
)
MEAN_RANKS = pd.DataFrame(
    {
        "method": ["margin", "mode", "random", "random again"],
        "mean rank": [1.25, 2, 3.25, 3.5],
        "critical difference": 1.5,
        "n": 6,
    }
).assign(data="digits", classes=10, batch=200)
BY_INPUTS = pd.DataFrame(
    [
        {
            "scenario": scenario,
            "method": method,
            "round": n,
            "inputs": 50 * n,
            "accuracy": 0.8 + n / 100,
        }
        for scenario in ("under_sampled_5", "no_planted_fault")
        for method in ("random", "a", "b", "c", "d", "e", "recommended")
        for n in range(3)
    ]
).assign(data="digits", classes=10, batch=50)
WRONG_LABELS = pd.DataFrame(
    [
        {"method": method, "kind": kind, "percent": percent, "final": end - percent / 100}
        for method, end in {"random": 0.9, "mode": 0.85}.items()
        for kind, percent in (("", 0), ("uniform", 5), ("uniform", 10), ("systematic", 20))
    ]
)
ALPHAS = pd.DataFrame(
    {
        "data": "digits",
        "classes": [10, 10, 2, 2],
        "selector": ["margin"] * 2 + ["margin", "mode"],
        "alpha": ["1.0", "0.25", "0.25", "0.25"],
        "final": [0.9, 0.88, 0.97, 0.96],
    }
)
FAULTS = pd.concat(
    [
        AGAINST[:3].assign(scenario=scenario, **{name: effects[name] for name in effects})
        for scenario, scale in (("under_sampled_5", 2), ("mislabeled", 1), ("mean over faults", 1))
        for effects in [
            {
                name: ["", *(scale * value for value in AGAINST[name][1:3])]
                for name in ("mean difference", "low", "high")
            }
        ]
    ]
)
REPEATED = pd.DataFrame(
    [
        {"table": table, "metric": metric, "measure": measure}
        for table in ("table_1", "table_2")
        for metric in ("dot", "earth_mover")
        for measure in ("initial", "final", "control", "final - control")
    ]
).assign(published=0.96, median=0.94, low=0.93, high=0.95, least=0.9, most=0.97, seeds=10)
OFF = AGAINST[AGAINST["method"] != "targeted_random"].rename(columns={"method": "defect"})[:2]
RANKED = {"dot": IMAGES[:3], "earth_mover": IMAGES[3:5]}

ROWS = (
    Row("activation", "hidden", activation="tanh"),
    Row("loss", "loss"),
    Row("gradient", "hidden", "kernel"),
    Row("weight", "hidden", "kernel"),
)
RECORD = empty_record(
    steps=np.array([0, 20]),
    losses=np.array([2.0, 1.5]),
    rows=ROWS,
    values=np.full((2, len(ROWS), len(COLUMNS)), 0.5),
    total_steps=20,
    broken_step=15,
    broken=np.array([0.0, 1.0, 1.0, 0.0]),
)
ZOO = pd.DataFrame(
    {"condition": ["fine", "few"], "gap": [0.01, 0.2], "overfitting": [0.0, 0.3]}
).assign(true_error=[0.02, 0.2], error=[0.03, 0.18], low=[0.01, 0.1], high=[0.05, 0.3])
ESTIMATES = pd.DataFrame(
    {"family": ["no shift", "corruption", "corruption"], "abstained": [False, False, True]}
).assign(truth=[0.9, 0.6, 0.3], calibrated=[0.91, 0.65, 0.5])
CHANGES = pd.DataFrame({"label": ["ant", "bat", "cat"], "before": [0.5, 0.9, 0.7]})
CHANGES["after"] = [0.8, 0.88, 0.7]
CAUSES = pd.DataFrame(
    [("flat", "rate", 1.0), ("dead", "rate", 0.5), ("dead", "scale", 1.0), ("still", "rate", 1.0)],
    columns=["symptom", "cause", "weight"],
)
LIVE = pd.DataFrame(
    {"method": ["repair", "control", "repair"], "round": [0, 0, 1], "accuracy": [0.5, 0.5, 0.75]}
)
EXAMPLES = {
    "layer_accuracy": (CURVE, {"chosen": "hidden_2", "label": 5}),
    "layer_bhattacharyya": (CURVE, {"chosen": "output"}),
    "layer_weights": (signed(7, 3), {"layer": "hidden_1"}),
    "heatmaps": (heat_maps(6), {}),
    "heatmap_bars": (heat_maps(6), {"group": "hwi"}),
    "differential_pair": ((signed(5, 4, 1), signed(5, 4, 1), signed(5, 4, 1)), {"labels": (3, 5)}),
    "differentials": ((signed(3, 6), signed(3, 6)), {}),
    "first_layer": ((signed(3, 5, 4, 1), signed(3, 6), signed(6, 5, 4, 1)), {}),
    "misclassified": (IMAGES, {"labels": [0, 1, 2, 3, 4, 5], "predictions": [0, 2, 2, 1, 4, 0]}),
    "best_and_worst": (
        {
            "dot": (signed(5, 4, 1), IMAGES[:1], IMAGES[2:4]),
            "cosine": (signed(6), *[IMAGES[4:]] * 2),
        },
        {"label": 4},
    ),
    "most_similar": (RANKED, {}),
    "compared_with_map": (
        {"near": (IMAGES[:2], signed(2, 6)), "random": (IMAGES[3:], signed(3, 6))},
        {"target": signed(6), "label": 3},
    ),
    "label_accuracy": (LABELS, {"theta": 0.9}),
    "accuracy_change": (CHANGES, {}),
    "confusion": (np.array([[9, 1, 0], [0, 8, 2], [3, 0, 7]]), {}),
    "label_maps": (
        {
            "maps": {"HCI": signed(5, 4, 1), "HMI": signed(5, 4, 1)},
            "differences": {"DHCI": signed(5, 4, 1)},
        },
        {"label": 3},
    ),
    "table_against_control": (TABLE, {}),
    "accuracy_by_round": (BY_ROUND, {}),
    "layers_chosen": (CHOSEN, {}),
    "methods_against_control": (AGAINST, {}),
    "effects_by_fault": (FAULTS, {}),
    "published_against_repeated": (REPEATED, {}),
    "critical_difference": (MEAN_RANKS, {}),
    "accuracy_by_inputs": (BY_INPUTS, {}),
    "alpha_by_classes": (ALPHAS, {}),
    "accuracy_by_wrong_labels": (WRONG_LABELS, {}),
    "repair_and_control": (LIVE, {}),
    "defects": (OFF, {}),
    "loss_over_steps": (RECORD, {"constant": 2.3}),
    "gradient_ratio": (RECORD, {}),
    "activation_histograms": ({"hidden": signed(8, 4), "out": np.full((8, 1), np.nan)}, {}),
    "histograms_by_epoch": (
        {e: (np.array([-0.1, -1e-4, 0.0, 1e-3]), np.array([e, 3, 1])) for e in (1, 2)},
        {},
    ),
    "causes_of_symptoms": (CAUSES, {}),
    "preferred_inputs": (np.ones((2, 3, 5, 4, 1)) / 2, {"units": [0, 7]}),
    "preferred_beside_training": (np.ones((2, 2, 3, 5, 4)) / 2, {}),
    "cross_talk": (np.eye(3), {}),
    "score_against_gap": (ZOO, {}),
    "estimated_error": (ZOO, {}),
    "estimated_accuracy": (ESTIMATES, {}),
}
# Figures of values around zero; their color bar is the second axes of the figure.
AROUND_ZERO = (
    "layer_weights",
    "heatmaps",
    "differential_pair",
    "differentials",
    "first_layer",
    "best_and_worst",
)


def drawn(name, data=None, **options):
    example, defaults = EXAMPLES[name]
    return draw(name, example if data is None else data, Figure(), **{**defaults, **options})


def bar_limits(ax):
    return ax.figure.axes[1].get_xlim()


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_every_figure_has_an_example():
    assert set(EXAMPLES) == set(FIGURES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_figures_draw_in_the_axes_given_with_title_and_labels(name):
    data, options = EXAMPLES[name]
    ax = Figure(layout="constrained").subplots()
    assert FIGURES[name](data, ax, **options) is ax
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    ax.figure.savefig(io.BytesIO())


@pytest.mark.parametrize("name", EXAMPLES)
def test_figures_change_nothing_they_are_given(name):
    data, options = EXAMPLES[name]
    before = copy.deepcopy((data, options))
    drawn(name)
    np.testing.assert_equal(flat((data, options)), flat(before))


def flat(value):
    if isinstance(value, pd.DataFrame):
        return value.to_dict("list")
    if isinstance(value, HeatMaps | Record):
        return vars(value)
    return [flat(each) for each in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", EXAMPLES)
def test_saved_twice_a_figure_has_the_same_bytes_whatever_the_readers_settings(name, tmp_path):
    data, options = EXAMPLES[name]
    first = save(FIGURES[name], data, tmp_path / "new" / "a.b", **options)
    assert first == [tmp_path / "new" / "a.b.svg", tmp_path / "new" / "a.b.png"]
    with rc_context({"font.size": 20, "svg.hashsalt": "other", "figure.facecolor": "red"}):
        second = save(FIGURES[name], data, tmp_path / "again", **options)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert one.stat().st_size < 150_000
    assert b"<dc:date>" not in first[0].read_bytes()


def test_a_figure_for_the_screen_is_a_png_of_the_whole_figure():
    shown = pyplot.imread(io.BytesIO(screen(FIGURES["confusion"], np.eye(2))))
    assert shown.shape[0] > 200
    ink = (shown[..., :3] < 0.5).any(axis=-1)
    assert not ink[0].any()
    assert not ink[:, -1].any()


def test_a_live_curve_shows_what_there_is_of_each_method():
    ax = drawn("repair_and_control")
    lines = {line.get_label(): line.get_ydata().tolist() for line in ax.lines}
    assert lines == {"repair": [50, 75], "control: random inputs": [50]}


def test_maps_of_one_label_have_the_same_colors_and_their_names_above():
    ax = drawn("label_maps")
    assert texts(ax) == ["HCI", "HMI", "DHCI"]
    assert bar_limits(ax) == (-1, 1)


def test_without_axes_pyplot_shows_the_figure_and_save_leaves_pyplot_alone(tmp_path):
    pyplot.close("all")
    save(FIGURES["confusion"], np.eye(2), tmp_path / "figure")
    assert pyplot.get_fignums() == []
    ax = draw("confusion", np.eye(2))
    assert pyplot.gcf() is ax.figure
    pyplot.close(ax.figure)


@pytest.mark.parametrize("name", AROUND_ZERO)
def test_color_limits_are_symmetric_unless_the_defect_is_asked_for(name):
    low, high = bar_limits(drawn(name))
    assert low == -high < 0
    if name != "layer_weights":
        assert high == 1
    ax = drawn(name, symmetric=False)
    low, high = bar_limits(ax)
    assert low != -high
    assert (
        ax.figure.axes[1].get_xlabel().startswith("as published: the limits are those of the data")
    )


def test_zero_is_white_and_opposite_values_are_as_deep():
    colors = style.colors_of([np.array([-0.5, 0.2])])
    assert colors.get_clim() == (-0.5, 0.5)
    low, zero, high = colors.to_rgba(np.array([-0.5, 0.0, 0.5]))
    assert min(zero[:3]) > 0.95
    assert low[2] > low[0], "blue"
    assert high[0] > high[2], "red"
    assert style.colors_of([np.zeros(3)]).get_clim() == (-1, 1)
    assert style.colors_of([np.array([0.25, 1])], symmetric=False).get_clim() == (0.25, 1)


def test_maps_of_what_is_no_image_are_bars_as_long_as_their_values(refused):
    maps = heat_maps(6)
    ax = drawn("heatmap_bars", maps, names=["a", "b", "c"], count=4)
    assert not ax.images
    kept = np.sort(np.argsort(-np.ptp(maps.hwi, axis=0), kind="stable")[:4])
    lengths = np.array([bar.get_width() for bar in ax.patches]).reshape(3, 4)
    np.testing.assert_allclose(lengths, maps.hwi[:, kept], atol=1e-6)
    assert [bar.get_x() for bar in ax.patches] == [0.0] * 4 + [2.4] * 4 + [4.8] * 4
    behind = [f"n = {n}" if n else "n = 0: HCI" for n in maps.counts["hwi"]]
    ticks = [f"{a}\n{n}" for a, n in zip("abc", behind, strict=True)]
    assert tick_labels(ax.xaxis) == ticks
    assert tick_labels(ax.yaxis) == [str(unit) for unit in kept]
    steps = replace(maps, hci=signed(3, 5, 2))
    bars = drawn("heatmap_bars", steps, group="hci").patches
    np.testing.assert_allclose(
        [bar.get_width() for bar in bars], steps.hci.mean(axis=2).ravel(), atol=1e-6
    )
    assert refused(drawn, "heatmap_bars", group="hco") == (
        "group must be one of 'hci', 'hmi', 'hwi'. Received: 'hco'. Did you mean 'hci'?"
    )
    assert refused(drawn, "heatmap_bars", features=["a"]) == "features must be 6. Received: 1."
    assert refused(drawn, "heatmap_bars", signed(3, 6)) == (
        "maps must be HeatMaps, as heatmaps() returns. Received: ndarray."
    )


LONG = ["ant", "a bag with or without its straps", "cat"]
SHORT = ["ant", "a bag with or without i…", "cat"]


def test_classes_are_called_by_their_names_which_are_slanted_where_they_would_collide(refused):
    """Names that fit stay level; all of them are written below, or above, what they name."""
    level, slanted = (drawn("confusion", names=names) for names in (["a", "b", "c"], LONG))
    for ax, names, angle in ((level, ["a", "b", "c"], 0), (slanted, SHORT, 40)):
        assert tick_labels(ax.xaxis) == tick_labels(ax.yaxis) == names
        assert {label.get_rotation() for label in ax.get_xticklabels()} == {angle}
    maps = replace(heat_maps(5, 4, 1))
    for ax in (
        drawn("heatmaps", maps, names=LONG),
        drawn("differentials", (signed(3, 6), signed(3, 6)), names=LONG),
    ):
        assert tick_labels(ax.xaxis) == ["ant", "a bag with or w…", "cat"]
        assert {label.get_rotation() for label in ax.get_xticklabels()} == {40}
    table = LABELS.assign(label=[f"{LONG[1]} {n}" for n in range(len(LABELS))])
    accuracy = drawn("label_accuracy", table)
    assert tick_labels(accuracy.xaxis)[0].startswith(f"{SHORT[1]}\nn = ")
    assert {label.get_rotation() for label in accuracy.get_xticklabels()} == {40}
    assert "label a bag with or without i…" in [
        text.get_text() for text in drawn("layer_accuracy", label=LONG[1]).get_legend().get_texts()
    ]
    assert refused(drawn, "confusion", names=["a"]) == "names must be 3. Received: 1."


def test_a_mistake_has_the_names_of_both_classes_on_two_lines_where_one_is_too_narrow(refused):
    given = {"labels": [0, 1, 2], "predictions": [2, 0, 2]}
    ax = drawn("misclassified", IMAGES[:3], **given, names=LONG)
    assert texts(ax) == ["ant → cat", "a bag with o…\n→ ant"]
    assert refused(drawn, "misclassified", IMAGES[:3], **given, names=["a", "b"]) == (
        "labels must be from 0 to 1. Received: labels from 0 to 2."
    )


def test_a_map_of_units_is_a_strip_with_numbered_units_and_a_picture_keeps_its_shape():
    # Unit 10 of 21 is where the row's own label is; both must be there.
    strips = drawn("heatmaps", heat_maps(21))
    assert {image.get_array().shape for image in strips.images} == {(21, 1, 4)}
    assert [label.get_text() for label in strips.yaxis.get_ticklabels(minor=True)] == [
        *["0", "10", "20"] * 3
    ]
    assert strips.get_ylabel() == "unit of the layer"
    pictures = drawn("heatmaps", heat_maps(5, 4, 1))
    assert {image.get_array().shape for image in pictures.images} == {(5, 4, 4)}
    assert pictures.get_ylabel() == ""
    left, right, bottom, top = pictures.images[0].get_extent()
    assert (bottom - top) / (right - left) == pytest.approx(5 / 4)


def test_a_tile_shows_its_map_the_right_way_up():
    maps = np.full((3, 2, 2), -1.0)
    maps[1, 0, 1] = 1
    ax = drawn("differentials", (maps, maps))
    tile = ax.images[1].get_array() / 255
    red = tile[..., 0] > tile[..., 2]
    assert red.tolist() == [[False, True], [False, False]]
    assert ax.yaxis_inverted()
    assert ax.images[1].get_extent()[0] > ax.images[0].get_extent()[1]


def test_heat_maps_name_the_inputs_behind_them_and_the_empty_groups():
    ax = drawn("heatmaps")
    assert texts(ax) == ["n = 4", "n = 0: HCI", "n = 2"] * 3
    assert {int(image.get_array()[..., 3].max()) for image in ax.images} == {PALE}
    assert "9 pale maps: of fewer than 10 inputs" in ax.figure.axes[1].get_xlabel()
    assert [label.split("\n")[0] for label in tick_labels(ax.yaxis)] == ["HCI", "HMI", "HWI"]
    assert tick_labels(ax.xaxis) == ["0", "1", "2"]


def test_misclassified_shows_wrong_inputs_alone():
    ax = drawn("misclassified", columns=2)
    assert texts(ax) == ["1 → 2", "3 → 1", "5 → 0"]
    assert tick_labels(ax.yaxis) == ["1 to 2", "3 to 3"]
    gray = ax.images[0].get_array()[..., 0] / 255
    np.testing.assert_allclose(gray, IMAGES[1, ..., 0], atol=0.003)
    title = drawn("misclassified", count=2).get_title(loc="left")
    assert title.split() == ["2", "of", "3", "misclassified", "inputs"]


def test_color_images_keep_their_colors():
    colored = RANDOM.random((2, 4, 4, 3))
    ax = drawn("most_similar", {"dot": colored})
    np.testing.assert_array_equal(ax.images[1].get_array(), colored[1])


def test_rows_of_different_length_leave_tiles_out():
    ax = drawn("most_similar")
    assert len(ax.images) == 5
    assert tick_labels(ax.xaxis) == ["1", "2", "3"]
    assert tick_labels(ax.yaxis) == ["dot", "earth mover"]
    named = drawn("most_similar", columns=["a", "b", "c"])
    assert tick_labels(named.xaxis) == ["a", "b", "c"]


def test_inputs_stand_above_their_activations_and_the_map_is_left_of_these():
    ax = drawn("compared_with_map")
    assert [image.get_array().shape[:2] for image in ax.images] == [
        *[(5, 4)] * 2, *[(6, 1)] * 3, *[(5, 4)] * 3, *[(6, 1)] * 4
    ]  # fmt: skip
    lefts = [image.get_extent()[0] for image in ax.images]
    assert lefts[2] == lefts[8] == 0, "the map"
    assert lefts[3] == lefts[0]


def test_the_first_layer_shows_the_units_that_a_map_has_highest_and_lowest():
    units = EXAMPLES["first_layer"][0][1]
    ax = drawn("first_layer")
    highest = [f"unit {n}" for n in units.argmax(axis=1)]
    assert texts(ax) == [*highest, *(f"unit {n}" for n in units.argmin(axis=1))]
    assert len(ax.images) == 12


def test_best_and_worst_keep_their_columns_where_one_metric_found_fewer():
    images = drawn("best_and_worst").images
    assert images[4].get_array().shape == (6, 1, 4), "dot has three inputs, then comes a strip"
    lefts = [image.get_extent()[0] for image in images]
    assert lefts[2] == lefts[7], "far 1 of both metrics"


def test_layer_curves_are_in_per_cent_and_begin_where_there_is_a_number():
    overall, own = drawn("layer_accuracy").lines
    assert overall.get_ydata().tolist() == pytest.approx([70, 80, 90])
    assert own.get_ydata().tolist() == [50, 75, 75]
    assert own.get_label() == "label 5"
    np.testing.assert_equal(drawn("layer_bhattacharyya").lines[0].get_ydata(), [np.nan, 0.25, 0.5])
    (band,) = drawn("layer_accuracy").patches
    assert band.get_x() < 1 < band.get_x() + band.get_width(), "hidden_2 is the second layer"


def test_weights_have_the_longer_side_across():
    weights = EXAMPLES["layer_weights"][0]
    ax = drawn("layer_weights")
    np.testing.assert_array_equal(ax.images[0].get_array(), weights.T)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("unit of the layer before", "unit of the layer")
    ax = drawn("layer_weights", weights.T)
    np.testing.assert_array_equal(ax.images[0].get_array(), weights.T)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("unit of the layer", "unit of the layer before")


def test_the_table_is_drawn_in_points_with_its_intervals_and_fills_what_is_significant():
    ax = drawn("table_against_control")
    marks = {line.get_label(): line for line in ax.lines}
    assert marks["random control"].get_xdata() == [0, 0]
    significant, other = marks["mean, significant (Holm)"], marks["mean, not shown to differ"]
    assert (significant.get_xdata(), significant.get_ydata()) == ([-2], [1])
    assert (other.get_xdata(), other.get_ydata()) == ([1], [0])
    assert other.get_markerfacecolor() == "white"
    assert significant.get_markerfacecolor() == style.COLORS[0]
    segments = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(segments[:, :, 0], [[-1, 2], [-3, -1]])
    assert texts(ax)[:3] == ["initial\n%", "80.0", "81.0"]
    assert texts(ax)[-3:] == ["early\nstops", "0", "2"]
    assert (
        ax.get_xlabel()
        == "worse ←   test accuracy of MODE above its control, points; 5 seeds   → better"
    )


def test_a_table_of_one_seed_says_that_nothing_was_tested():
    empty = dict.fromkeys(("low", "high", "holm p"), "")
    ax = drawn("table_against_control", TABLE.assign(**empty, note="one seed, no test"))
    assert [line.get_label() for line in ax.lines] == ["random control", "not tested"]
    assert "; one seed, no test " in ax.get_xlabel()


def test_methods_are_drawn_best_first_in_points_with_a_line_for_each_cell():
    ax = drawn("methods_against_control")
    assert tick_labels(ax.yaxis) == ["smallest margin", "targeted random", "MODE in feature space"]
    marks = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in ax.lines[1:]]
    assert marks == [([2], [-0.2]), ([-1], [1.8]), ([1], [0.2])]
    assert [line.get_marker() for line in ax.lines[1:]] == ["o", "o", "s"]
    faces = [line.get_markerfacecolor() for line in ax.lines[1:]]
    assert faces == [style.COLORS[0], "white", "white"]
    segments = np.concatenate([np.array(part.get_segments()) for part in ax.collections])
    np.testing.assert_allclose(segments[:, :, 0], [[1, 3], [-2, 1], [-1, 2]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "targeted random",
        "95 % interval",
        "mean, significant (Holm)",
        "mean, not shown to differ",
        "digits, 2 classes, 200 inputs per round",
        "digits, 5 classes, 200 inputs per round",
    ]
    assert (
        ax.get_xlabel()
        == "worse ←   test accuracy above targeted random, points; 6 seeds   → better"
    )
    assert texts(ax)[:3] == ["initial\n%", "80.0", "80.0"]
    one = drawn("methods_against_control", AGAINST[:3])
    assert (
        one.get_title(loc="left")
        .replace("\n", " ")
        .endswith("digits, 2 classes, 200 inputs per round")
    )


def test_the_title_of_a_comparison_is_its_question_and_is_broken_into_lines():
    question = (
        "Which of a great many ways of choosing inputs repairs a faulty classifier best of all?"
    )
    ax = drawn("methods_against_control", AGAINST[:3], question=question)
    FigureCanvasAgg(ax.figure).draw()
    written = ax.get_title(loc="left").replace("\n", " ")
    assert written == f"{question} digits, 2 classes, 200 inputs per round"
    box = ax._left_title.get_window_extent()
    assert box.x1 <= ax.figure.bbox.x1, "not cut at the right"
    assert box.y1 <= ax.figure.bbox.y1, "nor at the top"


def test_each_fault_has_a_panel_and_their_mean_is_the_first():
    ax = drawn("effects_by_fault")
    assert [panel.get_title(loc="left") for panel in ax.child_axes] == [
        *["mean over faults", "classes cut to 5 %", "labels of look-alikes"]
    ]
    first, second, _ = ax.child_axes
    assert tick_labels(first.yaxis) == ["smallest margin", "MODE in feature space"]
    assert tick_labels(second.yaxis) == ["", ""]
    assert [line.get_xdata().tolist() for line in second.lines[1:]] == [[4], [-2]]
    segments = np.array(second.collections[0].get_segments())
    np.testing.assert_allclose(segments[:, :, 0], [[2, 6], [-4, 2]])


def test_ranks_have_a_line_for_each_method_with_half_the_critical_difference_to_either_side():
    ax = drawn("critical_difference")
    assert tick_labels(ax.yaxis) == [
        *["smallest margin", "MODE in feature space", "random", "random, second draw"]
    ]
    assert ax.lines[0].get_xdata().tolist() == [1.25, 2, 3.25, 3.5]
    segments = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(segments[0, :, 0], [0.5, 2.0])
    assert texts(ax) == ["digits, 10 classes, 200 inputs per round; 6 seeds"]
    two = pd.concat([MEAN_RANKS, MEAN_RANKS[:2].assign(classes=2)])
    assert "digits, 2 classes, 200 inputs per round; 6 seeds" in texts(
        drawn("critical_difference", two)
    )


def test_the_ranks_of_thirty_methods_do_not_overprint():
    many = pd.DataFrame({"method": [f"method {n}" for n in range(30)], "mean rank": range(1, 31)})
    ax = drawn("critical_difference", many.assign(**{"critical difference": 5.0, "n": 30}))
    FigureCanvasAgg(ax.figure).draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert all(below.y1 <= above.y0 for above, below in itertools.pairwise(boxes))


def test_a_legend_of_long_names_is_not_cut_off_at_the_right():
    long = AGAINST.assign(data="a data set whose name is far longer than that of any other")
    ax = drawn("methods_against_control", long)
    FigureCanvasAgg(ax.figure).draw()
    assert ax.get_legend().get_window_extent().x1 <= ax.figure.bbox.x1


def test_long_names_of_methods_are_broken_into_lines_and_read_as_words():
    long = "misclassified_then_margin, replay of right ones, averaged"
    ax = drawn("methods_against_control", AGAINST.replace({"method": {"margin": long}}))
    assert tick_labels(ax.yaxis)[0] == (
        "misclassified, then margin, replay of correct\ninputs, averaged"
    )


def test_methods_that_one_study_has_take_colors_that_are_free():
    names = ["targeted_random", *(f"new {n}" for n in range(6))]
    assert len({look["color"] for look in method_looks(names).values()}) == len(style.COLORS)


def test_curves_have_a_band_where_the_table_has_an_interval():
    ends = {"low": BY_INPUTS["accuracy"] - 0.01, "high": BY_INPUTS["accuracy"] + 0.01}
    ax = drawn("accuracy_by_inputs", BY_INPUTS.assign(**ends))
    assert [len(panel.collections) for panel in ax.child_axes] == [6, 6]
    assert ax.get_xlabel().endswith("bands: 95 % intervals")
    assert not list(drawn("accuracy_by_inputs").child_axes[0].collections)


def test_a_method_has_the_same_look_in_every_figure():
    lines = drawn("accuracy_by_inputs").child_axes[0].lines
    shown = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}
    for name in ("random", "recommended"):
        look = method_looks(["new", name])[name]
        assert (look["color"], look["marker"], look["linestyle"]) in shown
    looks = method_looks(list(WORDS))
    keys = {(look["color"], look["marker"], look["linestyle"]) for look in looks.values()}
    assert len(keys) == len(WORDS)


def test_published_accuracies_are_dots_beside_the_intervals_of_the_repetition():
    ax = drawn("published_against_repeated")
    assert [panel.get_title(loc="left") for panel in ax.child_axes] == [
        f"Table {n}: {measure}" for n in (1, 2) for measure in ("initial", "final", "control")
    ]
    panel = ax.child_axes[1]
    assert tick_labels(ax.child_axes[0].yaxis) == ["dot product", "earth mover"]
    lines = [line.get_xdata().tolist() for line in panel.lines]
    assert lines == [[90, 97], [93, 95], [90, 97], [93, 95], [94, 94], [96, 96]]
    assert panel.lines[-1].get_marker() == "D"


def test_each_scenario_has_a_panel_and_at_most_six_methods_a_color():
    ax = drawn("accuracy_by_inputs")
    panels = ax.child_axes
    assert [panel.get_title(loc="left") for panel in panels] == [
        "classes cut to 5 %",
        "nothing planted",
    ]
    assert [len(panel.lines) for panel in panels] == [7, 7]
    line = panels[0].lines[-1]
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([0, 50, 100], [80, 81, 82])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        *["random", WORDS["recommended"], "a", "b", "c", "d", "other methods"]
    ]
    assert sum(line.get_color() == "0.75" for line in panels[0].lines) == 1
    looks = {(line.get_color(), line.get_marker()) for line in panels[0].lines}
    assert len(looks) == 7
    batches = pd.concat([BY_INPUTS, BY_INPUTS.assign(batch=100)])
    panels = drawn("accuracy_by_inputs", batches).child_axes
    assert panels[0].get_title(loc="left") == "batch 50,\nclasses cut to 5 %"


def test_wrong_labels_have_a_panel_for_each_kind_that_starts_at_the_clean_pool():
    uniform, systematic = drawn("accuracy_by_wrong_labels").child_axes
    assert uniform.get_title(loc="left") == "labels wrong at random"
    mode, random = uniform.lines
    assert list(random.get_xdata()) == [0, 5, 10]
    assert list(random.get_ydata()) == pytest.approx([90, 85, 80])
    assert list(mode.get_ydata()) == pytest.approx([85, 80, 75])
    assert [list(line.get_xdata()) for line in systematic.lines] == [[0, 20], [0, 20]]


def test_each_number_of_classes_has_a_panel_of_shares_in_order():
    two, ten = drawn("alpha_by_classes").child_axes
    assert (two.get_title(loc="left"), ten.get_title(loc="left")) == ("2 classes", "10 classes")
    assert len(two.lines) == 2
    assert two.get_ylim()[1] - two.get_ylim()[0] == pytest.approx(np.ptp(ten.get_ylim()))
    assert ten.lines[0].get_xdata().tolist() == [0.25, 1]
    assert ten.lines[0].get_ydata().tolist() == [88, 90]


def test_a_gradient_that_is_not_finite_is_not_drawn_as_one_that_vanished():
    values = np.array(RECORD.values)
    values[1, :, COLUMNS.index("nonfinite")] = 1
    values[0, 2, COLUMNS.index("rms")] = 0
    line, crosses = FIGURES["gradient_ratio"](replace(RECORD, values=values)).lines[:2]
    assert np.isnan(line.get_ydata()).all()
    assert (crosses.get_xdata().tolist(), crosses.get_marker()) == ([0], "x")


def test_gradients_of_many_layers_are_told_apart_by_the_first_and_the_last():
    names = [f"layer_{n}" for n in range(9)]
    rows = [Row(phase, name, "kernel") for phase in ("gradient", "weight") for name in names]
    values = np.full((2, len(rows), len(COLUMNS)), 0.5)
    ax = FIGURES["gradient_ratio"](replace(RECORD, rows=tuple(rows), values=values, broken_step=0))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "layer_0",
        "layer_8",
    ]


def test_defects_have_words_and_one_order_and_their_effects_are_in_points():
    named = drawn("defects", OFF.assign(defect=["no_replay", "fresh_init"]))
    assert tick_labels(named.yaxis) == ["a new model per metric", "retraining without old inputs"]
    ax = drawn("defects")
    assert tick_labels(ax.yaxis) == ["margin", "mode"]
    assert [line.get_xdata().tolist() for line in ax.lines[1:]] == [[2], [-1]]
    by_method = drawn("defects", OFF.rename(columns={"defect": "method"}))
    assert tick_labels(by_method.yaxis) == ["margin", "mode"]


def test_rounds_tell_the_methods_apart_by_their_line_and_draw_equal_controls_once():
    lines = drawn("accuracy_by_round").lines
    looks = {line.get_label(): line.get_linestyle() for line in lines}
    assert looks == {
        "with layer selection: MODE": "-",
        "random inputs": "--",
        "without layer selection: MODE": "-",
    }
    both = pd.concat([BY_ROUND, BY_ROUND.assign(protocol="published", accuracy=0.7)])
    labels = [line.get_label() for line in drawn("accuracy_by_round", both).lines]
    assert labels[0].startswith("corrected, with ")
    assert {"corrected: random inputs", "published: random inputs"} <= set(labels)
    assert drawn("accuracy_by_round", measure="worst accuracy").lines[0].get_ydata().tolist() == [
        50,
        60,
    ]


def test_bars_have_their_heights_and_faulty_labels_another_look():
    ax = drawn("label_accuracy")
    sound, faulty = ax.patches
    assert (sound.get_height(), faulty.get_height()) == (95, 50)
    assert faulty.get_facecolor() == to_rgba(style.COLORS[1])
    assert faulty.get_hatch()
    assert ax.lines[0].get_ydata() == [90, 90]
    bars = drawn("layers_chosen").patches
    assert [bar.get_width() for bar in bars] == [75, 25, 100]
    assert texts(drawn("layers_chosen")) == ["3 rounds", "1 rounds", "4 rounds"]


def test_the_class_that_lost_most_is_at_the_top_and_its_loss_is_written():
    ax = drawn("accuracy_change")
    assert tick_labels(ax.yaxis) == ["ant", "cat", "bat"]
    assert texts(ax) == ["+30.0", "0", "-2.0"]
    assert [text.get_color() for text in ax.texts] == [style.COLORS[0], style.GRAY, style.COLORS[1]]
    without = CHANGES.assign(after=[0.8, np.nan, 0.7])
    assert tick_labels(drawn("accuracy_change", without).yaxis) == ["ant", "cat"]


def test_the_confusion_colors_mistakes_alone():
    ax = drawn("confusion")
    shown = ax.images[0]
    assert shown.get_array().mask.tolist() == np.eye(3, dtype=bool).tolist()
    assert shown.get_clim() == (0, 3)
    assert [text.get_text() for text in ax.texts] == ["9", "1", "", "", "8", "2", "3", "", "7"]


LISTED = ", ".join(map(repr, sorted(FIGURES)))


@pytest.mark.parametrize(
    ("name", "data", "options", "message"),
    [
        (
            "heatmap",
            None,
            {},
            f"figure must be one of {LISTED}. Received: 'heatmap'. Did you mean 'heatmaps'?",
        ),
        ("layers_chosen", CHOSEN[:0], {}, "table must not be empty. Received: length 0."),
        ("layers_chosen", [1], {}, "table must be a DataFrame. Received: list."),
        (
            "label_accuracy",
            LABELS[["label"]],
            {},
            "table must have the columns 'label', 'accuracy', 'count'. Received: 'label'.",
        ),
        (
            "label_accuracy",
            LABELS.assign(accuracy="high"),
            {},
            "column 'accuracy' must hold numbers. Received: 'high'.",
        ),
        (
            "label_accuracy",
            LABELS,
            {"theta": 2},
            "theta must be a number from 0 to 1. Received: 2.",
        ),
        (
            "layer_accuracy",
            CURVE,
            {"chosen": "hiden_2"},
            "chosen must be one of 'hidden_1', 'hidden_2', 'output'. Received: 'hiden_2'. "
            "Did you mean 'hidden_2'?",
        ),
        ("layer_weights", np.ones(3), {}, "weights must have 2 axes. Received: shape (3,)."),
        (
            "accuracy_by_round",
            BY_ROUND,
            {"measure": "acuracy"},
            "measure must be one of 'accuracy', 'worst accuracy'. Received: 'acuracy'. "
            "Did you mean 'accuracy'?",
        ),
        (
            "accuracy_by_round",
            BY_ROUND.assign(method="margin"),
            {},
            "method must be one of 'control', 'mode'. Received: 'margin'.",
        ),
        (
            "heatmaps",
            {"hci": 1},
            {},
            "maps must be HeatMaps, as heatmaps() returns. Received: dict.",
        ),
        ("differentials", heat_maps(6), {}, "maps must be (DHMI, DHWI). Received: HeatMaps."),
        (
            "differentials",
            (signed(3, 6), signed(2, 6)),
            {},
            "DHMI and DHWI must have the same length. Received: DHMI: 3, DHWI: 2.",
        ),
        (
            "first_layer",
            (signed(3, 6), signed(3, 6), signed(3)),
            {},
            "weights must have the shape (n, units), (n, h, w) or (n, h, w, channels). "
            "Received: shape (3,).",
        ),
        (
            "differential_pair",
            [signed(4)] * 2,
            {},
            "maps must be (HCI of one label, HCI of another, DHCI). Received: 2 arrays.",
        ),
        (
            "differential_pair",
            [signed(4)] * 3,
            {"labels": (1,)},
            "labels must be two. Received: (1,).",
        ),
        (
            "misclassified",
            IMAGES,
            {"predictions": [0, 1, 2, 3, 4, 5]},
            "predictions must be wrong for some input. Received: 6 correct ones.",
        ),
        (
            "misclassified",
            IMAGES[:2],
            {},
            "images and labels and predictions must have the same length. "
            "Received: images: 2, labels: 6, predictions: 6.",
        ),
        ("most_similar", {}, {}, "inputs must not be empty. Received: length 0."),
        ("most_similar", [1], {}, "inputs must be a mapping from a row's name. Received: list."),
        (
            "most_similar",
            {"dot": 255 * np.ones((1, 2, 2))},
            {},
            "'dot' must lie in [0, 1]. Received: values from 255 to 255. "
            "Divide 8-bit images by 255.",
        ),
        ("most_similar", RANKED, {"columns": ["a"]}, "columns must be 3 labels. Received: 1."),
        (
            "best_and_worst",
            {"dot": (signed(4), IMAGES)},
            {},
            "'dot' must have a map, nearest and farthest inputs. Received: 2 arrays.",
        ),
        (
            "confusion",
            np.ones((2, 3)),
            {},
            "matrix must be square, (classes, classes). Received: shape (2, 3).",
        ),
        ("confusion", -np.eye(2), {}, "matrix must hold counts of at least 0. Received: -1.0."),
    ],
)
def test_errors_say_what_was_expected(name, data, options, message):
    options = {**EXAMPLES.get(name, (None, {}))[1], **options}
    with pytest.raises(InputError) as caught:
        draw(name, data, Figure(), **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(("ax", "received"), [(3, "int"), (pyplot.Figure(), "Figure")])
def test_axes_must_be_axes_or_an_empty_figure(ax, received):
    if received == "Figure":
        ax.subplots()
    with pytest.raises(InputError) as caught:
        draw("confusion", np.eye(2), ax)
    assert str(caught.value) == f"ax must be axes, an empty Figure or None. Received: {received}."


def test_nothing_is_written_for_data_that_cannot_be_shown(tmp_path):
    with pytest.raises(InputError):
        save(FIGURES["confusion"], np.ones(3), tmp_path / "new" / "figure")
    assert not (tmp_path / "new").exists()


def test_importing_loads_neither_tensorflow_nor_pyplot():
    code = (
        "import sys, mode.figures;"
        "print([m for m in ('tensorflow', 'keras', 'matplotlib.pyplot') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_symptoms_with_the_same_causes_share_a_row_below_those_with_more():
    ax = FIGURES["causes_of_symptoms"](CAUSES, Figure())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["dead", "flat, still"]
    squares = ax.collections[0]
    assert squares.get_offsets().tolist() == [[0, 0], [1, 0], [0, 1]]
    assert squares.get_sizes().tolist() == [45, 90, 90]
