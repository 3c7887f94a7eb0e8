"""`Diagnosis`: a Keras callback that watches one training and says what is wrong with it."""

import importlib
import sys
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import keras

from mode import checks
from mode.diagnosis.diagnose import diagnose, moments_of, static_findings
from mode.diagnosis.facts.layer_numbers import PREFIX, layer_numbers
from mode.diagnosis.facts.model import ModelFacts, model_facts
from mode.diagnosis.facts.outcome import TrainingOutcome
from mode.diagnosis.facts.training import EARLY, Record, starts_slowly, still_falling
from mode.diagnosis.findings import Finding, When, worst_first
from mode.diagnosis.limits import LIMITS
from mode.diagnosis.recorder.recorder import Recorder
from mode.diagnosis.report import HopelessTrainingError, Report
from mode.diagnosis.rules.custom_code import custom_code_findings
from mode.diagnosis.rules.outputs import failure_findings

# a training is judged again when it has grown so much: often at first, and by no clock
GROWTH = 1.5
_HOPELESS = ("numerical_error", "zero_loss", "lr_negative", "nan_in_input", "single_class_target")


def _one_folder(log_dir) -> Path | None:
    """Return the folder for events as a path, None for none."""
    if log_dir is None:
        return None
    if not isinstance(log_dir, str | Path):
        checks.fail("log_dir must be the path of one folder", repr(log_dir))
    if Path(log_dir).is_file():
        checks.fail("log_dir must be a folder", f"the file {log_dir}")
    return Path(log_dir)


def _positive(seconds: float | None) -> float | None:
    if seconds is not None and not seconds > 0:
        checks.fail("seconds must be a positive number", repr(seconds))
    return seconds


class Diagnosis(keras.callbacks.Callback):
    """Watches a training; `report` holds what was found, during the training and after it.

    Args:
        stop: end a training that cannot succeed; False only watches.
        terminate: end it by a `HopelessTrainingError`, which says where and when, instead.
        every: steps between two records of gradients, updates and activations.
        log: add `layer_numbers`, such as `diag/<layer>/grad_norm`, to the logs of each epoch.
            Callbacks that stand behind this one in the list record them, in any order:
            `callbacks=[Diagnosis(log=True), keras.callbacks.CSVLogger("log.csv"),
            mlflow.keras.MlflowCallback(), wandb.integration.keras.WandbMetricsLogger()]`.
        log_dir: a folder for TensorBoard, where each epoch adds histograms of each layer's
            activations, gradients and updates at its last recorded step, and the report as text.
        seconds: end the training after so many; what it has not reached by then is not diagnosed.

    Raises:
        InputError: where an option is of the wrong kind.
    """

    def __init__(
        self, *, stop: bool = False, terminate: bool = False, every: int = 20, log: bool = False,
        log_dir: str | Path | None = None, seconds: float | None = None,
    ):  # fmt: skip
        super().__init__()
        self.stop, self.terminate, self.every, self.log = stop, terminate, every, log
        self.log_dir, self.seconds = _one_folder(log_dir), _positive(seconds)
        self.report = Report()
        self.recorder = Recorder(every)
        self._events: Any = None
        self.early: Callable[[], None] = lambda: None  # called before the first step

    def set_model(self, model) -> None:
        """Install the recorder, before the training step is compiled."""
        super().set_model(model)
        self.recorder = Recorder(self.every)
        self.recorder.install(model)
        self.recorder.on_error = self._failed
        self._facts: ModelFacts | None = None
        self._extra: tuple[Finding, ...] = ()
        self._count, self._due, self._start = 0, 0.0, time.perf_counter()
        self._cut = False
        self._first: float | None = None
        self._compiled: float | None = None
        self._look_at_model()
        owner = sys._getframe(1).f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList):
            # whatever ends the training, the list of callbacks dies with it
            weakref.finalize(owner, self.recorder.remove)

    @contextmanager
    def watching(self, model) -> Iterator["Diagnosis"]:
        """Watch a loop of the user's own around `train_on_batch` or a gradient tape.

        The model must be called, and its optimizer applied, inside the `with` block; a function
        that `tf.function` compiled before is not seen. After each step of one that is compiled
        inside, call `on_train_batch_end(step)`, as for any callback. A tape's loop shows no
        targets: their rules, and those that compare with the best constant, are left out.

            with mode.Diagnosis().watching(model) as watch:
                for x, y in batches:
                    model.train_on_batch(x, y)
            print(watch.report)

        Raises:
            InputError: for a model that is not compiled with an optimizer.
        """
        if getattr(model, "optimizer", None) is None:
            checks.fail("watching needs a model with an optimizer", "a model that is not compiled",
                        "Call model.compile(optimizer=..., loss=...) first.")  # fmt: skip
        self.set_model(model)
        self.on_train_begin()
        try:
            with self._loop(model):
                yield self
        except BaseException:
            self._leave()
            raise
        self._say_what_was_not_seen()
        self.on_train_end()

    def _loop(self, model) -> AbstractContextManager[None]:
        if self.recorder.store is None:  # the recorder has said why it cannot watch
            return nullcontext()
        loop = importlib.import_module("mode.diagnosis.recorder.loop")
        return loop.watched_loop(model, self.recorder, lambda: self.on_train_batch_end(0))

    def _say_what_was_not_seen(self) -> None:
        steps = self.recorder.store.steps() if self.recorder.store is not None else 0
        if not steps and self.recorder.store is not None:
            self.recorder.missing.append("any step: the loop's function was compiled before, or "
                                         "another optimizer or model was used")  # fmt: skip
        elif steps > max(self._count, 1):
            self.recorder.missing.append("all steps but the last: call on_train_batch_end(step) "
                                         "after each step of a compiled function")  # fmt: skip

    def _look_at_model(self) -> None:
        """Take the facts while the weights are fresh; an unbuilt model waits for its first step."""
        if self._facts is None and self.model.built:
            self._facts = model_facts(self.model)
            self._extra = tuple(custom_code_findings(self.model, self._facts))

    def on_train_begin(self, logs=None) -> None:
        """Begin the clock."""
        self.recorder.begun = True
        self.report = Report()
        self.early()

    def certain(self, x=None, y=None) -> list[Finding]:
        """Return what is above a note whatever the training does, of a model that is built."""
        if self._facts is None:
            return []
        inputs = moments_of("input", x, self._facts.input_names)
        targets = moments_of("target", y, [head.name for head in self._facts.heads])
        findings = [*static_findings(self._facts, inputs, targets), *self._extra]
        return worst_first([f for f in findings if f.severity != "note" and f.gate == "none"])

    def on_epoch_begin(self, epoch, logs=None) -> None:
        """Begin a new epoch of unit statistics."""
        if epoch:
            self.recorder.new_epoch()

    def on_train_batch_end(self, batch, logs=None) -> None:
        """Collect a record now and then, and diagnose when that is due."""
        self._count += 1
        if self._count == 1:
            self._compiled = self._elapsed()
        if self._count <= EARLY or self._count % self.every == 0:
            before = self.recorder.broken
            self.recorder.read()
            news = self.recorder.broken and not before
            if news or self._count >= self._due:
                self._diagnose()
        if self.seconds is not None and self._elapsed() > self.seconds:
            self.model.stop_training = self._cut = True

    def on_test_batch_end(self, batch, logs=None) -> None:
        """Look for rows of the validation data among those of the training."""
        if batch < EARLY or batch % self.every == 0:
            self.recorder.seek()

    def on_epoch_end(self, epoch, logs=None) -> None:
        """Note the epoch's logs, diagnose when that is due, and add to the logs."""
        self.recorder.epochs.append({k: float(v) for k, v in (logs or {}).items()})
        ends = self.model.stop_training or epoch + 1 == (self.params or {}).get("epochs")
        if ends and self._facts is not None and self._facts.lag(self._count) > LIMITS.lag_left:
            self.recorder.evaluate()
        if self._count >= self._due:
            self._diagnose()
        if self.log and logs is not None:
            logs.update(layer_numbers(self.recorder.record(), self.model.name))
        if self.log_dir is not None:
            self._write_events(epoch + 1)

    def _write_events(self, epoch: int) -> None:
        """Add an epoch to the event folder; TensorFlow alone writes it."""
        if self._events is None:
            events = importlib.import_module("mode.diagnosis.recorder.events")
            self._events = events.EventWriter(self.log_dir)
        for phase, place, entries in self.recorder.samples():
            if phase in ("activation", "gradient", "update"):
                place = place.removeprefix(f"{self.model.name}/")
                self._events.histogram(f"{PREFIX}/{place}/{phase}", entries, epoch)
        self._events.text(f"{PREFIX}/report", f"```\n{self.report}\n```", epoch)
        self._events.flush()

    def on_train_end(self, logs=None) -> None:
        """Give the final diagnosis and leave the model as it was."""
        if self._cut:
            late = f"what follows the first {self.seconds:g} s, the limit of this training"
            self.recorder.missing.append(late)
        try:
            self._diagnose(finished=not self._cut)
            if self._events is not None:  # the last word, which no epoch has
                self._events.text(
                    f"{PREFIX}/report", f"```\n{self.report}\n```", len(self.recorder.epochs) + 1
                )
        finally:
            self._leave()

    def _leave(self) -> None:
        self.recorder.remove()
        if self._events is not None:
            self._events.close()
            self._events = None

    def _diagnose(self, *, finished: bool = False) -> None:
        self._due, stopped = GROWTH * self._count, self.report.stopped
        try:
            self._look_at_model()
            if self._facts is None:
                return
            record = self.recorder.record(finished=finished)
            findings, outcome = diagnose(record, self._facts, self._extra)
        except Exception as error:  # a rule that fails must not end the training it watches
            self.recorder.missing.append(f"judgment ({type(error).__name__}: {error})")
            warnings.warn(f"diagnosis failed: {error}", stacklevel=2)
            return
        self._tell(findings, outcome, record, stopped)
        ending = (self.stop or self.terminate) and not (finished or self._cut)
        if ending and self._hopeless(record, outcome):
            self.model.stop_training = True
            self._tell(findings, outcome, record, True)
            if self.terminate:
                self._leave()  # an exception ends the training without its last callback
                raise HopelessTrainingError(self.report)

    def _elapsed(self) -> float:
        return time.perf_counter() - self._start

    def _tell(self, findings, outcome, record, stopped: bool) -> None:
        """Make the report, and note when the first finding above a note came."""
        if self._first is None and any(f.severity != "note" for f in findings):
            self._first = self._elapsed()
        times = (self._first, self._compiled)
        self.report = Report(tuple(findings), outcome, record, stopped, *times)

    def _hopeless(self, record: Record, outcome: TrainingOutcome) -> bool:
        """An error that more steps cannot fix; a mere failure so far gets time to recover."""
        errors = [f for f in self.report.findings if f.severity == "error"]
        if {f.symptom for f in errors} & {*_HOPELESS}:
            return True
        patient = len(record.epochs) >= 5 and record.total_steps >= 200
        patient |= record.total_steps >= 1000
        if not errors or outcome.level != "bad" or not patient or still_falling(record):
            return False
        # what was certain before the first step needs no more of them
        sure = any(f.gate == "none" and f.when == When() for f in errors)
        return sure or not starts_slowly(record, (self.params or {}).get("epochs") or 0)

    def _failed(self, error: BaseException) -> None:
        """Add what was found to an exception of the training, which goes on as it was."""
        try:
            self._look_at_model()
            if self._facts is not None:
                record = self.recorder.record(finished=True)
                extra = (*self._extra, *failure_findings(error, self._facts))
                findings, outcome = diagnose(record, self._facts, extra)
                self._tell(findings, outcome, record, False)
                if self.report.alarms:
                    error.add_note(f"Diagnosis:\n{self.report}")
        except Exception as trouble:  # the training's own error matters more
            error.add_note(f"Diagnosis failed too: {type(trouble).__name__}: {trouble}")
        finally:
            self._leave()
