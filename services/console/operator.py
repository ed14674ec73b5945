"""Who is signed in, as every page sees it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from starlette.requests import Request

from counterfoil.wire.secret import Secret

STEP_UP = timedelta(minutes=5)
"""How long ago whoever revokes widely or changes a policy may have signed in."""


@dataclass(frozen=True, slots=True)
class Operator:
    """`token` is the operator's own: whatever a page does, it does with it at the gateway, and so with no power of the console's."""

    name: str
    role: str
    may: frozenset[str]
    token: Secret = field(repr=False)
    csrf: str = field(repr=False)
    signed_in_at: datetime
    ends_at: datetime

    def can(self, action: str) -> bool:
        return action in self.may


class Doorkeeper(Protocol):
    async def operator(self, request: Request) -> Operator | None:
        """Of this request's session; None where there is none or it has ended."""


class NotAllowed(Exception):
    """The operator's role does not reach that far."""


class StepUp(Exception):
    """It is too long ago that this operator signed in."""


def operator_of(request: Request) -> Operator:
    found: Operator = request.state.operator
    return found


def demand(request: Request, action: str) -> Operator:
    """Raises NotAllowed. What changes something is decided by the gateway once more."""
    found = operator_of(request)
    if not found.can(action):
        raise NotAllowed(action)
    return found


def demand_fresh(request: Request, now: datetime) -> Operator:
    """Raises StepUp."""
    found = operator_of(request)
    if now - found.signed_in_at > STEP_UP:
        raise StepUp
    return found
