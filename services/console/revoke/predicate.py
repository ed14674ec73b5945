"""What an order names: from a form to the gateway's predicate, and to words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from counterfoil.contracts.revocation_requested import Predicate
from services.console import words
from services.console.gateway import Refused
from services.console.moments import BadMoment, moment

TIMES = ("since", "until")


@dataclass(frozen=True)
class Member:
    name: str
    label: str
    hint: str


MEMBERS: Sequence[Member] = (
    Member("connector", "Connector", "all that it lent"),
    Member("project", "Project", "all that was lent to it"),
    Member("environment", "Environment", "of any project, or of the one beside it"),
    Member("issuer", "Issuer", "whoever it vouched for: the address in iss"),
    Member("sub_hash", "Subject", "one caller, by the sub_hash that the audit log has"),
    Member("credential_id", "Credential", "this one and nothing else"),
    Member("request_hash", "Request", "what one request brought, by its request_hash"),
    Member("since", "Minted since", "a while ago (1h), or a time (2026-11-28 09:30, UTC)"),
    Member("until", "Minted before", "likewise"),
)
EXPECTED = {
    "credential_id": "a UUID, as the audit log has it",
    "request_hash": "64 hex digits",
    "sub_hash": "64 hex digits, as `counterfoil whoami -o token` prints them",
}


def read(given: Mapping[str, str], now: datetime) -> Predicate:
    """Raises Refused. A while ago becomes a time here, so that what is ordered is what was looked at."""
    found = {member.name: text for member in MEMBERS if (text := given.get(member.name, "").strip())}
    found |= {name: time(name, found[name], now).isoformat() for name in TIMES if name in found}
    if not all(text.isprintable() for text in found.values()):
        raise wrong("a field has a character that no name has", "type it by hand")
    if not found:
        raise wrong("it has to name something", "fill in at least one field: what names nothing would name everything")
    try:
        return Predicate.model_validate_json(json.dumps(found), strict=True)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise wrong(f"{label(name)} is not what it has to be", f"give {EXPECTED[name]}") from None


def time(name: str, text: str, now: datetime) -> datetime:
    try:
        return moment(text, now)
    except BadMoment as bad:
        raise wrong(f"{label(name)} is no time", bad.fix) from None


def wrong(message: str, fix: str) -> Refused:
    return Refused(422, {"code": "bad_predicate", "message": message, "fix": fix})


def label(name: str) -> str:
    return next(member.label for member in MEMBERS if member.name == name)


def members(predicate: Predicate) -> dict[str, Any]:
    """As the gateway takes it."""
    return predicate.model_dump(mode="json", exclude_none=True)


def said(predicate: Predicate) -> list[tuple[str, str]]:
    """Label and value of what it names."""
    values = predicate.model_dump(exclude_none=True)
    return [(one.label, shown(values[one.name])) for one in MEMBERS if one.name in values]


def name(predicate: Predicate) -> str:
    """What one types to confirm: its values, in the order of the form."""
    return " ".join(value for _, value in said(predicate))


def shown(value: Any) -> str:
    return words.moment(value) if isinstance(value, datetime) else str(value)


def single(predicate: Predicate) -> bool:
    """One credential and nothing wider. Whoever revokes wider has to have signed in a moment ago."""
    return set(members(predicate)) == {"credential_id"}
