"""The page without a browser: panels, jobs, and pictures with their texts."""

import gc
import threading
import time
from html.parser import HTMLParser

import ipywidgets as widgets
import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

from mode.checks import InputError
from mode.explore import panel as panel_module
from mode.explore import repair_panel, training_panel, views
from mode.explore.page import Page
from mode.explore.panel import Job
from mode.explore.subject import open_subject
from mode.models import load_model, predict


class Images(HTMLParser):
    """Collects the alternative texts of all images."""

    def __init__(self, html: str):
        super().__init__()
        self.texts: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.texts.append(dict(attributes).get("alt"))


@pytest.fixture(scope="module")
def page(subject, tmp_path_factory):
    return Page(subject, out=str(tmp_path_factory.mktemp("page")))


def html(widget: widgets.Widget) -> str:
    """Return all HTML in a widget."""
    own = widget.value if isinstance(widget, widgets.HTML) else ""
    return own + "".join(html(child) for child in getattr(widget, "children", ()))


def test_every_picture_of_every_panel_has_a_text(page):
    for title in page.panels:
        page.menu.value = title
        texts = Images(html(page.place)).texts
        assert all(text and len(text) > 15 for text in texts), title
        assert texts or title in ("Diagnosis", "Preferred inputs")


def test_a_chosen_label_is_that_of_the_shown_panel_and_of_the_next(page):
    page.menu.value = "Heat maps"
    page.choose(2)
    assert "Heat maps of label 2 at pixels" in html(page.place)
    page.menu.value = "Layers"
    assert "Label 2, treated as over-fitted: the selected layer is" in html(page.place)


def test_only_the_shown_panel_is_drawn(page, monkeypatch):
    page.menu.value = "Diagnosis"
    monkeypatch.setattr(views, "map_picture", lambda *_: pytest.fail("drawn unseen"))
    page.choose(4)


def walk(widget: widgets.Widget):
    """Yield a widget and all inside it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def test_every_control_has_a_name(page):
    kinds = widgets.Dropdown | widgets.BoundedIntText | widgets.Button | widgets.ToggleButtons
    found = [w for panel in page.panels.values() for w in walk(panel.box) if isinstance(w, kinds)]
    found += [w for w in walk(page) if isinstance(w, kinds)]
    assert len(found) > 30
    assert all(control.description for control in found)


def test_bad_input_is_shown_on_the_page(page, monkeypatch):
    def refuse(*arguments):
        raise InputError("layer must be <one>. Received: none.")

    page.menu.value = "Heat maps"
    monkeypatch.setattr(views, "map_picture", refuse)
    page.choose(1)
    assert "layer must be &lt;one&gt;. Received: none." in page.error.value
    monkeypatch.undo()
    page.choose(1)
    assert page.error.value == ""


def test_a_surprise_is_one_sentence_on_the_page_and_a_traceback_in_the_terminal(
    page, monkeypatch, capsys
):
    def surprise(*arguments):
        raise MemoryError("no room for\n<states>")

    page.menu.value = "Heat maps"
    monkeypatch.setattr(views, "map_picture", surprise)
    page.panels["Heat maps"].controls[0].value = "hidden_1"
    said = "<p role='alert' class='mode-error'>it failed: MemoryError: no room for &lt;states&gt;"
    assert page.error.value == f"{said}</p>"
    assert "Traceback" in capsys.readouterr().err


def test_every_control_of_a_panel_draws_it_anew(page, monkeypatch):
    drawn = []
    for title, panel in page.panels.items():
        page.menu.value = title
        kinds = widgets.Dropdown | widgets.BoundedIntText
        asked = [w for w in walk(panel.box) if isinstance(w, kinds)]
        if title in ("Diagnosis", "Preferred inputs"):  # what their button does waits for it
            asked = [*panel.controls]
        assert tuple(asked) == panel.controls
        for control in panel.controls:
            drawn.clear()
            monkeypatch.setattr(Page, "draw", lambda self: drawn.append(self.menu.value))
            control.value = control.options[-1][1] if hasattr(control, "options") else 3
            monkeypatch.undo()
            assert drawn == [title], control.description


def test_a_repair_that_cannot_be_saved_says_so(subject, tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "out"
    panel = repair_panel.repair_panel(subject, str(out), lambda after: None)
    buttons = {w.description: w for w in walk(panel.box) if isinstance(w, widgets.Button)}
    panel.draw(9)
    for control, value in zip(panel.controls[2:], (1, 20), strict=True):
        control.value = value
    buttons["Repair"].click()
    end = time.monotonic() + 180
    while buttons["Repair"].disabled and time.monotonic() < end:
        time.sleep(0.01)
    assert f"Done. {subject.accuracy:.1%} became" in html(panel.box)
    buttons["Save"].click()
    said = f"{out} must be a folder that can be written. Received: Not a directory."
    assert f"<p role='alert' class='mode-error'>{said}</p>" in html(panel.box)


def test_a_page_leaves_the_garbage_collection_of_its_kernel_alone(subject):
    """It may be a notebook's, which goes on to other things."""
    gc.unfreeze()
    Page(subject)
    assert gc.get_freeze_count() == 0


def test_bars_say_accuracy_inputs_and_fault(subject):
    def row(label: int, accuracy: float, kind: str = "", count: int = 50) -> pd.Series:
        return pd.Series({"label": label, "accuracy": accuracy, "count": count, "kind": kind})

    faulty, sound, below = row(9, 0.02, "under-fitted"), row(0, 0.98), row(6, 0.9)
    assert views.label_summary(faulty) == "2% of 50, under-fitted"
    assert views.label_summary(sound) == "98% of 50"
    assert views.label_summary(below) == "90% of 50, below theta"
    assert 'aria-label="label 9: 2% of 50, under-fitted"' in views.label_bar(subject, faulty)
    assert "mode-sound" in views.label_bar(subject, sound)
    assert "mode-faulty" in views.label_bar(subject, below)
    assert views.label_summary(row(3, float("nan"), count=0)) == "no input to measure it on"


def test_the_page_without_widgets_holds_the_pictures(page):
    bundle = page._repr_mimebundle_()
    texts = Images(bundle["text/html"]).texts
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert len(texts) == 2 + 2 * 12
    assert all(texts)


def test_inputs_that_are_no_pictures_become_lines_of_cells():
    shown = panel_module.thumbnail(pd.Series([3.0, 1.0, 2.0]).to_numpy(), "three <numbers>")
    assert 'alt="three &lt;numbers&gt;"' in shown
    assert shown.startswith('<img class="mode-input"')


def test_rankings_say_what_they_share(subject):
    left, right = (
        views.rank_pool(subject, "metric: dot", 5, layer="pixels", count=k) for k in (6, 3)
    )
    assert views.overlap(left, right) == "The two lists share 3 of their 6 first inputs."


def test_a_job_tells_its_end_and_frees_its_button():
    job = Job("Go", lambda job: job.progress(1, 2, "half") or "Done.")
    job.begin()
    job.wait(10)
    assert "Done." in job.status.value
    assert (job.start.disabled, job.stop.disabled) == (False, True)
    assert (job.bar.value, job.bar.max) == (2, 2)


def test_a_job_is_cancelled_where_it_asks():
    reached = threading.Event()

    def work(job):
        reached.set()
        for _ in range(1000):
            if job._cancel.wait(0.01):
                return "Cancelled."
        return "never asked"

    job = Job("Go", work)
    job.begin()
    reached.wait(10)
    assert job.running
    job.begin()  # a second click does nothing
    job.cancel()
    job.wait(10)
    assert "Cancelled." in job.status.value


def test_jobs_wait_for_each_other_and_may_be_cancelled_while_they_do():
    going, free = threading.Event(), threading.Event()
    first = Job("One", lambda job: going.set() or (free.wait(10) and "Done."))
    second = Job("Two", lambda job: pytest.fail("began though cancelled"))
    first.begin()
    going.wait(10)
    second.begin()
    assert "waiting for other work" in second.status.value
    second.cancel()
    free.set()
    second.wait(10)
    assert "cancelled before it began" in second.status.value


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("batch must be 1. Received: 2."), "batch must be 1. Received: 2."),
        (OSError("disk <full>"), "it failed: OSError: disk &lt;full&gt;"),
    ],
)
def test_a_job_that_fails_says_so(error, said, capsys):
    def work(job):
        raise error

    job = Job("Go", work)
    job.begin()
    job.wait(10)
    assert said in job.status.value
    assert not job.start.disabled
    assert bool(capsys.readouterr().err) == isinstance(error, OSError)


def test_a_repair_shows_its_curve_as_text_too(subject):
    rows = [
        {"method": method, "round": n, "accuracy": value}
        for method, line in {"repair": (0.5, 0.75), "control": (0.5,)}.items()
        for n, value in enumerate(line)
    ]
    shown = repair_panel.curve(repair_panel.LiveRepair(subject, None, rows))
    assert Images(shown).texts == ["Test accuracy by round: repair 50.0%, 75.0%; control 50.0%"]


def test_a_training_is_watched_and_ended_when_asked(subject):
    seen = []
    report = training_panel.diagnose_training(
        "misfit", subject, epochs=9, live=lambda epoch, now: seen.append(epoch) or epoch == 2
    )
    assert seen == [1, 2]
    assert report.alarms
    assert all(Images(training_panel.pictures(report)).texts)


def test_the_own_classifier_is_trained_anew(subject):
    weights = subject.model.get_weights()
    report = training_panel.diagnose_training(training_panel.THIS_MODEL, subject, epochs=1)
    assert len(report.record.epochs) == 1
    assert all((a == b).all() for a, b in zip(weights, subject.model.get_weights(), strict=True))


def control(box: widgets.Widget, name: str) -> widgets.Widget:
    """Return the control of a panel that bears a name."""
    return next(w for w in walk(box) if getattr(w, "description", "") == name)


def pressed(box: widgets.Widget, name: str) -> str:
    """Press a button of a panel and return what the panel says once its work has ended."""
    control(box, name).click()
    end = time.monotonic() + 60
    while not control(box, "Cancel").disabled and time.monotonic() < end:
        time.sleep(0.05)
    return html(box)


def test_every_panel_copies_a_model_whose_code_is_allowed_knowingly(small, tmp_path):
    """Panels work in threads, and what Keras allows one thread it does not allow another."""
    stack = [layers.Lambda(lambda x: 2 * x), layers.Rescaling(1 / 255), layers.Flatten()]
    head = layers.Dense(10, "softmax")
    model = keras.Sequential([keras.Input((28, 28, 1)), *stack, head])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(tmp_path / "model.keras")
    arrays = {f"{a}_{n}": getattr(getattr(small, n), a) for n in small.sizes() for a in "xy"}
    arrays |= {name: np.uint8(255 * x + 0.5) for name, x in arrays.items() if name[0] == "x"}
    np.savez(tmp_path / "data.npz", **arrays)
    files = (tmp_path / "model.keras", tmp_path / "data.npz")
    page = Page(open_subject(*files, allow_unsafe=True), out=str(tmp_path))
    page.menu.value = "Repair"
    control(page.panel.box, "Rounds").value = 1
    assert "became" in pressed(page.panel.box, "Repair")
    assert "chosen.csv are in" in pressed(page.panel.box, "Save")
    control(page.panel.box, "Look at it").click()
    assert page.subject.allow_unsafe
    training, pictured = (page.panels[name].box for name in ("Diagnosis", "Preferred inputs"))
    control(training, "Training").value = training_panel.THIS_MODEL
    control(training, "Epochs").value = control(pictured, "Images per class").value = 1
    assert "alarms among" in pressed(training, "Train and diagnose")
    assert "Done." in pressed(pictured, "Synthesize and audit")
    saved = load_model(tmp_path / "repaired.keras", allow_unsafe=True)
    found = predict(saved, arrays["x_test"].astype(np.float32)).argmax(axis=1)
    assert (found == small.test.y).mean() == page.subject.accuracy
