"""Statistics of true training steps; the only part of the diagnosis that needs TensorFlow."""
