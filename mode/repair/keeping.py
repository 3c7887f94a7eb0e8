"""Finished rounds on disk, so that a repair that was stopped goes on where it was.

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
from mode.repair.rounds import Played
from mode.results import write_text, write_whole

IDENTITY = "repair.json"
LOOKED_AT = 256  # inputs of a streamed pool that tell it from another one


class Folder:
    """A folder of finished rounds.

    resume: go on from them. allow_unsafe: their models may hold code (Lambda), which is run.
    """

    def __init__(self, path: str | os.PathLike, *, resume: bool = False, allow_unsafe=False):
        self.path, self.resume, self.allow_unsafe = Path(path), resume, allow_unsafe

    def open(self, wanted: Mapping) -> list[Played]:
        """Return the finished rounds, in order, where `resume` asks for them; else there are none.

        Args:
            wanted: the identity of the repair, which the kept one must have too.

        Raises:
            InputError: for a folder that cannot be written, rounds without `resume`, or rounds of
                another repair.
        """
        path = self.path / IDENTITY
        if path.exists():
            self._check_same(json.loads(path.read_text(encoding="utf-8")), wanted)
        else:
            try:
                write_text(json.dumps(wanted, indent=1, default=str) + "\n", path)
            except OSError as error:
                checks.fail("the folder must be one that can be written", f"'{self.path}', {error}")
        found: list[Played] = []
        while self._file(len(found) + 1, "json").exists():
            found.append(self._read(len(found) + 1))
        return found

    def _check_same(self, kept: Mapping, wanted: Mapping) -> None:
        if not self.resume and self._file(1, "json").exists():
            hint = "Go on with it by resume (--resume), or name another folder."
            checks.fail("the folder must hold no rounds of a repair", f"'{self.path}'", hint)
        wanted = json.loads(json.dumps(wanted, default=str))
        other = sorted(name for name in wanted if kept.get(name) != wanted[name])
        if self.resume and other:
            first = other[0]
            checks.fail(
                f"the repair in '{self.path}' must be resumed with the same {', '.join(other)}",
                f"{first} {wanted[first]!r}, kept {kept.get(first)!r}",
            )
        if other:
            write_text(json.dumps(wanted, indent=1) + "\n", self.path / IDENTITY)

    def write(self, number: int, played: Played, model: keras.Model) -> None:
        """Keep a round.

        Raises:
            OSError: where it cannot be written; earlier rounds stay as they are.
        """
        write_whole(model.save, self._file(number, "keras"))
        write_whole(lambda path: np.save(path, played.batch), self._file(number, "npy"))
        types = played.faults.dtypes.astype(str).to_dict()
        faults = {"rows": played.faults.to_dict("list"), "types": types}
        text = {"row": played.row, "notes": played.notes, "faults": faults}
        text["settings"] = played.settings
        write_text(json.dumps(text, indent=1, default=_plain) + "\n", self._file(number, "json"))

    def model(self, number: int) -> keras.Model:
        """Return the model after the round `number`."""
        return load_model(self._file(number, "keras"), allow_unsafe=self.allow_unsafe)

    def _read(self, number: int) -> Played:
        kept = json.loads(self._file(number, "json").read_text(encoding="utf-8"))
        batch = np.load(self._file(number, "npy"), allow_pickle=False)
        types = kept["faults"].get("types", {})  # earlier folders have none
        faults = pd.DataFrame(kept["faults"]["rows"]).astype(types)
        settings = kept.get("settings", {})
        return Played(kept["row"], batch, tuple(kept["notes"]), faults, settings)

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
    found = blake2b(digest_size=8)
    for array in arrays:
        array = np.asarray(array)
        found.update(f"{array.shape} {array.dtype}".encode())
        for start in range(0, max(1, len(array) if array.ndim else 1), 4096):
            block = array[start : start + 4096] if array.ndim else array
            found.update(np.ascontiguousarray(block).tobytes())
    return found.hexdigest()


def _plain(value):
    """Numpy's numbers as Python's, for JSON."""
    return value.item()
