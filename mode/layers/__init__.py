"""The layers of a model: their blocks, activations and probes, and the target layer of a fault."""

from mode.layers.blocks import LayerBlock, blocks, layer_names
from mode.layers.probes import Probes, probe_layers, softmax_head
from mode.layers.states import features, reductions, states
from mode.layers.target import LayerChoice, bhattacharyya, choose_layer, layer_curve, target_layer

__all__ = [
    "LayerBlock",
    "LayerChoice",
    "Probes",
    "bhattacharyya",
    "blocks",
    "choose_layer",
    "features",
    "layer_curve",
    "layer_names",
    "probe_layers",
    "reductions",
    "softmax_head",
    "states",
    "target_layer",
]
