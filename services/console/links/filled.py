"""A form as it was sent -> the link's entry; and what it changes, side by side."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from counterfoil.contracts.registry import Link
from counterfoil.wire import registry_diff
from services.console.gateway import Refused
from services.console.links.spans import BadSpan, seconds

WHOLE = ("per_minute", "live")


@dataclass(frozen=True, slots=True)
class Side:
    """A member of an entry before and after; None where it says nothing."""

    member: str
    old: str | None
    new: str | None

    @property
    def change(self) -> str:
        if self.old == self.new:
            return "same"
        return "added" if self.old is None else "removed" if self.new is None else "changed"


def sides(before: Link | None, after: Link | None) -> Sequence[Side]:
    old, new = (registry_diff.members(one) if one else {} for one in (before, after))
    return [Side(member, old.get(member), new.get(member)) for member in dict.fromkeys((*old, *new))]


def filled(sent: Mapping[str, str], before: Link | None) -> Link:
    """Raises Refused. Where a link stands is its name: another place is another link."""
    if before:
        where: Mapping[str, Any] = {"connector": before.connector, "project": before.project, "environments": before.environments}
    else:
        where = {"connector": line(sent, "connector"), "project": line(sent, "project"), "environments": frozenset(words(sent, "environments"))}
    ceiling = {"scopes": frozenset(words(sent, "scopes")), "details": details(sent), "longest": longest(sent),
               "installations": frozenset(words(sent, "installations"))}  # fmt: skip
    limits = {name: whole(sent, name) for name in WHOLE}
    try:
        return Link.model_validate({**where, "ceiling": ceiling, "limits": limits, "entitled": sent.get("entitled") != "false"})
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False, include_url=False))
        raise wrong(said) from None


def wrong(message: str, fix: str = "mend it above, and look again") -> Refused:
    return Refused(422, {"code": "malformed_request", "message": message, "fix": fix})


def line(sent: Mapping[str, str], name: str) -> str:
    return sent.get(name, "").strip()


def words(sent: Mapping[str, str], name: str) -> Sequence[str]:
    return sent.get(name, "").replace(",", " ").split()


def longest(sent: Mapping[str, str]) -> int:
    try:
        return seconds(line(sent, "longest"))
    except BadSpan as error:
        raise wrong(f"longest lifetime: {error}", BadSpan.fix) from None


def whole(sent: Mapping[str, str], name: str) -> int | None:
    text = line(sent, name)
    if text and not (text.isascii() and text.isdecimal()):
        raise wrong(f"{name.replace('_', ' ')} is no whole number")
    return int(text) if text else None


def details(sent: Mapping[str, str]) -> Sequence[dict[str, Any]]:
    """A JSON object a line."""
    found = []
    for number, text in enumerate(sent.get("details", "").replace("\r\n", "\n").split("\n"), 1):
        if not text.strip():
            continue
        try:
            one = json.loads(text)
        except (ValueError, RecursionError):
            one = None
        if not isinstance(one, dict):
            raise wrong(f"details, line {number}: that is no JSON object", 'one a line, like {"type": "postgres", "schemas": ["shop"]}')
        found.append(one)
    return found
