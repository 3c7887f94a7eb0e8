"""The work of a repair: how much is planned, how much is done, and when it has to end."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Work:
    """The passes that a repair plans to make, in inputs: how many are done.

    deadline: of `time.monotonic`, where the work has to end by then.
    """

    planned: float
    deadline: float | None = None
    report: Callable[[float], None] | None = None
    done: float = field(default=0.0, init=False)
    reported: float = field(default=0.0, init=False)

    def of(self, amount: float) -> dict[str, Any]:
        """Return the options of `train` for a training of `amount` inputs, which count as done."""
        before, self.done = self.done, self.done + amount
        self.planned = max(self.planned, self.done)
        options: dict[str, Any] = {}
        if self.deadline is not None:
            left = max(0.0, self.deadline - time.monotonic())
            options["seconds"] = left * amount / (self.planned - before)
        if self.report:
            planned = self.planned
            options["progress"] = lambda share: self._tell((before + share * amount) / planned)
        return options

    def _tell(self, share: float) -> None:
        """Report a share, never less than before: what was not planned adds to the work."""
        self.reported = max(self.reported, share)
        if self.report:
            self.report(self.reported)

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline
