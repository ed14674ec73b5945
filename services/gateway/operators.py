"""What a caller may do at /v1. The rule is Cedar's; here is only what it is asked."""

from typing import Protocol

from starlette.requests import Request

from counterfoil.contracts.revocation_requested import Actor, Predicate
from services.gateway.callers import Caller, Callers
from services.gateway.problems import Problem


class Permits(Protocol):
    """`connector`: the one that the action is about. `own`: whether it is about the caller's own credentials and nothing else."""

    def __call__(self, caller: Caller, action: str, connector: str | None, *, own: bool = False) -> bool: ...


class Operators:
    def __init__(self, callers: Callers, permits: Permits) -> None:
        self._callers, self._permits = callers, permits

    async def caller(self, request: Request) -> Caller:
        return await self._callers.caller(request)

    def hashed(self, issuer: str, subject: str) -> str:
        return self._callers.hashed(issuer, subject)

    def may(self, caller: Caller, action: str, connector: str | None = None) -> bool:
        return self._permits(caller, action, connector)

    async def able(self, request: Request, action: str, connector: str | None = None) -> tuple[Caller, bool]:
        caller = await self._callers.caller(request)
        return caller, self._permits(caller, action, connector)

    async def demand(self, request: Request, action: str, connector: str | None = None) -> Caller:
        caller, may = await self.able(request, action, connector)
        if not may:
            raise Problem("not_allowed", f"this identity may not {action.replace('_', ' ')}")
        return caller

    def demand_revoke(self, caller: Caller, wanted: Predicate, owner: tuple[str, str] | None) -> None:
        """An app its own; who may revoke more is an operator. A credential that is not there looks like one that is not one's own."""
        own = owner == (caller.issuer, caller.sub_hash)
        if not self._permits(caller, "revoke", wanted.connector, own=own):
            raise Problem("not_allowed", "this identity may revoke its own credentials, by credential_id")

    def may_follow(self, caller: Caller, actor: Actor) -> bool:
        """One's own orders, and everybody's for who may read credentials."""
        return (caller.issuer, caller.sub_hash) == (actor.issuer, actor.sub_hash) or self._permits(caller, "read_credentials", None)
