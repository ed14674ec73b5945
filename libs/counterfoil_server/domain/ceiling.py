"""What a ceiling covers, what of a wish lies beyond it, and the nearest thing that would have been allowed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.contracts.base import JsonObject
from counterfoil.contracts.exchange_requested import Wish
from counterfoil.contracts.registry import Ceiling, Connector

ANY = "*"
UNASKED = 3600
"""Seconds: the longest lifetime of a grant whose wish names none."""
Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wish with its defaults in place. `installation` is None where it is the connector's own, `user` where the app asks for itself."""

    scopes: frozenset[str]
    details: tuple[JsonObject, ...]
    lifetime: int
    installation: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Beyond:
    """What lies above the ceiling. True where anything does."""

    scopes: frozenset[str]
    details: tuple[JsonObject, ...]
    lifetime: int
    installation: str | None = None
    user: bool = False

    def __bool__(self) -> bool:
        return bool(self.scopes or self.details or self.lifetime or self.installation or self.user)


def wanted(wish: Wish, connector: Connector, ceiling: Ceiling) -> Wanted:
    """A wish that names nothing gets the connector's default scopes; one that names details gets what it names."""
    defaults = connector.scopes & ceiling.scopes if not wish.details else frozenset()
    lifetime = wish.lifetime or min(UNASKED, ceiling.longest)
    elsewhere = wish.installation if wish.installation != connector.installation else None
    return Wanted(frozenset(wish.scopes) or defaults, wish.details, lifetime, elsewhere, wish.user)


def beyond(want: Wanted, ceiling: Ceiling) -> Beyond:
    details = tuple(dict(one) for one in narrowed(want, ceiling) if not covered(one, ceiling.details))
    installation = want.installation if ceiling.installations.isdisjoint({ANY, want.installation}) else None
    user = want.user is not None and not ceiling.users
    return Beyond(want.scopes - ceiling.scopes, details, max(0, want.lifetime - ceiling.longest), installation, user)


def narrowed(want: Wanted, ceiling: Ceiling) -> Sequence[Detail]:
    """Who names no detail asks for everything: where the ceiling allows only some of a type, that is beyond it."""
    return want.details or [{"type": kind} for kind in dict.fromkeys(str(one.get("type")) for one in ceiling.details)]


def covered(asked: Detail, allowed: Sequence[Detail]) -> bool:
    """One allowed detail has to cover it whole: two that cover half each are no permission for both halves together."""
    return any(covers(one, asked) for one in allowed)


def covers(allowed: Detail, asked: Detail) -> bool:
    """Same type, no member that is not allowed, and every limited member named: to leave it out is to ask for all of it."""
    if not isinstance(asked.get("type"), str) or asked["type"] != allowed.get("type"):
        return False
    if not asked.keys() <= allowed.keys():
        return False
    return all(unlimited(limit) or (name in asked and within(asked[name], limit)) for name, limit in allowed.items())


def within(asked: Any, limit: Any) -> bool:
    values = [spelled(one) for one in listed(asked)]
    return bool(values) and set(values) <= {spelled(one) for one in listed(limit)}


def unlimited(limit: Any) -> bool:
    return ANY in listed(limit)


def listed(member: Any) -> Sequence[Any]:
    return member if isinstance(member, list | tuple) else (member,)


def spelled(value: Any) -> str:
    """Equal only where type and value are: 1, true and "1" are three."""
    return json.dumps(value, sort_keys=True)


def nearest(want: Wanted, ceiling: Ceiling) -> JsonObject | None:
    """Within the ceiling and close to the wish; None where there is no such thing: what is the app's own is nowhere near what is a user's."""
    scopes = (want.scopes & ceiling.scopes) or (ceiling.scopes if want.scopes else frozenset())
    details = want.details
    over = beyond(want, ceiling)
    if over.details:
        clipped = [clip(one, limit) for one in narrowed(want, ceiling) for limit in same_type(one, ceiling)]
        details = tuple(clipped or [clip({}, limit) for limit in ceiling.details])
    near = Wanted(scopes, details, min(want.lifetime, ceiling.longest), None if over.installation else want.installation, want.user)
    if beyond(near, ceiling):
        return None
    said: JsonObject = {"scopes": sorted(scopes), "details": list(details), "lifetime": near.lifetime}
    return said | ({"installation": near.installation} if want.installation else {})


def same_type(asked: Detail, ceiling: Ceiling) -> Sequence[Detail]:
    """The allowed detail to clip to: the one that covers, else the first of the type."""
    rivals = [one for one in ceiling.details if one.get("type") == asked.get("type")]
    return ([one for one in rivals if covers(one, asked)] or rivals)[:1]


def clip(asked: Detail, limit: Detail) -> JsonObject:
    """Of each limited member what was asked and is allowed, or, where that is nothing, all that is allowed."""
    near: JsonObject = {}
    for name, allowed in limit.items():
        if not unlimited(allowed):
            known = {spelled(one) for one in listed(allowed)}
            near[name] = [one for one in listed(asked.get(name)) if spelled(one) in known] or list(listed(allowed))
        elif name in asked:
            near[name] = asked[name]
    return near | {"type": limit.get("type")}
