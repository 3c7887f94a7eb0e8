"""`mode.models.train` against Keras's `fit`: one epoch of 30,000 images in batches of 32.

Both start from the same weights. "cold" is the first call in a new process, compilation
included; "warm" is the median of the calls after it. Both sides' imports are not counted.
"""

from benchmarks.measuring import clocked, cold_and_warm, in_new_process, row
from mode.data import load

# Net -> how many times faster than a warm `fit` it shall be.
NETS = {"published": 8, "demo": 8, "lenet5": 1}
PEER = "Keras fit, its defaults, without a progress bar"


def rows(*, data: str = "mnist", nets: tuple[str, ...] = tuple(NETS), repeats: int = 3) -> list:
    """Return a cold and a warm row for every net, each with the test accuracy of both sides."""
    found = []
    for net in nets:
        ours = in_new_process(train_epochs, net, data, repeats)
        peer = in_new_process(fit_epochs, net, data, repeats)
        found += compared(net, ours, peer)
    return found


def compared(net: str, ours: dict, peer: dict) -> list[dict]:
    """Return the rows of one net from what `train_epochs` and `fit_epochs` measured."""
    quality = {"ours_accuracy": ours["accuracy"], "peer_accuracy": peer["accuracy"]}
    return [
        row(
            "training",
            f"{net}, {ours['inputs']} inputs, one epoch, {state}",
            ours[state],
            peer[state],
            peer=PEER,
            at_least=NETS[net] if state == "warm" else None,
            **quality,
        )
        for state in ("cold", "warm")
    ]


def train_epochs(net: str, data: str, repeats: int) -> dict:
    """Measure `train`: every call starts from a newly built model, its clone is on the clock."""
    from mode.models import build, predict, train

    data = load(data)
    seconds, right = [], []
    for seed in range(repeats + 1):
        model = build(net, shape=data.shape, classes=data.classes)
        second, trained = clocked(
            lambda model=model, seed=seed: train(
                model, data.train.x, data.train.y, epochs=1, seed=seed
            )
        )
        seconds.append(second)
        right.append(_accuracy(predict(trained, data.test.x), data))
    return _summary(seconds, right, data)


def fit_epochs(net: str, data: str, repeats: int) -> dict:
    """Measure `fit` on one model, set back to its beginning before every call.

    A new model would make `fit` trace again; going back gives it the best that it can do.
    """
    from mode.models import build, predict

    data = load(data)
    model = build(net, shape=data.shape, classes=data.classes)
    model.optimizer.build(model.trainable_variables)
    variables = [*model.weights, *model.optimizer.variables]
    beginning = [variable.numpy() for variable in variables]
    seconds, right = [], []
    for _ in range(repeats + 1):
        for variable, value in zip(variables, beginning, strict=True):
            variable.assign(value)
        seconds.append(clocked(lambda: model.fit(data.train.x, data.train.y, verbose=0))[0])
        right.append(_accuracy(predict(model, data.test.x), data))
    return _summary(seconds, right, data)


def _accuracy(predictions, data) -> float:
    return float((predictions.argmax(axis=1) == data.test.y).mean())


def _summary(seconds: list[float], right: list[float], data) -> dict:
    accuracy = round(sum(right) / len(right), 4)
    return {**cold_and_warm(seconds), "accuracy": accuracy, "inputs": len(data.train)}
