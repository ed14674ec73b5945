"""Reading a wish: strictly, once, and with words for what is wrong with it that quote nothing."""

from typing import Any

from pydantic import ValidationError

from counterfoil.contracts.exchange_requested import Wish


class BadWish(ValueError):
    """Says which members are wrong and how."""


def read(raw: Any) -> Wish:
    if not isinstance(raw, dict):
        raise BadWish("a wish is a JSON object")
    try:
        return Wish.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
    raise BadWish("; ".join(f"{'.'.join(str(part)[:64] for part in one['loc'])}: {one['type']}" for one in found[:5]))


def connector_of(raw: Any) -> str | None:
    """What the wish says it is for, where that can be read at all. Unproven: it names a topic's header and an audit record, and decides nothing."""
    name = raw.get("connector") if isinstance(raw, dict) else None
    return name if isinstance(name, str) and 0 < len(name) <= 128 else None
