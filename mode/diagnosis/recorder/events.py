"""TensorBoard event folders: read a training's scalars, write histograms, scalars and texts.

TensorFlow writes and reads the files itself; TensorBoard, which shows them, need not be there.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from mode import checks

_FILES = "*tfevents*"
# the folders of `keras.callbacks.TensorBoard`: those of validation get the prefix of Keras's logs
_VALIDATION = ("validation", "val", "valid", "eval")


class EventWriter:
    """Writes into one event folder, which is made with the first value."""

    def __init__(self, folder):
        self._writer = tf.summary.create_file_writer(str(folder))

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Write one number; a value that is not finite too."""
        tf.raw_ops.WriteScalarSummary(writer=self._resource, step=step, tag=tag, value=value)

    def histogram(self, tag: str, values, step: int) -> None:
        """Write the histogram of an array of any shape; of its finite values only."""
        values = tf.constant(values, tf.float32)
        values = tf.boolean_mask(values, tf.math.is_finite(values))
        if len(values):
            writer = self._resource
            tf.raw_ops.WriteHistogramSummary(writer=writer, step=step, tag=tag, values=values)

    def text(self, tag: str, text: str, step: int) -> None:
        """Write a text, which TensorBoard shows as Markdown."""
        data = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="text")
        metadata = tf.compat.v1.SummaryMetadata(plugin_data=data)
        with self._writer.as_default():
            tf.summary.write(tag, tf.constant(text), step=step, metadata=metadata)

    @property
    def _resource(self):
        return self._writer._resource

    def flush(self) -> None:
        """Put everything on the disk."""
        self._writer.flush()

    def close(self) -> None:
        """Put everything on the disk and end."""
        self._writer.close()


def read_events(folder) -> Iterator[tuple[str, str, int, object]]:
    """Yield (run, tag, step, value) of every event below a folder, file by file.

    `run` is the folder of the file. A scalar is a float, a text a str, a histogram TensorFlow's
    `HistogramProto`; other tensors are left out.

    Raises:
        InputError: where there is no event file, or one is damaged from the start.
    """
    files = sorted(path for path in Path(folder).rglob(_FILES) if path.is_file())
    if not files:
        checks.fail(f"{folder} must be a folder of TensorBoard event files", "no *tfevents* in it")
    for file in files:
        try:
            for record in tf.data.TFRecordDataset(str(file)):
                event = tf.compat.v1.Event.FromString(record.numpy())
                for value in event.summary.value:
                    plain = _plain(value)
                    if plain is not None:
                        yield file.parent.name, value.tag, int(event.step), plain
        except tf.errors.DataLossError:  # a training that was killed leaves half a record
            continue
        except Exception as error:  # protobuf has an error class of its own for each of its kinds
            checks.fail(f"{file} must be a TensorBoard event file", type(error).__name__)


def histogram_bins(histogram) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges (bins + 1,) and the counts (bins,) of a histogram that was read."""
    limits = np.clip(np.array(histogram.bucket_limit), histogram.min, histogram.max)
    return np.concatenate([[histogram.min], limits]), np.array(histogram.bucket)


def _plain(value):
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return float(value.simple_value)
    if kind == "histo":
        return value.histo
    if kind != "tensor":
        return None
    tensor = tf.make_ndarray(value.tensor)
    if tensor.size != 1:
        return None
    item = tensor.reshape(-1)[0]
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else _scalar(item)


def _scalar(item) -> float | None:
    try:
        return float(item)
    except (TypeError, ValueError):
        return None


def read_scalars(folder) -> dict[str, list[float]]:
    """Return the scalars by epoch, as Keras logs them: `epoch_loss` of `validation` is `val_loss`.

    Of a tag that was written twice at a step the last value counts.

    Raises:
        InputError: as `read_events`, and where several trainings are below the folder.
    """
    series: dict[str, dict[int, float]] = {}
    runs: dict[str, str] = {}
    for run, tag, step, value in read_events(folder):
        if isinstance(value, float) and not tag.startswith("batch_"):
            name = tag.removeprefix("epoch_")
            name = f"val_{name}" if run in _VALIDATION else name
            if runs.setdefault(name, run) != run:
                checks.fail(f"{folder} must hold one training", f"{runs[name]!r} and {run!r}",
                            "Name the folder of one.")  # fmt: skip
            series.setdefault(name, {})[step] = value
    steps = sorted({step for name in series if name == "loss" for step in series[name]})
    return {n: [values.get(step, math.nan) for step in steps] for n, values in series.items()}
