"""Which layers count, what they hold, and which of them is to blame for a fault."""

from mode.layers.blocks import blocks, layer_names
from mode.layers.probes import Probes, probe_layers, softmax_head
from mode.layers.states import features, states
from mode.layers.target import LayerChoice, bhattacharyya, choose_layer, layer_curve, target_layer

__all__ = [
    "LayerChoice",
    "Probes",
    "bhattacharyya",
    "blocks",
    "choose_layer",
    "features",
    "layer_curve",
    "layer_names",
    "probe_layers",
    "softmax_head",
    "states",
    "target_layer",
]
