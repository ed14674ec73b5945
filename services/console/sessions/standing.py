"""What the gateway says of whoever has this token: the role, and what it may."""

from dataclasses import dataclass
from datetime import datetime

from counterfoil.wire.secret import Secret
from services.console.gateway import Gateway, Refused
from services.console.operator import Operator

NOBODY = frozenset({"wrong_audience", "unmapped"})
"""How the gateway rejects a token of this console that is no operator's."""
BUSY = 429


@dataclass(frozen=True, slots=True)
class Standing:
    role: str
    may: frozenset[str]


class NoOperator(Exception):
    """Somebody, but nobody whom the registry names an operator."""


async def standing(gateway: Gateway, token: Secret, now: datetime) -> Standing:
    """Raises NoOperator, and Refused for every other no."""
    asking = Operator("", "", frozenset(), token, "", now, now)
    try:
        said = await gateway.get(asking, "/v1/whoami")
    except Refused as no:
        if no.code in NOBODY:
            raise NoOperator from None
        raise
    if not isinstance(said, dict) or not said.get("role"):
        raise NoOperator
    return Standing(str(said["role"]), frozenset(map(str, said.get("may", ()))))


def for_now(no: Refused | TimeoutError) -> bool:
    """Whether the gateway only could not say."""
    return isinstance(no, TimeoutError) or no.status >= 500 or no.status == BUSY
