"""Ending credentials: by whatever a predicate names, seen before it is said, and followed to the end of each."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.console.gate import form
from services.console.gateway import Refused
from services.console.operator import Operator, demand, demand_fresh
from services.console.rendering import partial
from services.console.revoke import blast, orders, paging, predicate, progress, stops
from services.console.site import Site

NEWEST, PAGE, PART = 8, 50, 500


def pages(site: Site) -> Sequence[Route]:
    one = Desk(site)
    return [
        Route("/revoke", one.ask),
        Route("/revoke", one.order, methods=["POST"]),
        Route("/revoke/orders", one.all),
        Route("/revoke/blocks/{id:uuid}/lift", one.lift, methods=["POST"]),
        Route("/revoke/connectors/{name:path}/unfence", one.unfence, methods=["POST"]),
        Route("/revoke/{id:uuid}", one.follow),
        Route("/revoke/{id:uuid}/record", one.record),
    ]


class Desk:
    def __init__(self, site: Site) -> None:
        self._site, self._db = site, site.db

    async def ask(self, request: Request) -> Response:
        """The form; and where the address names something already, what ending that would do."""
        operator = reader(request)
        given = {member.name: request.query_params.get(member.name, "") for member in predicate.MEMBERS}
        seen = await self._seen(operator, given) if any(given.values()) and operator.can("revoke") else {"blast": None, "problem": None}
        if partial(request):
            return self._site.show(request, "revoke/blast.html", seen["problem"].status if seen["problem"] else 200, **seen)
        known, standing, newest = await asyncio.gather(stops.suggestions(self._db), stops.standing(self._db), orders.page(self._db, None, NEWEST))
        about: dict[str, Any] = {"given": given, "members": predicate.MEMBERS, "known": known, "stops": standing, "orders": newest}
        return self._site.show(request, "revoke/page.html", **about, **seen)

    async def _seen(self, operator: Operator, given: Mapping[str, str]) -> dict[str, Any]:
        try:
            wanted = predicate.read(given, self._site.now())
            found = await blast.of(self._site, operator, wanted)
        except Refused as no:
            return {"blast": None, "problem": no}
        about = {"name": predicate.name(wanted), "said": predicate.said(wanted), "named": predicate.members(wanted)}
        return {"blast": found, "problem": None, "single": predicate.single(wanted), **about}

    async def order(self, request: Request) -> Response:
        """What was looked at, once its name or its number was typed."""
        operator = demand(request, "revoke")
        sent = await form(request)
        wanted = predicate.read(sent, self._site.now())
        if not predicate.single(wanted):
            operator = demand_fresh(request, self._site.now())
        typed = sent.get("typed", "").strip()
        if not typed or typed not in (predicate.name(wanted), sent.get("seen", "").strip()):
            said = "the number above, or the name"
            raise Refused(422, {"code": "not_confirmed", "message": "nothing was ordered: what was typed is neither", "fix": f"type {said}"})
        asked = {"predicate": predicate.members(wanted), "cause": " ".join(sent.get("cause", "").split())}
        accepted = (await self._site.gateway.ask(operator, "POST", "/v1/revocations", body=asked)).body
        return Response(status_code=204, headers={"HX-Redirect": f"/revoke/{accepted['id']}"})

    async def follow(self, request: Request) -> Response:
        """The same address all the way: who loads it again sees how far it is."""
        operator = reader(request)
        found = await orders.one(self._db, request.path_params["id"])
        come, leaf, ended = await asyncio.gather(
            progress.of(self._site, operator, found), orders.leaf_of(self._db, found.id), orders.credentials(self._db, found.id, None, PAGE + 1)
        )
        about: dict[str, Any] = {"leaf": leaf, "credentials": ended[:PAGE], "more": len(ended) > PAGE, "again": come.again(ended[:PAGE])}
        template = "revoke/progress.html" if partial(request) else "revoke/order.html"
        return self._site.show(request, template, order=found, progress=come, **about)

    async def record(self, request: Request) -> Response:
        """For paper: a part of so many credentials at a time."""
        operator = reader(request)
        found = await orders.one(self._db, request.path_params["id"])
        after = paging.credential(request.query_params.get("after"))
        come, leaf, ended = await asyncio.gather(
            progress.of(self._site, operator, found), orders.leaf_of(self._db, found.id), orders.credentials(self._db, found.id, after, PART + 1)
        )
        more = ended[PART - 1].id if len(ended) > PART else None
        about: dict[str, Any] = {"leaf": leaf, "credentials": ended[:PART], "more": more, "after": after, "now": self._site.now()}
        return self._site.show(request, "revoke/record.html", order=found, progress=come, **about)

    async def all(self, request: Request) -> Response:
        reader(request)
        found = await orders.page(self._db, paging.order(request.query_params.get("before")), PAGE + 1)
        more = paging.cursor(found[PAGE - 1]) if len(found) > PAGE else None
        return self._site.show(request, "revoke/orders.html", orders=found[:PAGE], more=more)

    async def lift(self, request: Request) -> Response:
        operator = demand(request, "lift")
        await self._site.gateway.ask(operator, "DELETE", f"/v1/blocks/{request.path_params['id']}")
        return await self._stops(request, "The block is lifted: what it named may be lent again.")

    async def unfence(self, request: Request) -> Response:
        operator, name = demand(request, "lift"), request.path_params["name"]
        await self._site.gateway.ask(operator, "POST", f"/v1/connectors/{quote(name)}/unfence")
        return await self._stops(request, f"{name} lends again.")

    async def _stops(self, request: Request, done: str) -> Response:
        return self._site.show(request, "revoke/stops.html", stops=await stops.standing(self._db), done=done)


def reader(request: Request) -> Operator:
    demand(request, "read_registry")
    return demand(request, "read_credentials")
