"""VAE beside DCGAN on the same images: seconds, recognised share, one CSV row each.

`python benchmarks/featurevis_kinds.py --data FOLDER`. Each is fitted without labels, and the DCGAN
once more with them, that is with a judge of its own; all are asked by one judge, the ready digits
prior's. About ten minutes; `--only` redoes one row.
"""

import time
from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd

from mode.featurevis import fit_prior, load_prior
from mode.featurevis.prior import images_of, sample

KINDS = {"vae": False, "gan": False, "gan with judge": True}  # whether labels are given


@click.command()
@click.option("--data", envvar="MODE_DATA", required=True, help="folder with mnist.npz")
@click.option("--out", default="results/runs/featurevis/kinds.csv")
@click.option("--steps", default=3000)
@click.option("--only", default=None, type=click.Choice(list(KINDS)))
def main(data: str, out: str, steps: int, only: str | None) -> None:
    with np.load(Path(data) / "mnist.npz") as stored:
        x, y = stored["x_train"][40_000:] / np.float32(255), stored["y_train"][40_000:]
    judge, rows = load_prior("digits").judge, []
    for kind in [only] if only else KINDS:
        start = time.process_time()
        labels = y if KINDS[kind] else None
        prior = fit_prior(x, labels, kind=kind.split()[0], steps=steps, progress=False)
        seconds = time.process_time() - start
        images = images_of(prior, sample(prior, 2000, seed=0)[0])
        odds = np.asarray(keras.ops.softmax(judge.predict(images, verbose=0)))
        spread = np.bincount(odds.argmax(axis=1), minlength=10) / len(odds)
        rows.append((kind, len(x), round(seconds), (odds.max(axis=1) > 0.9).mean(), spread.min()))
    names = ["kind", "images", "cpu_seconds", "recognised", "rarest_class_share"]
    table = pd.DataFrame(rows, columns=names).round(4)
    if only:
        kept = pd.read_csv(out)
        table = pd.concat([kept[kept["kind"] != only], table])
    table.to_csv(out, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
