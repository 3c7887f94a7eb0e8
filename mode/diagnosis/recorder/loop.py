"""The steps of a user's own loop: what `fit` would tell is taken from what the loop calls."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import tensorflow as tf

from mode.diagnosis.recorder.recorder import Recorder


@contextmanager
def watched_loop(model, recorder: Recorder, on_step: Callable[[], None]) -> Iterator[None]:
    """Record the steps of a loop: `train_on_batch`, or a tape's gradients that are applied.

    Args:
        on_step: is called after each step whose end Python sees: not in a compiled function.

    While it lasts, `tf.GradientTape.gradient` notes what it takes the gradient of: the loss.
    """
    one, gradient = model.train_on_batch, tf.GradientTape.gradient

    @functools.wraps(one)
    def train_on_batch(*args, **kwargs):
        logs = one(*args, **kwargs)
        on_step()
        return logs

    @functools.wraps(gradient)
    def noted(tape, target, *args, **kwargs):
        recorder.note_loss(target)
        return gradient(tape, target, *args, **kwargs)

    def stepped() -> None:
        if tf.executing_eagerly():
            on_step()

    recorder.loop, recorder.on_step = True, stepped
    model.__dict__["train_on_batch"], tf.GradientTape.gradient = train_on_batch, noted
    try:
        yield
    finally:
        recorder.loop, recorder.on_step = False, lambda: None
        model.__dict__.pop("train_on_batch", None)
        tf.GradientTape.gradient = gradient
