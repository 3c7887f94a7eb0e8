"""What others would say of the same zoo, and the report's claim (b); one row a classifier.

`python -m benchmarks.featurevis_peers --data FOLDER --models FOLDER`, after `featurevis_zoo.py`;
resumes. Needs `pip install weightwatcher`. alpha: WeightWatcher's mean exponent, from weights
alone. prototype: after Dean & Sarkar (2023), pixel-space prototypes, how much more alike those of
one class are in the last hidden layer than those of two. nearest_ratio: distance of the preferred
inputs to the nearest training image over that to the nearest of as many unseen images, by class.
"""

import logging
from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.featurevis_zoo import OUT, SETS, accuracy, chosen, members
from mode.featurevis import load_prior, maximize, scores, targets
from mode.featurevis.probe_set import make_probe_set, preferred_inputs_of
from mode.seeds import generator


def alpha(model: keras.Model) -> float:
    """Return the mean power-law exponent of the weight matrices, NaN where none is found."""
    import weightwatcher

    logging.getLogger("weightwatcher").setLevel(logging.ERROR)
    details = weightwatcher.WeightWatcher(model=model).analyze()
    return float(details["alpha"].mean()) if "alpha" in details else float("nan")


def prototype_score(model: keras.Model) -> float:
    """Return mean cosine of hidden states between prototypes of a class, minus between classes."""
    maximized = maximize(model, None, restarts=3, steps=40, progress=False)
    weighted = [layer for layer in model.layers if layer.weights]
    read = targets.output_of(model, weighted[-2])
    flat = maximized.images.reshape(-1, *maximized.images.shape[2:])
    states = np.asarray(read(flat)).reshape(len(flat), -1)
    states = states / (np.linalg.norm(states, axis=1, keepdims=True) + 1e-9)
    alike = (states @ states.T).reshape(10, 3, 10, 3)
    within = [alike[k, i, k, j] for k in range(10) for i in range(3) for j in range(i)]
    other = [alike[k, :, j].mean() for k in range(10) for j in range(k)]
    return float(np.mean(within) - np.mean(other))


def nearest_ratio(model, prior, probe_set, member, training, unseen) -> float:
    """Return mean distance to the nearest training image over that to the nearest unseen one."""
    read = targets.logits_of(model, probe_set.images[:8])[0]
    preferred = preferred_inputs_of(model, read, prior, probe_set, seed=0).images
    pick = generator(0, "unseen", member["name"])
    ratios = []
    for label in range(10):
        inside, other = training[0][training[1] == label], unseen[0][unseen[1] == label]
        count = min(len(inside), len(other))  # equal numbers, or more images would be nearer
        inside, other = (pick.permutation(len(a))[:count] for a in (inside, other))
        seen = training[0][training[1] == label][inside]
        fresh = unseen[0][unseen[1] == label][other]
        ratios.append(scores.nearest(preferred[label], seen)[1].mean()
                      / scores.nearest(preferred[label], fresh)[1].mean())  # fmt: skip
    return float(np.mean(ratios))


@click.command()
@click.option("--data", envvar="MODE_DATA", required=True, help="folder with mnist.npz ...")
@click.option("--models", required=True, help="folder with the zoo's classifiers")
@click.option("--out", default=str(OUT), help="folder for peers.csv")
def main(data: str, models: str, out: str) -> None:
    path = Path(out) / "peers.csv"
    done = set(pd.read_csv(path)["name"]) if path.exists() else set()
    held = {name: _load(data, file) for name, file in SETS.items()}
    priors = {name: load_prior(name) for name in SETS}
    probe_sets = {name: make_probe_set(prior, seed=0) for name, prior in priors.items()}
    shuffled = generator(0, "order").permutation(members())  # stopped early, some of each kind
    for member in tqdm([m for m in shuffled if m["name"] not in done]):
        x, y = held[member["dataset"]]
        model = keras.saving.load_model(Path(models) / f"{member['name']}.keras")
        index, labels = chosen(member, x[:40_000], y[:40_000])
        unseen = x[40_000:], y[40_000:]
        seen = x[index], labels
        prior, probe_set = priors[member["dataset"]], probe_sets[member["dataset"]]
        row = {"name": member["name"], "alpha": alpha(model), "prototype": prototype_score(model),
               "nearest_ratio": nearest_ratio(model, prior, probe_set, member, seen, unseen),
               "unseen_accuracy": accuracy(model, *unseen)}  # fmt: skip
        pd.DataFrame([row]).round(4).to_csv(path, mode="a", header=not path.exists(), index=False)
        keras.backend.clear_session()


def _load(folder: str, name: str) -> tuple:
    with np.load(Path(folder) / f"{name}.npz") as stored:
        return stored["x_train"][..., None] / np.float32(255), stored["y_train"]


if __name__ == "__main__":
    main()
