"""How long a revocation waits, and when it counts as stuck. Nothing is dropped for having been tried often."""

from datetime import datetime, timedelta

LONGEST_WAIT = timedelta(seconds=60)
STUCK_AFTER, STUCK_TRIES = timedelta(minutes=5), 10
GIVE_UP_AFTER = timedelta(hours=1)


def wait(attempts: int) -> timedelta:
    """Before the next try: half a second, doubled each time, at most a minute."""
    return min(LONGEST_WAIT, timedelta(seconds=0.5 * 2.0 ** min(attempts, 8)))


def stuck(attempts: int, ordered: datetime, now: datetime) -> bool:
    """An alarm, not an end: retrying goes on."""
    return attempts >= STUCK_TRIES or now - ordered >= STUCK_AFTER


def over(expires_at: datetime, now: datetime, *, ends_by_itself: bool) -> bool:
    """Only what ends by itself may ever be let be."""
    return ends_by_itself and now > expires_at + GIVE_UP_AFTER
