"""Which labels of the caller's pool look wrong."""

from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.data import Data, Part, Streamed
from mode.repair.label_errors import held_out_probabilities, look_wrong

SAMPLE = 10_000  # inputs of a streamed pool whose labels are looked at


@dataclass(frozen=True)
class PoolLabels:
    """The labels of a pool, as softmax heads on the activations of a model see them.

    set_aside: the inputs that the repair set aside (index into the caller's pool, label and
    suggested label by name).
    """

    model: keras.Model
    data: Data
    seed: int
    set_aside: pd.DataFrame

    @cached_property
    def sample(self) -> Part:
        """The pool; of a streamed one SAMPLE inputs at equal distances, and those set aside."""
        pool = self.data.pool
        return pool if isinstance(pool, Part) else pool.take(self._sampled)

    @cached_property
    def _sampled(self) -> np.ndarray:
        pool = self.data.pool
        if not isinstance(pool, Streamed) or len(pool) <= SAMPLE:
            return np.arange(len(pool))
        spread = np.linspace(0, len(pool) - 1, SAMPLE).astype(np.int64)
        return np.union1d(spread, self._set_aside_indices)

    @cached_property
    def _set_aside_indices(self) -> np.ndarray:
        """Indices into `data.pool` of the inputs that the repair set aside."""
        places = pd.Index(self.data.places("pool"))
        return places.get_indexer(pd.Index(self.set_aside["index"].to_numpy(np.int64)))

    @cached_property
    def held_out(self) -> np.ndarray | None:
        """Probabilities of the sample by heads that have not seen it; None without layers."""
        classes = self.data.classes
        try:
            return held_out_probabilities(self.model, self.sample, classes, seed=self.seed)
        except checks.InputError:
            return None

    @cached_property
    def suspects(self) -> pd.DataFrame:
        """The inputs of the sample that the repair set aside: index into the sample, label and
        suggested label."""
        labels = {
            name: [self.data.label(each) for each in self.set_aside[name]]
            for name in ("label", "suggested")
        }
        indices = np.searchsorted(self._sampled, self._set_aside_indices)
        return pd.DataFrame({"index": indices, **labels})

    @property
    def look_wrong(self) -> bool:
        """Whether so many labels are wrong that they are to be looked at before anything else."""
        return self.held_out is not None and look_wrong(self.sample.y, self.held_out)

    def listed(self) -> pd.DataFrame:
        """Return the suspects as the caller knows them: index into the pool, label, suggested."""
        rows = self._sampled[self.suspects["index"].to_numpy(np.int64)]
        names = {
            name: [self.data.name(int(label)) for label in self.suspects[name]]
            for name in ("label", "suggested")
        }
        return pd.DataFrame({"index": self.data.places("pool")[rows], **names})
