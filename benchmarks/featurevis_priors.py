"""Train a prior: `python -m benchmarks.featurevis_priors digits|fashion|cifar10 --out FOLDER`.

The last 20,000 training images of the file; the zoo's classifiers see only those before them.
`--steps` and `--latent` train a larger prior. The ready ones, digits and fashion, are those of the
defaults; `cifar10` with the defaults is too poor (see `benchmarks.featurevis_photographs`).
"""

import time
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from mode.featurevis import fit_prior, save_prior

SOURCES = {"digits": "mnist", "fashion": "fashion_mnist", "cifar10": "cifar10"}
IMAGES = 20_000  # the last ones of the training file


@click.command()
@click.argument("name", type=click.Choice(sorted(SOURCES)))
@click.option("--data", envvar="MODE_DATA", required=True, help="folder with mnist.npz ...")
@click.option("--out", required=True, help="where the prior's folder goes")
@click.option("--steps", default=3000)
@click.option("--latent", default=24)
def main(name: str, data: str, out: str, steps: int, latent: int) -> None:
    with np.load(Path(data) / f"{SOURCES[name]}.npz") as stored:
        end = len(stored["x_train"])
        start = end - IMAGES
        x, y = stored["x_train"][start:] / np.float32(255), stored["y_train"][start:].ravel()
        x_test, y_test = stored["x_test"] / np.float32(255), stored["y_test"].ravel()
    x_test = x_test[..., None] if x_test.ndim == 3 else x_test
    clock, before = time.perf_counter(), time.process_time()
    prior = fit_prior(x, y, name=name, steps=steps, latent=latent)
    used = round(time.process_time() - before), round(time.perf_counter() - clock)
    print(f"{used[0]} CPU-seconds, {used[1]} seconds")
    right = (prior.reference_classifier.predict(x_test, 500, verbose=0).argmax(1) == y_test).mean()
    card = prior.card | {
        "data": f"{SOURCES[name]} training images {start} to {end}",
        "judge_test_accuracy": round(float(right), 4),
        "code_box": "mean +- 3 standard deviations of the codes of those images, per element",
    }
    folder = save_prior(replace(prior, card=card), Path(out) / name)
    print(card, {p.name: p.stat().st_size for p in folder.iterdir()})


if __name__ == "__main__":
    main()
