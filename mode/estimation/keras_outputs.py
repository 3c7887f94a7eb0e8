"""Ask a Keras model for the outputs of inputs: probabilities, and activations of some."""

from dataclasses import dataclass

import keras
import numpy as np

from mode.estimation.inputs import Form
from mode.estimation.outputs import Outputs
from mode.layers import blocks, states
from mode.layers.blocks import last_hidden_layer
from mode.models import predict
from mode.models.classifier import gives_logits, probabilities


class Asked:
    """A model that is asked for outputs: its probabilities and the activations in front of its
    output layer, which is looked up once."""

    def __init__(self, model: keras.Model, x: np.ndarray):
        by_name = blocks(model, x[:3])
        self.model, self.layer = model, last_hidden_layer([*by_name])
        self.blocks = {self.layer: by_name[self.layer]} if len(by_name) > 1 else {}

    def outputs(self, x: np.ndarray) -> Outputs:
        """Return the probabilities and the activations of all inputs, from one forward pass."""
        if not self.blocks:
            return self.with_activations(predict(self.model, x), x, np.arange(len(x)))
        chunks: list[np.ndarray] = []
        by_name = states(self.model, x, [self.layer], layer_blocks=self.blocks, outputs=chunks)
        raw = np.concatenate(chunks).astype(np.float32, copy=False)
        outputs = probabilities(raw, logits=gives_logits(self.model, raw))
        return Outputs(outputs, by_name[self.layer], np.arange(len(x)))

    def with_activations(
        self, probabilities: np.ndarray, few: np.ndarray, rows: np.ndarray
    ) -> Outputs:
        """Return the outputs of inputs with these probabilities; `few` are those at `rows`.

        A model with one layer alone has the logarithms of its probabilities for activations.
        """
        activations = np.log(np.maximum(probabilities[rows], 1e-6))
        if self.blocks:
            by_name = states(self.model, few, [self.layer], layer_blocks=self.blocks)
            activations = by_name[self.layer]
        return Outputs(probabilities, activations, rows)


@dataclass(frozen=True)
class Predicted:
    """The probabilities of a model for raw inputs, as a function that can be sent to a worker."""

    model: keras.Model
    form: Form

    def __call__(self, block: np.ndarray) -> np.ndarray:
        return predict(self.model, self.form.of(block))
