"""Times as people type them: a while ago, or a time, in UTC where nothing else is said."""

import re
from datetime import UTC, datetime, timedelta

WHILE = re.compile(r"([1-9][0-9]{0,5}) ?(s|min|m|h|d)")
UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
YEARS = range(1970, 9000)
"""PostgreSQL's driver has no words for what lies at the edges of Python's."""


class BadMoment(ValueError):
    fix = "give a while like 1h or 2d, or a time like 2026-11-28 09:30 (UTC) or 2026-11-28T09:30:00+01:00"


def moment(text: str, now: datetime) -> datetime:
    """Raises BadMoment."""
    if ago := WHILE.fullmatch(text):
        found = now - timedelta(seconds=int(ago[1]) * UNITS[ago[2]])
    else:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise BadMoment("that is no time") from None
    if found.year not in YEARS:
        raise BadMoment("that time is far outside of any use")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
