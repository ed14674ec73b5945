"""What a request asks of a project or group: scopes as GitLab calls them, and one role."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from services.providers.seam import Details, Refused

SCOPE = re.compile(r"[a-z][a-z0-9_]{0,63}")
ROLES = {"guest": 10, "planner": 15, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50}
NAMES = {level: f"role:{name}" for name, level in ROLES.items()}


@dataclass(frozen=True, slots=True)
class Wish:
    scopes: tuple[str, ...]
    level: int


def wish(asked: frozenset[str], details: Details) -> Wish:
    """Raises Refused. GitLab's own default role is Maintainer, so one is always named."""
    roles = sorted(one for one in asked if one.startswith("role:"))
    scopes = sorted(asked - set(roles))
    if details:
        raise Refused("no_details", "the connector's place is what a token is for: name no details")
    if len(roles) != 1 or roles[0] not in NAMES.values():
        raise Refused("no_role", f"name one role beside the scopes: {', '.join(NAMES.values())}")
    if not scopes or not all(SCOPE.fullmatch(one) for one in scopes):
        raise Refused("no_scope", "name at least one scope of GitLab, as read_api or read_repository")
    if "self_rotate" in scopes:
        raise Refused("self_rotate", "a token that renews itself is no lent one")
    return Wish(tuple(scopes), ROLES[roles[0].partition(":")[2]])


def last_day(ends: datetime) -> date:
    """A token is over at midnight UTC, as the day that it names begins: the first midnight that is not before the end."""
    known = ends.astimezone(UTC)
    midnight = known.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight if midnight == known else midnight + timedelta(days=1)).date()
