"""When a credential that is kept is asked for anew: ahead of its end in the background, in its last moments at once, on errors never too early."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from counterfoil.client.credential import Credential

AHEAD, AHEAD_SHARE = timedelta(minutes=5), 0.2
"""Before the end, the lesser of both: a new one is fetched while this one is still handed out."""
LAST, LAST_SHARE = timedelta(seconds=30), 0.05
"""Before the end, the lesser of both: whoever asks waits for the new one, so that nobody gets one that dies on the way."""
SPREAD = 0.1
"""Of the time ahead, either way: a thousand processes that started together do not ask together."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=30)


class Age(Enum):
    FRESH = "fresh"
    AGING = "aging"
    """Good, and to be replaced."""
    ENDING = "ending"
    """Good for moments only."""
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Kept:
    """A credential in the cache, and the moments at which it grows old."""

    credential: Credential
    aging: datetime
    ending: datetime

    @classmethod
    def since(cls, now: datetime, credential: Credential, spread: Callable[[float, float], float]) -> "Kept":
        """`spread` draws a number between two, as random.uniform does."""
        end = credential.expires_at
        life = max(end - now, timedelta(0))
        ahead = min(AHEAD, life * AHEAD_SHARE) * spread(1 - SPREAD, 1 + SPREAD)
        return cls(credential, end - ahead, end - min(LAST, life * LAST_SHARE))

    def age(self, now: datetime) -> Age:
        if now >= self.credential.expires_at:
            return Age.DEAD
        if now >= self.ending:
            return Age.ENDING
        return Age.AGING if now >= self.aging else Age.FRESH


def pause(failures: int, retry_after: float | None) -> timedelta:
    """After so many failed refreshes in a row: longer each time, and never less than was asked for."""
    doubled: int = 2 ** min(failures - 1, 10)
    return max(min(LONGEST_PAUSE, FIRST_PAUSE * doubled), timedelta(seconds=min(retry_after or 0, 86_400)))
