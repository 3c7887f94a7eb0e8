"""The report's own experiment: five classes, 100 homogeneous images each; its claims in numbers.

`python -m benchmarks.featurevis_report --data FOLDER` trains three groups (homogeneous, as many at
random, all images) of three reinitialized networks on the digits 0 to 4 and audits each.
(a) restarts and reinitialized weights converge: diversity D, and the distance between the mean
preferred inputs of two networks. (b) they reproduce training images: distance to the nearest of
them over that to the nearest of as many unseen ones. (c) cross-talk: other classes' features.
"""

from pathlib import Path

import click
import keras
import numpy as np
import pandas as pd
from keras import layers

from benchmarks.featurevis_zoo import OUT, accuracy
from mode.featurevis import audit, load_prior, scores
from mode.featurevis.fitting import batches, classifier_step, run_steps
from mode.featurevis.reference import reinitialize
from mode.seeds import derive, generator

CLASSES, EACH, NETWORKS = (0, 1, 2, 3, 4), 100, 3
GROUPS = {"homogeneous": EACH, "random": EACH, "all": 3000}


def indices(group: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the training images of a group; homogeneous ones are those nearest to one of them."""
    pick = generator(0, "report", group)
    parts = []
    for label in CLASSES:
        of_class = pick.permutation(np.flatnonzero(y == label))
        if group == "homogeneous":
            gaps = ((x[of_class] - x[of_class[0]]) ** 2).sum(axis=(1, 2, 3))
            of_class = of_class[np.argsort(gaps, kind="stable")]
        parts.append(of_class[: GROUPS[group]])
    return np.concatenate(parts)


def network(seed: int) -> keras.Model:
    inputs = x = keras.Input((28, 28, 1))
    for width in (16, 32):
        x = layers.MaxPooling2D()(layers.Conv2D(width, 3, activation="relu")(x))
    x = layers.Dense(64, "relu")(layers.Flatten()(x))
    return reinitialize(keras.Model(inputs, layers.Dense(len(CLASSES), "softmax")(x)), seed=seed)


def trained(group: str, number: int, x, y) -> keras.Model:
    seed = derive(0, "report", group, number)
    model = network(seed)
    step = classifier_step(model, keras.optimizers.Adam(1e-3), logits=False)
    rows = batches(len(x), 64, 500, generator(seed, "batches"))
    run_steps(step, (x, y.astype(np.int32)), rows)
    return model


def ratio(preferred: np.ndarray, seen: np.ndarray, unseen: np.ndarray) -> float:
    near = scores.nearest(preferred, seen)[1].mean(), scores.nearest(preferred, unseen)[1].mean()
    return float(near[0] / near[1])


def _pictures(preferred: np.ndarray, seen: list) -> np.ndarray:
    """Return (classes, 2, 6, h, w): six preferred inputs a class above the nearest images."""
    pairs = []
    for generated, images in zip(preferred, seen, strict=True):
        index = scores.nearest(generated[:6], images)[0]
        pairs.append(np.stack([generated[:6, ..., 0], images[index][..., 0]]))
    return np.rint(np.stack(pairs) * 255).astype(np.uint8)


@click.command()
@click.option("--data", envvar="MODE_DATA", required=True, help="folder with mnist.npz")
@click.option("--out", default=str(OUT), help="folder for report.csv and report_pictures.npz")
def main(data: str, out: str) -> None:
    with np.load(Path(data) / "mnist.npz") as stored:
        x, y = stored["x_train"][..., None] / np.float32(255), stored["y_train"]
        x_test, y_test = stored["x_test"][..., None] / np.float32(255), stored["y_test"]
    of_classes = np.isin(y_test, CLASSES)
    prior, rows, pictures = load_prior("digits"), [], {}
    for group, count in GROUPS.items():
        index = indices(group, x[:40_000], y[:40_000])
        means = []
        for number in range(NETWORKS):
            model = trained(group, number, x[index], y[index])
            result = audit(model, prior, classes=CLASSES)
            preferred = result.preferred_inputs.images
            seen = [x[index][y[index] == k] for k in CLASSES]
            fresh = [x[40_000:][y[40_000:] == k][:count] for k in CLASSES]
            means.append(preferred.mean(axis=1))
            value = result.scores.set_index("score")["value"]
            near = [
                ratio(s, a[: len(b)], b) for s, a, b in zip(preferred, seen, fresh, strict=True)
            ]
            rows.append({
                "group": group, "network": number,
                "train_accuracy": accuracy(model, x[index], y[index]),
                "test_accuracy": accuracy(model, x_test[of_classes], y_test[of_classes]),
                "estimated_error": result.error, "verdict": result.verdict,
                "homogeneity": result.homogeneity, "diversity": value["diversity"],
                "nearest_ratio": np.mean(near), "cross_talk": value["cross_talk"],
            })  # fmt: skip
            pictures[f"{group}_{number}"] = _pictures(preferred, seen)
        between = [scores.spread(np.stack([m[k] for m in means])) for k in range(len(CLASSES))]
        for row in rows[-NETWORKS:]:
            row["between_networks"] = np.mean(between)
    folder = Path(out)
    pd.DataFrame(rows).round(4).to_csv(folder / "report.csv", index=False)
    np.savez_compressed(folder / "report_pictures.npz", **pictures)
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
