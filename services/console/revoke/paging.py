"""Where a page of a list goes on."""

from datetime import datetime
from uuid import UUID

from services.console.gateway import Refused
from services.console.moments import YEARS
from services.console.revoke.orders import Order


def cursor(last: Order) -> str:
    return f"{last.at.isoformat()}~{last.id}"


def credential(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise misplaced() from None


def order(text: str | None) -> tuple[datetime, UUID] | None:
    if not text:
        return None
    at, _, last = text.partition("~")
    try:
        found = datetime.fromisoformat(at)
        if found.tzinfo is None or found.year not in YEARS:
            raise misplaced()
        return found, UUID(last)
    except ValueError:
        raise misplaced() from None


def misplaced() -> Refused:
    return Refused(400, {"code": "bad_cursor", "message": "there is no such page of the list", "fix": "begin at its first page"})
