"""Custom losses and layers, traced once: what they compute that no table of outputs can know."""

from functools import partial

import keras

from mode.diagnosis.findings import Finding, Where
from mode.diagnosis.heads import Head, losses_of
from mode.diagnosis.intervals import FULL
from mode.diagnosis.modelfacts import ModelFacts, leaf_layers
from mode.diagnosis.own_logits import activated_again
from mode.diagnosis.unsafe import unsafe_operations

_RANGES = {
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, float("inf")),
}


def own_code_findings(model, facts: ModelFacts) -> list[Finding]:
    """Return what custom losses and layers show; [] on a backend that cannot be traced."""
    if keras.backend.backend() != "tensorflow" or not model.built:
        return []
    found = []
    for trace, look in (*_losses(model, facts), *_layers(model, facts)):
        try:
            found += look(trace())
        except Exception:  # a function that cannot be traced alone is judged while training
            continue
    return found


def _losses(model, facts: ModelFacts):
    """Yield how each custom loss is traced and how its graph is looked at."""
    given = losses_of(model, [head.name for head in facts.heads])
    for head, loss in zip(facts.heads, given, strict=True):
        if head.family == "custom" and loss is not None:
            yield partial(_loss_graph, loss, head.shape), partial(_look_at_loss, facts, head)


def _look_at_loss(facts: ModelFacts, head: Head, graph) -> list[Finding]:
    target, predicted = graph.inputs[:2]  # captured variables come after them
    ranges = {target.name: FULL, predicted.name: _RANGES.get(head.activation, FULL)}
    unsafe = unsafe_operations(facts, Where("loss", head.name), graph, ranges)
    return [*unsafe, *activated_again(head, graph, predicted)]


def _layers(model, facts: ModelFacts):
    """Yield how each custom layer is traced and how its graph is looked at."""
    for layer in leaf_layers(model):
        own = not type(layer).__module__.startswith("keras.")
        if layer._inbound_nodes and (own or type(layer).__name__ == "Lambda"):
            shapes = [tuple(tensor.shape) for tensor in keras.tree.flatten(layer.input)]
            place = Where("layer", layer.name)
            look = partial(unsafe_operations, facts, place, ranges={})
            yield partial(_graph, _called(layer.call, layer.input), shapes), look


def _called(call, structure):
    """Return `call` as a function of as many arguments as its input holds tensors."""
    return lambda *tensors: call(keras.tree.pack_sequence_as(structure, tensors))


def _loss_graph(loss, shape):
    """Trace a loss for rows like the predictions; one that refuses them may take labels."""
    try:
        return _graph(loss, [shape, shape])
    except Exception:
        return _graph(loss, [shape[:-1], shape])


def _graph(function, shapes):
    import tensorflow as tf

    arguments = [tf.TensorSpec([None, *shape[1:]], tf.float32) for shape in shapes]
    traced = tf.function(lambda *a: function(*a), autograph=False)
    return traced.get_concrete_function(*arguments).graph
