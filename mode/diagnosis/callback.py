"""`Diagnosis`: a Keras callback that watches one training and says what is wrong with it."""

import sys
import time
import warnings
import weakref

import keras

from mode.diagnosis.diagnose import diagnose
from mode.diagnosis.facts.model import ModelFacts, model_facts
from mode.diagnosis.facts.outcome import TrainingOutcome
from mode.diagnosis.facts.training import EARLY, Record, still_falling
from mode.diagnosis.findings import Finding
from mode.diagnosis.recorder.recorder import Recorder
from mode.diagnosis.report import Report
from mode.diagnosis.rules.custom_code import custom_code_findings
from mode.diagnosis.rules.outputs import failure_findings

# a training is judged again when it has grown so much: often at first, and by no clock
_GROWTH = 1.5
_HOPELESS = ("numerical_error", "zero_loss", "lr_negative", "nan_in_input", "single_class_target")


class Diagnosis(keras.callbacks.Callback):
    """Watches a training; `report` holds what was found, during the training and after it.

    Args:
        stop: end a training that cannot succeed; False only watches.
        every: steps between two records of gradients, updates and activations.
    """

    def __init__(self, *, stop: bool = False, every: int = 20):
        super().__init__()
        self.stop, self.every = stop, every
        self.report = Report()
        self.recorder = Recorder(every)

    def set_model(self, model) -> None:
        """Install the recorder, before the training step is compiled."""
        super().set_model(model)
        self.recorder = Recorder(self.every)
        self.recorder.install(model)
        self.recorder.on_error = self._failed
        self._facts: ModelFacts | None = None
        self._extra: tuple[Finding, ...] = ()
        self._count, self._due, self._start = 0, 0.0, time.perf_counter()
        self._first: float | None = None
        self._compiled: float | None = None
        self._look_at_model()
        owner = sys._getframe(1).f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList):
            # whatever ends the training, the list of callbacks dies with it
            weakref.finalize(owner, self.recorder.remove)

    def _look_at_model(self) -> None:
        """Take the facts while the weights are fresh; an unbuilt model waits for its first step."""
        if self._facts is None and self.model.built:
            self._facts = model_facts(self.model)
            self._extra = tuple(custom_code_findings(self.model, self._facts))

    def on_train_begin(self, logs=None) -> None:
        """Begin the clock."""
        self.recorder.begun = True
        self.report = Report()

    def on_epoch_begin(self, epoch, logs=None) -> None:
        """Begin a new epoch of unit statistics."""
        if epoch:
            self.recorder.new_epoch()

    def on_train_batch_end(self, batch, logs=None) -> None:
        """Collect a record now and then, and judge what is known when that is due."""
        self._count += 1
        if self._count == 1:
            self._compiled = self._elapsed()
        if self._count <= EARLY or self._count % self.every == 0:
            before = self.recorder.broken
            self.recorder.read()
            news = self.recorder.broken and not before
            if news or self._count >= self._due:
                self._judge()

    def on_test_batch_end(self, batch, logs=None) -> None:
        """Look for rows of the validation data among those of the training."""
        if batch < EARLY or batch % self.every == 0:
            self.recorder.seek()

    def on_epoch_end(self, epoch, logs=None) -> None:
        """Note the epoch's logs, and judge what is known when that is due."""
        self.recorder.epochs.append({k: float(v) for k, v in (logs or {}).items()})
        if self._count >= self._due:
            self._judge()

    def on_train_end(self, logs=None) -> None:
        """Give the final judgment and leave the model as it was."""
        try:
            self._judge(finished=True)
        finally:
            self.recorder.remove()

    def _judge(self, *, finished: bool = False) -> None:
        self._due, stopped = _GROWTH * self._count, self.report.stopped
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
        if self.stop and not finished and self._hopeless(record, outcome):
            self.model.stop_training = True
            self._tell(findings, outcome, record, True)

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
        errors = {f.symptom for f in self.report.findings if f.severity == "error"}
        if errors & {*_HOPELESS}:
            return True
        patient = len(record.epochs) >= 5 and record.total_steps >= 200
        patient |= record.total_steps >= 1000
        return bool(errors) and outcome.level == "bad" and patient and not still_falling(record)

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
            self.recorder.remove()
