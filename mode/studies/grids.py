"""What each study runs: (settings) -> the parameters of each run of its notebook."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from mode import checks

PROTOCOLS = {
    "both": ("published", "corrected"),
    "published": ("published",),
    "corrected": ("corrected",),
}


def publication_grid(*, data: str, seeds: int, protocol: str) -> Iterator[dict]:
    """Yield protocol x with and without layer selection x seed."""
    for name in PROTOCOLS[checks.one_of("protocol", protocol, PROTOCOLS)]:
        # The embedded digits have no test part of their own, which the published split needs.
        split = "published" if name == "published" and data != "digits" else "seeded"
        yield from _of_protocol(name, data, seeds, split)


def defects_grid(*, data: str, seeds: int, protocol: str) -> Iterator[dict]:
    """Yield the same for each defect of the published protocol switched off alone, beside all on
    and all off; all on the split that has a diagnosis part."""
    from mode.repair import recipe  # and Keras: not where tables are drawn

    known = recipe.PROTOCOLS
    wanted = known if protocol == "both" else [checks.one_of("protocol", protocol, known)]
    for name in wanted:
        yield from _of_protocol(name, data, seeds, "seeded")


def _of_protocol(protocol: str, data: str, seeds: int, split: str) -> Iterator[dict]:
    checks.number("seeds", seeds, 1, integer=True)
    for layer_selection, seed in product((True, False), range(seeds)):
        yield {
            "data": data,
            "split": split,
            "protocol": protocol,
            "layer_selection": layer_selection,
            "seed": seed,
        }


def arms_grid(arms: str, *, scenarios: Sequence[str] = (), sizes: Sequence[Mapping] = ({},)):
    """Return the grid of a comparison of arms: seed x size, over its scenarios.

    Args:
        arms: a name of ARMS.
        scenarios: names of SCENARIOS; those of the main comparison where there are none.
        sizes: further parameters, such as the batch or the number of classes.
    """

    def grid(*, data: str, seeds: int, protocol: str) -> Iterator[dict]:
        """Yield one run for each seed and size; the protocol is that of the arms."""
        checks.number("seeds", seeds, 1, integer=True)
        named = {"scenarios": list(scenarios)} if scenarios else {}
        for seed, size in product(range(seeds), sizes):
            yield {"data": data, "arms": arms, **size, "seed": seed, **named}

    return grid
