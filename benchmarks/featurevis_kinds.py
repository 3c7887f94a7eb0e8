"""VAE beside DCGAN on the same images: seconds, recognised share, one CSV row each.

`python benchmarks/featurevis_kinds.py --data FOLDER`. Both are asked by one judge, the ready
digits prior's. About five minutes on two cores.
"""

import time
from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd

from mode.featurevis import fit_prior, load_prior
from mode.featurevis.prior import images_of, sample


@click.command()
@click.option("--data", envvar="MODE_DATA", required=True, help="folder with mnist.npz")
@click.option("--out", default="results/runs/featurevis/kinds.csv")
@click.option("--steps", default=3000)
def main(data: str, out: str, steps: int) -> None:
    with np.load(Path(data) / "mnist.npz") as stored:
        x = stored["x_train"][40_000:] / np.float32(255)
    judge, rows = load_prior("digits").judge, []
    for kind in ("vae", "gan"):
        start = time.process_time()
        prior = fit_prior(x, kind=kind, steps=steps, progress=False)
        seconds = time.process_time() - start
        images = images_of(prior, sample(prior, 2000, seed=0)[0])
        odds = np.asarray(keras.ops.softmax(judge.predict(images, verbose=0)))
        spread = np.bincount(odds.argmax(axis=1), minlength=10) / len(odds)
        rows.append((kind, len(x), round(seconds), (odds.max(axis=1) > 0.9).mean(), spread.min()))
    names = ["kind", "images", "cpu_seconds", "recognised", "rarest_class_share"]
    table = pd.DataFrame(rows, columns=names).round(4)
    table.to_csv(out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
