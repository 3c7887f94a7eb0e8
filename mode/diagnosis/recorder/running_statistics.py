"""Running statistics of what was copied out of the training steps (numpy, no opinion)."""

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from mode.diagnosis.facts.data import Moments
from mode.diagnosis.facts.training import HEAD_COLUMNS, Row
from mode.diagnosis.recorder import batch_statistics as batch

FEATURES = 1024  # per-feature statistics up to this width, one summary beyond
# step, first broken step, mean loss since the last record, loss of this step, the same recomputed
_WINDOW = 5
SAMPLE, WIDTH = 300, 256  # rows and features that are kept to see how targets go with inputs
# records are worked off together, up to that many or that many entries
TOGETHER, ENTRIES = 8, 1 << 20


@dataclass(frozen=True)
class Tensor:
    """A tensor of the data or the predictions; `features` are followed one by one.

    `shape` is that of the first trace, None where it varies.
    """

    rank: int
    features: int
    dtype: str
    shape: tuple = field(compare=False)


@dataclass(frozen=True)
class Layout:
    """The order of what one record holds: rows, units of rectified layers, data, predictions."""

    rows: tuple[Row, ...]
    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    units: tuple[tuple[str, int], ...]

    @property
    def ranks(self) -> list[int]:
        """The ranks of the data and the predictions, in order."""
        return [tensor.rank for tensor in (*self.inputs, *self.targets, *self.outputs)]

    @property
    def paired(self) -> bool:
        """Whether every output has a target of its own."""
        return len(self.targets) == len(self.outputs)


class RunningStatistics:
    """Adds up records, one `add` each; `settle` before reading what is known."""

    def __init__(self, layout: Layout):
        self.layout = layout
        self.last = self.broken = 0  # the last recorded step, the first that was not finite
        self.batch = 0  # rows of the largest batch
        self._waiting: list[np.ndarray] = []
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.pairs: list[list[float]] = []
        self.values: list[np.ndarray] = []
        self.heads: list[np.ndarray] = []
        self._moments: dict[str, np.ndarray] = {}
        self._labels: dict[str, tuple] = {}
        self._peaks: np.ndarray | None = None
        self.samples: list[np.ndarray] = []  # of the last record, one array a row of the layout
        self.data: list[np.ndarray] = []  # of the last record: inputs, targets, predictions
        self._kept: list[list[np.ndarray]] = []  # inputs and targets of some rows
        self._marks = np.zeros(1 << batch.HASH_BITS, bool)
        self._found = np.zeros(3)

    def add(self, values: np.ndarray) -> None:
        """Take in one record, unless it is the last one again."""
        if len(values) and int(values[0]) > self.last:
            self.last, self.broken = int(values[0]), int(values[1])
            self._waiting.append(values)
        if len(self._waiting) * len(values) >= ENTRIES or len(self._waiting) >= TOGETHER:
            self.settle()

    def settle(self) -> None:
        """Work off the records that wait; those of equal shapes as one array."""
        waiting, self._waiting = self._waiting, []
        measures = slice(_WINDOW, _WINDOW + len(self.layout.rows) + sum(self.layout.ranks))
        for _, alike in groupby(waiting, lambda values: values[measures].tobytes()):
            self._add(np.stack(list(alike)))

    def _add(self, records: np.ndarray) -> None:
        """Work off records, shape (records, entries).

        Each holds what `_WINDOW` says, lengths, shapes, and values in their order.
        """
        layout, count, ranks = self.layout, len(self.layout.rows), self.layout.ranks
        units = sum(width for _, width in layout.units)
        lengths = records[0, _WINDOW : _WINDOW + count].astype(int)
        ends = np.cumsum([_WINDOW, count, sum(ranks), count, lengths.sum(), units])
        window, _, shapes, bad, samples, peaks, data = np.split(records, ends, axis=1)
        arrays = batch.unpack(data, shapes[0].astype(int), ranks)
        self.data = [array[-1] for array in arrays]
        heads = self._add_data(arrays)
        earlier = [] if self._peaks is None else [self._peaks]
        self._peaks = np.max([*earlier, *peaks], axis=0)
        self.samples = np.split(samples[-1], np.cumsum(lengths)[:-1])
        self.steps.extend(window[:, 0].astype(int))
        self.losses.extend(window[:, 2].astype(float))
        self.pairs.extend(window[:, 3:])
        self.values.extend(batch.statistics(samples, lengths, bad))
        self.heads.extend(heads)

    def fields(self) -> dict:
        """Return the fields of a Record that rest on the recorded steps."""
        return {
            "steps": np.array(self.steps),
            "losses": np.array(self.losses),
            "pairs": np.array(self.pairs, dtype=np.float64),
            "rows": self.layout.rows,
            "values": np.array(self.values),
            "heads": np.array(self.heads),
            **{f"{kind}s": self.moments(kind) for kind in ("input", "target", "output")},
            "units": self.units(),
            "overlap": self.overlap(),
            "batch": self.batch,
            "sample": self.sample(),
        }

    def _keep(self, inputs: list, targets: list) -> None:
        """Keep some rows of one target and all inputs, as they come, until there are enough."""
        room = SAMPLE - sum(len(part[1]) for part in self._kept)
        if room <= 0 or not inputs or len(targets) != 1:
            return
        flat = [_thinned(_rows(array)[:room]) for array in (*inputs, *targets)]
        if len({len(array) for array in flat}) == 1:
            self._kept.append([np.hstack(flat[:-1]), flat[-1]])

    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets of some rows, each (rows, values), no two rows alike."""
        if not self._kept:
            return np.zeros((0, 0)), np.zeros((0, 0))
        x, y = (np.vstack(parts) for parts in zip(*self._kept, strict=True))
        _, first = np.unique(np.hstack([x, y]), axis=0, return_index=True)
        return x[first], y[first]

    def _add_data(self, arrays: list) -> np.ndarray:
        """Merge the batches' data and predictions, each (records, rows, ...).

        Returns the statistics of each output, shape (records, outputs, columns).
        """
        layout, n, m = self.layout, len(self.layout.inputs), len(self.layout.targets)
        inputs, targets, outputs = arrays[:n], arrays[n : n + m], arrays[n + m :]
        named = (("input", layout.inputs, inputs), ("target", layout.targets, targets))
        for kind, tensors, group in (*named, ("output", layout.outputs, outputs)):
            for i, (tensor, array) in enumerate(zip(tensors, group, strict=True)):
                self._merge(f"{kind} {i}", batch.moments(array.reshape(-1, tensor.features)))
        for i, target in enumerate(targets):
            bins = max(layout.outputs[i].features if layout.paired else 1, 64)
            self._merge_labels(f"target {i}", batch.label_statistics(_rows(target), bins))
        self._keep(inputs, targets)
        if inputs:
            self._marks[batch.row_marks([*map(_rows, inputs)])] = True
        self.batch = max([self.batch, *(array.shape[1] for array in arrays[:1])])
        return self._heads(outputs, targets, len(arrays[0]) if arrays else 0)

    def _heads(self, outputs: list, targets: list, records: int) -> np.ndarray:
        """Return the statistics of each output, shape (records, outputs, columns)."""
        truths = targets if self.layout.paired else [None] * len(outputs)
        statistics = [batch.head_statistics(*pair) for pair in zip(outputs, truths, strict=True)]
        return np.stack(statistics, 1) if statistics else np.zeros((records, 0, len(HEAD_COLUMNS)))

    def compare(self, predictions: list[np.ndarray]) -> np.ndarray:
        """Return the statistics of the last record's outputs and of other ones for its inputs."""
        n, m = len(self.layout.inputs), len(self.layout.targets)
        targets, outputs = self.data[n : n + m], self.data[n + m :]
        groups = [[part[None] for part in group] for group in (outputs, predictions, targets)]
        return np.concatenate([self._heads(group, groups[2], 1) for group in groups[:2]])

    def _merge(self, name: str, new: np.ndarray) -> None:
        old = self._moments.get(name)
        if old is not None:
            highest = np.maximum(old[2:4], new[2:4])
            new = np.concatenate([old[:2] + new[:2], highest, old[4:] + new[4:]])
        self._moments[name] = new

    def _merge_labels(self, name: str, new: tuple) -> None:
        old = self._labels.get(name)
        if old is not None:
            new = (np.maximum(old[0], new[0]), old[1] + new[1])
        self._labels[name] = new

    def seek(self, values: np.ndarray) -> None:
        """Count how many rows of a validation batch bear the marks of recorded training rows."""
        self.settle()
        ranks = [tensor.rank for tensor in self.layout.inputs]
        shapes, data = np.split(values, [sum(ranks)])
        inputs = batch.unpack(data[None], shapes.astype(int), ranks)
        if not inputs:
            return
        marks = batch.row_marks([*map(_rows, inputs)])
        hits = self._marks[marks].all(0).sum()
        self._found += hits, marks.shape[1], len(np.unique(marks[0]))

    def new_epoch(self) -> None:
        """Forget the extremes of the units, which are followed epoch by epoch."""
        self.settle()
        self._peaks = None

    def overlap(self) -> float:
        """Return the share of validation rows known from training; 0 where rows often repeat."""
        hits, rows, distinct = self._found
        return float(hits / rows) if rows and distinct >= 0.95 * rows else 0.0

    def units(self) -> dict[str, np.ndarray]:
        """Return the largest value of each unit of each rectified layer in this epoch.

        A unit of a layer that is called several times is active where it is so in any call.
        """
        widths = [width for _, width in self.layout.units]
        peaks = self._peaks if self._peaks is not None else np.full(sum(widths), batch.LOWEST)
        parts = np.split(peaks, np.cumsum(widths))
        units: dict[str, np.ndarray] = {}
        for (name, _), part in zip(self.layout.units, parts, strict=False):
            alike = name in units and len(units[name]) == len(part)
            units[name] = np.maximum(units[name], part) if alike else part
        return units

    def moments(self, kind: str) -> tuple[Moments, ...]:
        """Return the running statistics of the inputs, targets or outputs."""
        tensors = getattr(self.layout, f"{kind}s")
        return tuple(self._one(f"{kind} {i}", tensor) for i, tensor in enumerate(tensors))

    def _one(self, name: str, tensor: Tensor) -> Moments:
        total, squares, low, high, count, bad = self._moments[name]
        safe = np.maximum(count, 1)
        mean = total / safe
        std = np.sqrt(np.maximum(squares / safe - mean**2, 0))
        extra: dict[str, Any] = {}
        if name in self._labels:
            (lowest, highest, fraction), counts = self._labels[name]
            extra = {"row_sum": (-float(lowest), float(highest)), "fractions": float(fraction)}
            extra["counts"] = counts.astype(np.float64)
        share = float(bad.sum() / max(bad.sum() + count.sum(), 1))
        rows = int(count.max(initial=0))
        basics = (name, tensor.shape[1:], tensor.dtype, rows, mean, std, -low, high, share)
        return Moments(*basics, **extra)


def unmeasured(name: str, tensor: Tensor) -> Moments:
    """Return what is known of a tensor of which no batch was recorded."""
    zero = np.zeros(1)
    return Moments(name, tensor.shape[1:], tensor.dtype, 0, zero, zero, zero, zero)


def _thinned(array: np.ndarray) -> np.ndarray:
    """Return an array (rows, ...) as (rows, values), of many values some."""
    flat = array.reshape(len(array), -1)
    return flat[:, :: max(1, flat.shape[1] // WIDTH)].astype(np.float32)


def _rows(array: np.ndarray) -> np.ndarray:
    """Return (records, rows, ...) as (records x rows, ...)."""
    return array.reshape(-1, *array.shape[2:])
