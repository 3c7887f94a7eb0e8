"""Make the ready priors: `python benchmarks/featurevis_priors.py digits|fashion --data FOLDER`.

Images 40,000 to 60,000 of the training file; the zoo's classifiers see only the first 40,000.
"""

import time
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from mode.featurevis import fit_prior, save_prior
from mode.featurevis.prior import READY

SOURCES = {"digits": "mnist", "fashion": "fashion_mnist"}
SLICE = (40_000, 60_000)


@click.command()
@click.argument("name", type=click.Choice(sorted(SOURCES)))
@click.option("--data", envvar="MODE_DATA", required=True, help="folder with mnist.npz ...")
@click.option("--out", default=str(READY), show_default=False, help="where the folder goes")
@click.option("--steps", default=3000)
def main(name: str, data: str, out: str, steps: int) -> None:
    with np.load(Path(data) / f"{SOURCES[name]}.npz") as stored:
        x = stored["x_train"][slice(*SLICE)] / np.float32(255)
        y = stored["y_train"][slice(*SLICE)]
        x_test, y_test = stored["x_test"] / np.float32(255), stored["y_test"]
    clock, before = time.perf_counter(), time.process_time()
    prior = fit_prior(x, y, name=name, steps=steps)
    used = round(time.process_time() - before), round(time.perf_counter() - clock)
    print(f"{used[0]} CPU-seconds, {used[1]} seconds")
    right = (
        prior.reference_classifier.predict(x_test[..., None], 500, verbose=0).argmax(1) == y_test
    ).mean()
    card = prior.card | {
        "data": f"{SOURCES[name]} training images {SLICE[0]} to {SLICE[1]}",
        "judge_test_accuracy": round(float(right), 4),
        "code_box": "mean +- 3 standard deviations of the codes of those images, per element",
    }
    folder = save_prior(replace(prior, card=card), Path(out) / name)
    print(card, {p.name: p.stat().st_size for p in folder.iterdir()})


if __name__ == "__main__":
    main()
