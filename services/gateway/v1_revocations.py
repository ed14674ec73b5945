"""POST /v1/revocations and GET /v1/revocations/{id}: an order by predicate, and how far it has come."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil.contracts.revocation_requested import Predicate
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store.registry_rows import Block, Fence
from services.gateway import body
from services.gateway.answering import NO_STORE
from services.gateway.callers import Caller
from services.gateway.ledger import Ledger
from services.gateway.operators import Operators
from services.gateway.orders import Orders, stopping
from services.gateway.paging import QUERY, cursor, limit, moment, resumed
from services.gateway.problems import Problem
from services.gateway.progress import Order, Progress
from services.gateway.query import flag, identifier, parameters, predicate, uuid, whole
from services.gateway.settled import Settled

LONGEST_CAUSE, LONGEST_WAIT = 256, 10
MEMBERS = frozenset({"id", "predicate", "cause", "dry_run"})


class Revocations:
    def __init__(self, operators: Operators, ledger: Ledger, orders: Orders, progress: Progress, settled: Settled, now: Clock) -> None:
        self._operators, self._ledger, self._orders = operators, ledger, orders
        self._progress, self._settled, self._now = progress, settled, now

    async def all(self, request: Request) -> Response:
        """The newest first: one's own orders, and everybody's for who may read credentials. How far each has come is told at its own address."""
        caller, everyones = await self._operators.able(request, "read_credentials")
        found = parameters(request, QUERY)
        most, after = limit(found), resumed(found, moment, UUID)
        orders = await self._progress.page(None if everyones else caller.actor, after or None, most + 1)
        more = cursor(orders[most - 1].at, str(orders[most - 1].id)) if len(orders) > most else None
        return JSONResponse({"revocations": [listed(one) for one in orders[:most]], "next": more}, headers=NO_STORE)

    async def order(self, request: Request) -> Response:
        caller = await self._operators.caller(request)
        trial = flag(parameters(request, ("dry_run",)), "dry_run")
        given = await body.json_object(request)
        wanted, cause, dry_run = read(named_by_hash(given, self._operators.hashed))
        chosen = identifier(given, "id") if "id" in given else None
        self._operators.demand_revoke(caller, wanted, await self._owner(wanted))
        if trial or dry_run:
            matched, alive = await self._orders.matched(wanted)
            found: dict[str, Any] = {"dry_run": True, "matched": matched, "alive": alive, "would": would(wanted, self._now())}
            return JSONResponse(found, headers=NO_STORE)
        accepted = await self._orders.accept(wanted, caller.actor, cause, chosen)
        said = {"at": accepted.at.isoformat(), **accepted.said}
        headers = {**NO_STORE, "Location": f"/v1/revocations/{accepted.id}"}
        return JSONResponse({"id": str(accepted.id), "state": "accepted", "accepted": said, "matched": accepted.live}, 202, headers)

    async def _owner(self, wanted: Predicate) -> tuple[str, str] | None:
        """Whose the one credential is that is named, if one is."""
        return None if wanted.credential_id is None else await self._ledger.owner(wanted.credential_id)

    async def status(self, request: Request) -> Response:
        """`wait`: seconds to wait for the end."""
        caller = await self._operators.caller(request)
        wait = whole(parameters(request, ("wait",)), "wait", 0, LONGEST_WAIT)
        order = await self._followed(request, caller)
        found = await self._progress.of(order)
        ends = asyncio.get_running_loop().time() + wait
        while found["state"] != "revoked" and (left := ends - asyncio.get_running_loop().time()) > 0:
            await self._settled.something(min(left, 0.5))
            found = await self._progress.of(await self._progress.order(order.id) or order)
        return JSONResponse(found, headers=NO_STORE)

    async def credentials(self, request: Request) -> Response:
        """Each that the order concerns, and what has come of it."""
        caller = await self._operators.caller(request)
        asked = parameters(request, QUERY)
        most, after = limit(asked), resumed(asked, UUID)
        order = await self._followed(request, caller)
        found = await self._progress.outcomes(order, after[0] if after else None, most + 1)
        more = cursor(found[most - 1]["credential_id"]) if len(found) > most else None
        return JSONResponse({"credentials": found[:most], "next": more}, headers=NO_STORE)

    async def _followed(self, request: Request, caller: Caller) -> Order:
        order = await self._progress.order(uuid(request.path_params["id"]))
        if order is None or not self._operators.may_follow(caller, order.actor):
            raise Problem("not_found", "there is no such revocation")
        return order


def named_by_hash(given: dict[str, Any], hashed: Callable[[str, str], str]) -> dict[str, Any]:
    """A subject in words becomes its keyed digest here: the order is kept and recorded without them."""
    named = given.get("predicate")
    if not isinstance(named, dict) or "subject" not in named:
        return given
    issuer, subject = named.get("issuer"), named["subject"]
    if not isinstance(issuer, str) or not isinstance(subject, str) or not subject or "sub_hash" in named:
        raise Problem("malformed_request", "predicate: a subject is text, with the issuer that vouches for it, and without a sub_hash")
    return given | {"predicate": {name: value for name, value in named.items() if name != "subject"} | {"sub_hash": hashed(issuer, subject)}}


def read(given: dict[str, Any]) -> tuple[Predicate, str, bool]:
    if given.keys() - MEMBERS:
        raise Problem("malformed_request", f"unknown member; known are {', '.join(sorted(MEMBERS))}")
    cause, dry_run = given.get("cause", ""), given.get("dry_run", False)
    if not isinstance(cause, str) or len(cause) > LONGEST_CAUSE or not cause.isprintable():
        raise Problem("malformed_request", f"cause has to be one line of at most {LONGEST_CAUSE} characters")
    if not isinstance(given.get("id", ""), str):
        raise Problem("malformed_request", "id has to be a UUID")
    if not isinstance(dry_run, bool):
        raise Problem("malformed_request", "dry_run has to be true or false")
    return predicate(given.get("predicate")), cause or "revoked by an operator", dry_run


def listed(order: Order) -> dict[str, Any]:
    return {
        "id": str(order.id), "cause": order.cause, "at": order.at.isoformat(), "ordered": order.ordered,
        "predicate": order.predicate.model_dump(mode="json", exclude_none=True), "actor": order.actor.model_dump(mode="json"),
    }  # fmt: skip


def would(wanted: Predicate, now: Any) -> dict[str, Any]:
    match stopping(UUID(int=0), wanted, now):
        case Fence(name=name):
            return {"fence": name}
        case Block() as block:
            return {"block": block.shown()}
        case _:
            return {}
