"""What the README's first rows show: three commands, what they print, and a picture of each report.

`python -m benchmarks.first_screen` trains a classifier on the digits, runs the commands in a
temporary folder, and writes the first lines of each to `results/tables/first_screen.csv` and a
picture of each report, made by Chromium, to `results/figures/first-screen/`.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
import pandas as pd

from mode import results

ROOT = Path(__file__).parents[1]
LINES = 3
WIDTH, HEIGHT = 900, 640
# Row of the README -> the arguments of `python -m mode`, and its folder with a report.
COMMANDS = {
    "repair": ("repair model.keras data.npz --out repaired", "repaired"),
    "diagnose": ("diagnose train.py --out diagnosis", "diagnosis"),
    "estimate": ("estimate model.keras validation.npz new.npy --out estimated", "estimated"),
}
# The last layer has the wrong activation.
TRAIN = """\
import keras
from keras import layers
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
model = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="relu"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x / 16, y, epochs=5, validation_split=0.2, verbose=0)
"""


def write_files(folder: Path) -> None:
    """Write a classifier of digits, its data, new digits without labels, and a failing script."""
    import mode
    from mode.models import build, train

    data = mode.load_data("digits")
    train(build("published"), data.train.x, data.train.y).save(folder / "model.keras")
    parts = {f"{axis}_{name}": getattr(getattr(data, name), axis) for name in data.sizes()
             for axis in "xy"}  # fmt: skip
    np.savez(folder / "data.npz", **parts)
    np.savez(folder / "validation.npz", x=data.diagnosis.x, y=data.diagnosis.y)
    np.save(folder / "new.npy", data.test.x)
    (folder / "train.py").write_text(TRAIN, encoding="utf-8")


def printed(arguments: str, folder: Path) -> str:
    """Return the first lines that a command prints on standard output."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    command = [sys.executable, "-m", "mode", *arguments.split()]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode == 2:
        raise click.ClickException(done.stderr)
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()[:LINES])


def draw(page: Path, picture: Path) -> None:
    """Write a picture of the top of a page."""
    from playwright.sync_api import sync_playwright

    picture.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}
        browser = playwright.chromium.launch(**chromium)
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.goto(page.resolve().as_uri())
        tab.screenshot(path=picture)
        browser.close()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--out", default="results", show_default=True, help="A results folder.")
def main(out: str) -> None:
    """Run the commands of the README's first rows, keep their lines, draw their reports."""
    rows = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        for row, (arguments, report) in COMMANDS.items():
            lines = printed(arguments, folder)
            click.echo(f"python -m mode {arguments}\n{lines}\n")
            rows.append({"row": row, "command": f"python -m mode {arguments}", "printed": lines})
            picture = Path(out) / "figures" / "first-screen" / f"{row}.png"
            draw(folder / report / "report.html", picture)
    text = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
    results.write_text(text, Path(out) / "tables" / "first_screen.csv")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.first_screen")
