"""Recorder: instruments a Keras model for the length of one `fit`, then leaves no trace.

It wraps methods on the instance (not the class): the step, the loss, the optimizers' `apply`
and the `call` of leaf layers. The wrappers hand on the very tensors they were given, because
Keras hangs a layer's logits on the tensor object. Nothing is diagnosed here.
"""

import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mode import checks
from mode.diagnosis.facts.layers import activation_name, leaf_layers
from mode.diagnosis.facts.training import Record, empty_record
from mode.diagnosis.recorder.keras_parts import (
    bound,
    build_optimizer,
    is_tracked,
    optimizers,
    split_data,
    unsupported_reason,
    weighted,
)
from mode.diagnosis.recorder.running_statistics import RunningStatistics, unmeasured

_OWNER = "_diagnosis_recorder"


class Recorder:
    """Records statistics of true batches every `every` steps; non-finite values at every step."""

    def __init__(self, every: int = 20):
        self.every = checks.number("every", every, 1, integer=True)
        # of `mode.diagnosis.recorder.step`, which is loaded where TensorFlow is wanted
        self.store: Any = None
        self.trace: Any = None
        self.last_trace: Any = None
        self.statistics: RunningStatistics | None = None
        self.weighted = False
        self.missing: list[str] = []
        self.epochs: list[dict] = []
        self.same_rows: np.ndarray | None = None
        self._wrapped: list[tuple[object, str, object]] = []
        self.model: Any = None
        self.begun = False
        self.loop = False  # the steps are the user's own, from the model's call to the optimizer's
        self.on_step: Callable[[], None] = lambda: None
        self.on_error: Callable[[BaseException], None] = lambda error: None

    def install(self, model) -> None:
        """Wrap the model's step; the compiled functions are made again at the next step.

        Raises:
            InputError: when another recorder is about to watch the same training.
        """
        _refuse_second(model)
        self.model = model
        model.__dict__[_OWNER] = self
        reason = unsupported_reason(model)
        if reason:
            self.missing.append(reason)
            return
        # only this part needs TensorFlow
        self.tracing = importlib.import_module("mode.diagnosis.recorder.step")
        self.store = self.tracing.Store(self.every)
        self._wrap(model, "make_train_function", self._make_function)
        self._wrap(model, "train_step", self._train_step)
        self._wrap(model, "test_step", self._test_step)
        self._wrap(model, "compute_loss", self._compute_loss)
        self._wrap(model, "call", self._model_call)
        for optimizer in optimizers(model):
            self._wrap(optimizer, "apply", functools.partial(self._apply, optimizer))
        for layer in leaf_layers(model):
            self._wrap(layer, "call", functools.partial(self._call, layer))
        model.train_function = None
        model.test_function = None
        build_optimizer(model)

    def remove(self) -> None:
        """Put every wrapped method back; harmless to repeat."""
        for owner, name, before in reversed(self._wrapped):
            if before is None:
                owner.__dict__.pop(name, None)
            else:
                owner.__dict__[name] = before
        if self._wrapped:
            self.model.train_function = None
            self.model.test_function = None
        self._wrapped = []
        if self.model is not None and self.model.__dict__.get(_OWNER) is self:
            del self.model.__dict__[_OWNER]

    def _wrap(self, owner, name: str, around) -> None:
        original = getattr(owner, name)
        before = owner.__dict__.get(name)

        @functools.wraps(original)
        def wrapper(*args, **kwargs):
            return around(original, *args, **kwargs)

        owner.__dict__[name] = wrapper
        self._wrapped.append((owner, name, before))

    def _make_function(self, original, *args, **kwargs):
        before = self.model.train_function
        original(*args, **kwargs)
        if self.model.train_function is not before:  # `train_on_batch` asks for it at every step
            self.model.train_function = self._guarded(self.model.train_function)

    def _guarded(self, function):
        """Return the compiled step with a way to learn of its exceptions."""

        @functools.wraps(function)
        def guarded(iterator):
            try:
                return function(iterator)
            except (StopIteration, self.tracing.EndOfData):
                raise
            except BaseException as error:
                self.on_error(error)
                raise

        return guarded

    def _train_step(self, original, data):
        self.trace = self.last_trace = self.tracing.Trace(data=split_data(data, self.model))
        self.weighted = weighted(data)
        try:
            logs = original(data)
        finally:
            trace, self.trace = self.trace, None
        if trace.loss is None and isinstance(logs, dict):
            trace.loss = logs.get("loss")
        self._guard(self.tracing.flush, trace, self.store)
        return logs

    def _test_step(self, original, data):
        logs = original(data)
        self._guard(
            self.tracing.seek, self.tracing.Trace(data=split_data(data, self.model)), self.store
        )
        return logs

    def _guard(self, act, *arguments) -> None:
        try:
            act(*arguments)
        except Exception as error:  # an observer must never break what it observes
            self.missing.append(f"statistics of the step ({type(error).__name__}: {error})")

    def _compute_loss(self, original, *args, **kwargs):
        loss = original(*args, **kwargs)
        if self.trace is not None:
            arguments = bound(original, args, kwargs)
            self.trace.loss, self.trace.output = loss, arguments.get("y_pred", self.trace.output)
            self.trace.again = self.tracing.recompute_loss(self.model, arguments)
        return loss

    def _model_call(self, original, *args, **kwargs):
        if self.loop and (self.trace is None or self.trace.loop):
            inputs = args[0] if args else next(iter(kwargs.values()), None)
            self.trace = self.tracing.Trace(data=(inputs, None), loop=True)
        output = original(*args, **kwargs)
        if self.trace is not None:
            self.trace.output = output
        return output

    def _apply(self, optimizer, original, grads, trainable_variables=None):
        if self.trace is not None:
            self._note_gradients(optimizer, grads, trainable_variables)
        done = original(grads, trainable_variables)
        if self.trace is not None and self.trace.loop:
            trace, self.trace = self.trace, None
            self.last_trace = trace
            self._guard(self.tracing.flush, trace, self.store)
            self.on_step()
        return done

    def note_loss(self, loss) -> None:
        """Take the loss of a step of the user's own, which its gradients are taken of."""
        flat = self.tracing.tensors(loss)
        if self.trace is not None and self.trace.loop and flat:
            self.trace.loss = flat[0]

    def _note_gradients(self, optimizer, grads, variables) -> None:
        scale = getattr(optimizer, "dynamic_scale", None) if optimizer.built else None
        guarded = hasattr(optimizer, "inner_optimizer")
        self.trace.guarded |= guarded
        tracked = list(variables if variables is not None else optimizer._trainable_variables)
        for gradient, variable in zip(list(grads), tracked, strict=False):
            if gradient is not None and is_tracked(variable, tracked):
                before = self.tracing.current(variable)
                value = scale.value if scale is not None else None
                self.trace.gradients.append((variable, gradient, before, value))

    def _call(self, layer, original, *args, **kwargs):
        output = original(*args, **kwargs)
        if self.trace is not None:
            floats = [t for t in self.tracing.tensors(output) if t.dtype.is_floating]
            if floats:
                self.trace.activations.append(
                    (layer.path or layer.name, activation_name(layer), floats[0])
                )
        return output

    def read(self) -> None:
        """Take in a new record from the graph's variables."""
        values = self.store.numpy("values") if self.store is not None else None
        if values is None:
            return
        if self.statistics is None:
            self.statistics = RunningStatistics(self.store.layout)
        self._guard(self.statistics.add, values)

    def samples(self) -> Iterator[tuple[str, str, np.ndarray]]:
        """Yield (phase, layer, entries) of each tensor of the last recorded step; of a large
        tensor a sample of its entries."""
        if self.statistics is not None:
            self._guard(self.statistics.settle)
            for row, entries in zip(
                self.statistics.layout.rows, self.statistics.samples, strict=False
            ):
                yield row.phase, "/".join(filter(None, (row.layer, row.variable))), entries

    def evaluate(self) -> None:
        """Note how the model evaluates the rows of the last recorded step."""
        self.read()
        if self.statistics is not None and not self.broken:
            self._guard(self._evaluate, self.statistics)

    def _evaluate(self, statistics: RunningStatistics) -> None:
        statistics.settle()
        inputs = self.last_trace.data[0]
        arrays = statistics.data[: len(statistics.layout.inputs)]
        predicted = self.tracing.evaluate(self.model, inputs, arrays)
        self.same_rows = statistics.compare(predicted)

    @property
    def broken(self) -> bool:
        """Whether a record tells of a step that was not finite."""
        return self.statistics is not None and self.statistics.broken > 0

    def seek(self) -> None:
        """Look for the last validation batch among the training batches that were recorded."""
        values = self.store.numpy("sought") if self.store is not None else None
        if values is not None and self.statistics is not None:
            self._guard(self.statistics.seek, values)

    def new_epoch(self) -> None:
        """Forget the extremes of the units, which are followed epoch by epoch."""
        if self.statistics is not None:
            self._guard(self.statistics.new_epoch)

    def _traced_shapes(self) -> dict:
        """Shapes are known from the trace even where no step ever ran."""
        if self.last_trace is None:
            return {}
        return {
            f"{kind}s": tuple(
                unmeasured(f"{kind} {i}", self.tracing.described(tensor))
                for i, tensor in enumerate(self.tracing.tensors(part))
            )
            for kind, part in zip(("input", "target"), self.last_trace.data, strict=True)
        }

    def record(self, *, finished: bool = False) -> Record:
        """Return what is known so far."""
        self.read()
        fields: dict[str, Any] = {
            "epochs": tuple(self.epochs),
            "finished": finished,
            "weighted": self.weighted,
            "total_steps": self.store.steps() if self.store is not None else 0,
        }
        if self.statistics is not None:
            self._guard(self.statistics.settle)
        fields["missing"] = tuple(dict.fromkeys(self.missing))
        fields |= {} if self.same_rows is None else {"same_rows": self.same_rows}
        if self.statistics is None or not self.statistics.steps:
            return empty_record(**fields, **self._traced_shapes())
        broken = {"broken_step": self.statistics.broken, "broken": self.store.numpy("broken")}
        return empty_record(**fields, **broken, **self.statistics.fields())


def _refuse_second(model) -> None:
    other = model.__dict__.get(_OWNER)
    if other is None:
        return
    waiting = not other.begun
    other.remove()
    if waiting:
        checks.fail("a training takes one Diagnosis callback", "two on the same model")
