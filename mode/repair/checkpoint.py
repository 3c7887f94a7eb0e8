"""Keep finished rounds on disk, so that a repair that was stopped can be resumed.

A round is three files, and finished once the last of them, its JSON, is renamed into place.
Nothing is pickled: models are `.keras` files, indices `.npy` arrays.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from mode import checks
from mode.data import PARTS, Data, Part, Streamed
from mode.models import load_model
from mode.repair.recipe import Recipe
from mode.repair.round import RoundResult
from mode.results import write_text, write_whole

IDENTITY = "repair.json"
LOOKED_AT = 256  # inputs of a streamed pool that tell it from another one


class Checkpoint:
    """A folder of finished rounds.

    resume: continue from them. allow_unsafe: their models may hold code (Lambda), which is run.
    """

    def __init__(self, path: str | os.PathLike, *, resume: bool = False, allow_unsafe=False):
        self.path, self.resume, self.allow_unsafe = Path(path), resume, allow_unsafe

    def open(self, identity: Mapping) -> list[RoundResult]:
        """Return the finished rounds, in order, where `resume` asks for them; else there are none.

        Args:
            identity: what the repair's rounds depend on, which must be the same as before.

        Raises:
            InputError: for a folder that cannot be written, rounds without `resume`, or rounds of
                another repair.
        """
        path = self.path / IDENTITY
        if path.exists():
            self._check_same(json.loads(path.read_text(encoding="utf-8")), identity)
        else:
            try:
                write_text(json.dumps(identity, indent=1, default=str) + "\n", path)
            except OSError as error:
                checks.fail("the folder must be one that can be written", f"'{self.path}', {error}")
        rounds: list[RoundResult] = []
        while self._file(len(rounds) + 1, "json").exists():
            rounds.append(self._read(len(rounds) + 1))
        return rounds

    def _check_same(self, before: Mapping, identity: Mapping) -> None:
        if not self.resume and self._file(1, "json").exists():
            hint = "Go on with it by resume (--resume), or name another folder."
            checks.fail("the folder must hold no rounds of a repair", f"'{self.path}'", hint)
        now = json.loads(json.dumps(identity, default=str))
        changed = sorted(name for name in now if before.get(name) != now[name])
        if self.resume and changed:
            first = changed[0]
            checks.fail(
                f"the repair in '{self.path}' must be resumed with the same {', '.join(changed)}",
                f"{first} {now[first]!r}, kept {before.get(first)!r}",
            )
        if changed:
            write_text(json.dumps(now, indent=1) + "\n", self.path / IDENTITY)

    def write(self, number: int, result: RoundResult, model: keras.Model) -> None:
        """Keep a round.

        Raises:
            OSError: where it cannot be written; earlier rounds stay as they are.
        """
        write_whole(model.save, self._file(number, "keras"))
        write_whole(lambda path: np.save(path, result.batch), self._file(number, "npy"))
        types = result.faults.dtypes.astype(str).to_dict()
        faults = {"rows": result.faults.to_dict("list"), "types": types}
        text = {"row": result.row, "notes": result.notes, "faults": faults}
        text["settings"] = result.settings
        write_text(json.dumps(text, indent=1, default=_plain) + "\n", self._file(number, "json"))

    def model(self, number: int) -> keras.Model:
        """Return the model after the round `number`."""
        return load_model(self._file(number, "keras"), allow_unsafe=self.allow_unsafe)

    def _read(self, number: int) -> RoundResult:
        record = json.loads(self._file(number, "json").read_text(encoding="utf-8"))
        batch = np.load(self._file(number, "npy"), allow_pickle=False)
        types = record["faults"].get("types", {})  # earlier folders have none
        faults = pd.DataFrame(record["faults"]["rows"]).astype(types)
        settings = record.get("settings", {})
        return RoundResult(record["row"], batch, tuple(record["notes"]), faults, settings)

    def _file(self, number: int, ending: str) -> Path:
        return self.path / f"round_{number}.{ending}"


def identity(model: keras.Model, data: Data, recipe: Recipe, seed: int) -> dict:
    """Return everything that a repair's rounds depend on, arrays as digests."""
    arrays = {name: getattr(data, name) for name in PARTS}
    free = _independent(recipe)
    options = {name: value for name, value in asdict(recipe).items() if name not in free}
    digests = {name: _digest(_arrays(part)) for name, part in arrays.items()}
    return {"model": _digest(model.get_weights()), **digests, "seed": seed, **options}


def _independent(recipe: Recipe) -> tuple[str, ...]:
    """Return the fields that finished rounds do not depend on: they may change when a repair goes
    on. Where the passes are open, they are planned for all rounds together."""
    passes_are_open = recipe.retraining == "fine-tune" and recipe.epochs is None
    return ("max_broken",) if passes_are_open else ("max_broken", "rounds")


def _arrays(part: Part | Streamed) -> list[np.ndarray]:
    """Return a part's arrays; of a streamed one the first inputs, since reading all takes long."""
    if isinstance(part, Part):
        return [part.x, part.y]
    first = part.pool.take(np.arange(min(LOOKED_AT, len(part))))
    return [first, np.asarray(part.pool.shape), part.y]


def _digest(arrays) -> str:
    digest = blake2b(digest_size=8)
    for array in arrays:
        array = np.asarray(array)
        digest.update(f"{array.shape} {array.dtype}".encode())
        for start in range(0, max(1, len(array) if array.ndim else 1), 4096):
            block = array[start : start + 4096] if array.ndim else array
            digest.update(np.ascontiguousarray(block).tobytes())
    return digest.hexdigest()


def _plain(value):
    """Numpy's numbers as Python's, for JSON."""
    return value.item()
