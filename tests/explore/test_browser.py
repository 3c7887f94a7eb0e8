"""The page in a real browser: every panel, a repair to its end, another cancelled, no overflow."""

import json
import re
import socket
import time
import urllib.request

import numpy as np
import pytest

from tests.explore.conftest import SECONDS, SHOTS, explored, new_tab

pytestmark = pytest.mark.browser

# Panel -> words that it alone shows.
PANELS = {
    "Heat maps": "One cell per unit",
    "Inputs": "Metrics compare inputs",
    "Layers": "Accuracy of a softmax head on",
    "Repair": "The inputs that the first round would select",
    "Diagnosis": "A training that is recorded",
    "Preferred inputs": "Images that most excite",
}
# Elements that reach beyond the window, or hide a part of themselves to the right; what is made
# to be scrolled sideways may.
OVERFLOWING = """() => {
  const scrolls = e => e.closest('.mode-scroll');
  const wide = [...document.querySelectorAll('.mode-page *')].filter(
    e => !scrolls(e) && e.getClientRects().length
      && e.getBoundingClientRect().right > innerWidth + 1);
  const body = document.scrollingElement;
  return [...wide.map(e => e.className || e.tagName),
          ...(body.scrollWidth > innerWidth ? ['the page'] : [])];
}"""
UNNAMED = "() => [...document.querySelectorAll('.mode-page img')].filter(i => !i.alt).length"


@pytest.fixture(scope="module")
def explorer(chromium, address):
    """The page, opened once, and a list of all errors that come up in it."""
    page, errors = new_tab(chromium)
    page.goto(address, wait_until="commit")
    page.wait_for_selector(".mode-page .mode-label button")
    return page, errors


def panel(page, title: str):
    page.locator(".mode-menu").get_by_role("button", name=title, exact=True).click()
    page.get_by_text(PANELS[title]).wait_for()


def shot(page, name: str):
    """Keep a picture of all of the page, which scrolls inside the window."""
    SHOTS.mkdir(exist_ok=True)
    size = page.viewport_size
    tall = page.evaluate("() => document.querySelector('.mode-page').scrollHeight + 500")
    page.set_viewport_size({"width": size["width"], "height": min(int(tall), 6000)})
    page.screenshot(path=SHOTS / f"{name}.png")
    page.set_viewport_size(size)


def status(page, words: str):
    """Wait until the visible status says something that matches."""
    page.locator("p[role=status]:visible", has_text=re.compile(words)).wait_for()


def test_nobody_gets_in_without_the_token(address):
    bare, token = address.split("?token=")
    assert len(token) >= 32
    for wrong in (bare, f"{bare}?token={token[:-1]}"):
        with urllib.request.urlopen(wrong) as answer:
            assert "/login" in answer.url
            assert b"mode-page" not in answer.read()


def test_it_listens_on_this_machine_alone(address):
    assert address.startswith("http://127.0.0.1:")
    port = int(re.search(r":(\d+)/", address)[1])
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", port)), "another address of this machine answers"


def test_every_panel_fits_both_widths_and_names_its_pictures(explorer):
    page, errors = explorer
    for width in (400, 1600):
        page.set_viewport_size({"width": width, "height": 1000})
        for title in PANELS:
            panel(page, title)
            page.wait_for_timeout(300)  # until it is laid out
            shot(page, f"{width}-{title.replace(' ', '-')}")
            assert page.evaluate(OVERFLOWING) == [], (width, title)
            assert page.evaluate(UNNAMED) == 0, (width, title)
    assert errors == []


def test_the_keyboard_alone_chooses_label_panel_and_layer(explorer):
    page, errors = explorer
    page.locator(".mode-label button").nth(3).focus()
    page.keyboard.press("Enter")
    for title, shown in {"Layers": "softmax head on each layer", "Heat maps": "Heat maps"}.items():
        page.locator(".mode-menu button", has_text=title).focus()
        page.keyboard.press("Space")
        page.locator(f"img[alt*='{shown}'][alt*='label 3']").wait_for()
    for _ in PANELS:
        page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.tagName") == "SELECT"
    page.keyboard.press("ArrowDown")
    page.locator("img[alt*='Heat maps of label 3 at hidden_1']").wait_for()
    assert errors == []


def test_a_training_is_watched_and_images_are_judged(explorer):
    page, errors = explorer
    panel(page, "Diagnosis")
    page.get_by_role("button", name="Train and diagnose").click()
    status(page, r"^Done\. [1-9]\d* alarms among")
    assert page.locator(".mode-scroll td", has_text="error").count() >= 1
    panel(page, "Preferred inputs")
    page.get_by_role("button", name="Synthesize and audit").click()
    status(page, r"^Done\.$")
    page.get_by_text(re.compile(r"Over-fitting score 0\.\d\d \(fine classifiers")).wait_for()
    assert page.locator("img.mode-input:visible").count() == 40
    for width in (400, 1600):
        page.set_viewport_size({"width": width, "height": 1000})
        for title in ("Diagnosis", "Preferred inputs"):
            panel(page, title)
            page.wait_for_timeout(300)
            shot(page, f"{width}-{title.replace(' ', '-')}-done")
            assert page.evaluate(OVERFLOWING) == [], title
            assert page.evaluate(UNNAMED) == 0
    assert errors == []


def test_a_repair_is_cancelled_and_keeps_what_it_has(explorer):
    page, errors = explorer
    repair(page, rounds=20)
    status(page, r"^[1-9]\d* of 40 rounds")
    page.get_by_role("button", name="Cancel", exact=True).click()
    status(page, r"^Cancelled; finished rounds stay\. 66\.9% became \d\d\.\d% in \d+ rounds")
    points = page.locator("img.mode-figure:visible").get_attribute("alt").count("%")
    assert 3 <= points < 40
    assert page.get_by_role("button", name="Save", exact=True).is_visible()
    assert errors == []


def test_a_repair_runs_to_its_end_is_saved_and_looked_at(explorer, out):
    page, errors = explorer
    repair(page, rounds=2)
    status(page, r"^Done\. 66\.9% became 9\d\.\d% in 2 rounds: .* random inputs reach \d\d\.\d%$")
    alt = page.locator("img.mode-figure:visible").get_attribute("alt")
    assert re.fullmatch(r"Test accuracy by round: repair (.+%, ){2}.+%; control (.+%, ){2}.+%", alt)
    shot(page, "1600-Repair-done")
    page.get_by_role("button", name="Save", exact=True).click()
    status(page, r"repaired\.keras, rows\.csv and chosen\.csv are in")
    assert (out / "repaired.keras").stat().st_size > 10_000
    page.get_by_role("button", name="Look at it", exact=True).click()
    page.get_by_role("heading", name=re.compile(r"9\d\.\d% of the test split correct")).wait_for()
    assert errors == []


def test_the_terminal_shows_where_the_page_is_and_no_more(explorer, address, log):
    """Last of those that use it, so that a traceback of any of them would be there."""
    words = f"{address}\nThe page takes some seconds to appear. Ctrl-C ends it.\n"
    assert log.read_text().strip() == words.strip()


def test_what_fails_while_the_page_is_built_is_one_sentence(chromium, subject, tmp_path):
    model, data = tmp_path / "model.keras", tmp_path / "data.npz"
    subject.model.save(model)
    np.savez(data, x_train=subject.data.train.x, y_train=subject.data.train.y)
    with explored(tmp_path / "log", model, data) as address:
        data.unlink()
        page, errors = new_tab(chromium)
        page.goto(address, wait_until="commit")
        page.get_by_role("alert").wait_for()
        said = f"{data} must be an .npz archive of plain arrays. Received: no such file."
        assert page.get_by_role("alert").inner_text() == said
        assert "Traceback" not in page.inner_text("body")
    assert errors == []


def repair(page, *, rounds: int):
    """Begin a repair of so many rounds."""
    panel(page, "Repair")
    field = page.get_by_label("Rounds", exact=True)
    field.fill(str(rounds))
    field.press("Enter")
    page.locator(".mode-panel .mode-column button", has_text="Repair").last.click()


def test_the_walkthrough_runs_in_jupyterlab(chromium, lab):
    from mode.notebooks import path, read
    from mode.studies.execution import SMALL

    folder, address, token = lab
    name = "01-walkthrough"
    source = read(name)
    for cell in source["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] += [f"\n{key} = {value!r}" for key, value in SMALL[name].items()]
    file = folder / path(name).name
    file.write_text(json.dumps(source), encoding="utf-8")
    SHOTS.mkdir(exist_ok=True)
    page, errors = new_tab(chromium)
    page.goto(f"{address}/lab/tree/{file.name}?token={token}", wait_until="commit")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.get_by_text(re.compile(r"\| Idle$")).wait_for()  # before, nothing would be run
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    cells = wait_for_cells(page, file)
    assert failures(cells) == []
    assert any("image/png" in o.get("data", {}) for c in cells for o in c["outputs"])
    assert errors == []


def wait_for_cells(page, file) -> list[dict]:
    """Save the notebook now and then; return its code cells once all of them have run."""
    end, cells = time.monotonic() + 3 * SECONDS, []
    while time.monotonic() < end:
        page.wait_for_timeout(2000)
        page.screenshot(path=SHOTS / "jupyterlab.png")
        page.locator("[data-command='docmanager:save']").first.click()
        cells = saved_cells(file) or cells
        if cells and (cells[-1]["execution_count"] or failures(cells)):
            return cells
    raise AssertionError([cell["execution_count"] for cell in cells])


def saved_cells(file) -> list[dict]:
    """The code cells of a notebook file; none while a save has emptied it, not yet written it."""
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    except json.JSONDecodeError:
        return []
    return [cell for cell in cells if cell["cell_type"] == "code"]


def failures(cells: list[dict]) -> list[dict]:
    return [o for c in cells for o in c["outputs"] if o["output_type"] == "error"]
