"""Which labels of the caller's pool look wrong."""

from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.data import Data, Part, Streamed
from mode.repair.suspects import held_out_probabilities, look_wrong, suspects

SAMPLE = 10_000  # inputs of a streamed pool whose labels are looked at


@dataclass(frozen=True)
class PoolLabels:
    """The labels of a pool, as heads on the states of a model see them."""

    model: keras.Model
    data: Data
    seed: int

    @cached_property
    def sample(self) -> Part:
        """The pool; of a streamed one SAMPLE inputs at equal distances."""
        pool = self.data.pool
        return pool if isinstance(pool, Part) else pool.take(self._sampled)

    @property
    def _sampled(self) -> np.ndarray:
        pool = self.data.pool
        few = isinstance(pool, Streamed) and len(pool) > SAMPLE
        places = np.linspace(0, len(pool) - 1, SAMPLE) if few else np.arange(len(pool))
        return places.astype(np.int64)

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
        """The inputs of the sample whose labels look wrong; none where layers cannot be reached."""
        if self.held_out is None:
            return pd.DataFrame({"index": [], "label": [], "suggested": []}, dtype=int)
        return suspects(self.sample.y, self.held_out)

    @property
    def look_wrong(self) -> bool:
        """Whether so many labels are wrong that they are to be looked at before anything else."""
        return self.held_out is not None and look_wrong(self.sample.y, self.held_out)

    def listed(self) -> pd.DataFrame:
        """Return the suspects as the caller knows them: index into the pool, label, suggested."""
        at = self.data.places("pool")[self._sampled[self.suspects["index"].to_numpy(np.int64)]]
        called = {c: map(self.data.name, self.suspects[c]) for c in ("label", "suggested")}
        return pd.DataFrame({"index": at, **{c: list(names) for c, names in called.items()}})
