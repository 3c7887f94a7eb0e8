"""Parts that are lacking, cut from one that is given."""

import numpy as np

from mode import checks, seeds
from mode.data.parts import PARTS, Part
from mode.data.splits import stratified_order

# What each part takes of a part that has to be cut: 6/5/1 as of MNIST, and two for a test part.
WEIGHTS = {"train": 6, "pool": 5, "diagnosis": 1, "test": 2}


def cut(
    given: dict[str, Part], filled: list[str], donors: list[str], seed: int
) -> tuple[dict, dict]:
    """Return part -> inputs, and part -> (source, indices); missing parts come from one given.

    Args:
        given: part -> its inputs.
        filled: parts that are there, though not among `given`.
        donors: parts that may be cut, the pool first.
        seed: decides which inputs go where, classes in proportion.

    Raises:
        InputError: where no part may be cut, or none has enough inputs.
    """
    missing = [name for name in PARTS if name not in given and name not in filled]
    parts, where = dict(given), {name: (name, np.arange(len(p))) for name, p in given.items()}
    if not missing:
        return parts, where
    if not donors:
        lacking = ", ".join(missing)
        checks.fail(f"a wholly labelled part must be given to cut {lacking} from", "none")
    donor = next(name for name in ("pool", "train", "diagnosis", "test") if name in donors)
    wanted = [*missing, donor]
    total = sum(WEIGHTS[name] for name in wanted)
    rest = given[donor]
    ends = np.cumsum([len(rest) * WEIGHTS[name] // total for name in missing])
    if min(np.diff(ends, prepend=0)) < 1 or ends[-1] >= len(rest):
        checks.fail(f"{donor} must have enough inputs to cut {', '.join(missing)} from", len(rest))
    order = stratified_order(rest.y, seeds.generator(seed, "own split"))
    for name, indices in zip(wanted, np.split(order, ends), strict=True):
        indices = np.sort(indices)
        parts[name], where[name] = rest.take(indices), (donor, indices)
    return parts, where
