"""Deadline: the one time limit of a call. It is sent along, and every try lives within it."""

import time
from datetime import UTC, datetime, timedelta

FARTHEST = 60.0


class Deadline:
    def __init__(self, seconds: float) -> None:
        if not 0 < seconds <= FARTHEST:
            raise ValueError("a timeout is more than 0 and at most 60 seconds")
        self.seconds = seconds
        self.at = datetime.now(UTC) + timedelta(seconds=seconds)
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, by a clock that nobody sets."""
        return max(0.0, self._until - time.monotonic())
