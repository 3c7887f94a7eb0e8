"""Parts of messages that follow from registries."""

from collections.abc import Iterable


def listed(names: Iterable[str]) -> str:
    """Return valid names as a message lists them."""
    return ", ".join(map(repr, sorted(names)))
