"""`mode.models.train` against Keras's `fit`: three epochs of 30,000 images in batches of 32.

Both start from the same weights. "cold" is the first call in a new process, compilation
included; the later calls are compared with `fit` in two ways: on a new model, as a study needs
(and `fit` traces anew), and on a model whose training is traced already, the best `fit` can do.
"""

import contextlib
import io

from benchmarks.measurements import clocked, cold_and_warm, in_new_process, row
from mode.data import load

# Net -> how many times faster than the default `fit` on a new model it shall be.
NETS = {"published": 8, "demo": 8, "lenet5": 1}
EPOCHS = 3
PEERS = {
    "new model": "Keras fit, its defaults, a new model",
    "traced": "Keras fit without a progress bar, a model already traced",
}


def rows(*, data: str = "mnist", nets: tuple[str, ...] = tuple(NETS), repeats: int = 3) -> list:
    """Return three rows for every net: cold, warm on a new model, warm on a traced one."""
    timings = []
    for net in nets:
        ours = in_new_process(train_runs, net, data, repeats)
        peers = {kind: in_new_process(fit_runs, net, data, repeats, kind) for kind in PEERS}
        timings += compared(net, ours, peers)
    return timings


def compared(net: str, ours: dict, peers: dict[str, dict]) -> list[dict]:
    """Return the rows of one net from what `train_runs` and `fit_runs` measured."""
    measured = []
    for state, kind in (("cold", "new model"), ("warm", "new model"), ("warm", "traced")):
        aimed = state == "warm" and kind == "new model"
        measured.append(
            row(
                "training",
                f"{net}, {ours['inputs']} inputs, {EPOCHS} epochs, {state}",
                ours[state],
                peers[kind][state],
                peer=PEERS[kind],
                at_least=NETS[net] if aimed else None,
                ours_accuracy=ours["accuracy"],
                peer_accuracy=peers[kind]["accuracy"],
            )
        )
    return measured


def train_runs(net: str, data: str, repeats: int) -> dict:
    """Measure `train`: every call has a newly built model, its clone is on the clock."""
    from mode.models import build, predict, train

    data = load(data)
    seconds, right = [], []
    for seed in range(repeats + 1):
        model = build(net, shape=data.shape, classes=data.classes)
        options = {"epochs": EPOCHS, "seed": seed}
        second, trained = clocked(
            lambda m=model, o=options: train(m, data.train.x, data.train.y, **o)
        )
        seconds.append(second)
        right.append(_accuracy(predict(trained, data.test.x), data))
    return _summary(seconds, right, data)


def fit_runs(net: str, data: str, repeats: int, kind: str) -> dict:
    """Measure `fit` on a new model a call, or on one model set back to its beginning."""
    from mode.models import build, predict

    data = load(data)
    verbose = "auto" if kind == "new model" else 0
    seconds, right, model = [], [], None
    for _ in range(repeats + 1):
        if model is None or kind == "new model":
            model = build(net, shape=data.shape, classes=data.classes)
            model.optimizer.build(model.trainable_variables)
            variables = [*model.weights, *model.optimizer.variables]
            beginning = [variable.numpy() for variable in variables]
        for variable, value in zip(variables, beginning, strict=True):
            variable.assign(value)
        with contextlib.redirect_stdout(io.StringIO()):
            options = {"epochs": EPOCHS, "verbose": verbose}
            seconds.append(
                clocked(lambda m=model, o=options: m.fit(data.train.x, data.train.y, **o))[0]
            )
        right.append(_accuracy(predict(model, data.test.x), data))
    return _summary(seconds, right, data)


def _accuracy(predictions, data) -> float:
    return float((predictions.argmax(axis=1) == data.test.y).mean())


def _summary(seconds: list[float], right: list[float], data) -> dict:
    accuracy = round(sum(right) / len(right), 4)
    return {**cold_and_warm(seconds), "accuracy": accuracy, "inputs": len(data.train)}
