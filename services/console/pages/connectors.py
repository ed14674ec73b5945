"""Connectors: what there is, what can be made, a new one step by step, and whether a request would be granted."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from counterfoil.contracts.registry import Connector
from services.console.connectors import change, declared, rows, trial
from services.console.connectors.filled import filled
from services.console.gate import form
from services.console.gateway import Refused
from services.console.operator import Operator, demand
from services.console.rendering import partial
from services.console.site import Site

LONGEST = 128
REVISION = "SELECT revision FROM registry_head"


def pages(site: Site) -> Sequence[Route]:
    one = Desk(site)
    return [
        Route("/connectors", one.all),
        Route("/connectors/new", one.new),
        Route("/connectors/new", one.change, methods=["POST"]),
        Route("/connectors/{name:path}/try", one.attempt, methods=["POST"]),
        Route("/connectors/{name:path}/unfence", one.unfence, methods=["POST"]),
        Route("/connectors/{name:path}/edit", one.edit),
        Route("/connectors/{name:path}/edit", one.change, methods=["POST"]),
        Route("/connectors/{name:path}", one.one),
    ]


class Desk:
    def __init__(self, site: Site) -> None:
        self._site, self._db = site, site.db

    async def all(self, request: Request) -> Response:
        operator = reader(request)
        after, containing = (request.query_params.get(name, "")[:LONGEST] for name in ("after", "containing"))
        found, more = await rows.page(self._db, after, containing)
        providers, away = await self._providers(operator)
        about: dict[str, Any] = {"rows": found, "more": more, "containing": containing, "now": self._site.now(),
                                 "providers": providers, "away": away, "known": {one.name: one for one in providers}}  # fmt: skip
        return self._site.show(request, "connectors/table.html" if partial(request) else "connectors/page.html", **about)

    async def _providers(self, operator: Operator) -> tuple[Sequence[declared.Declared], Refused | None]:
        """Without the gateway the page still says what the database knows."""
        try:
            return await declared.all_of(self._site, operator), None
        except Refused as no:
            return (), no

    async def one(self, request: Request) -> Response:
        operator = reader(request)
        return await self._shown(request, operator, await self._there(request), "")

    async def _shown(self, request: Request, operator: Operator, found: rows.Row, done: str) -> Response:
        providers, away = await self._providers(operator)
        said = next((one for one in providers if one.name == found.connector.provider), None)
        about: dict[str, Any] = {
            "row": found, "declared": said, "away": away, "done": done, "now": self._site.now(), "links": await rows.links_of(self._db, found.name),
            "tenants": await rows.tenants(self._db, found.name), "secrets": await rows.secrets(self._db, found.name),
        }  # fmt: skip
        return self._site.show(request, "connectors/state.html" if partial(request) else "connectors/one.html", **about)

    async def _there(self, request: Request) -> rows.Row:
        found = await rows.one(self._db, request.path_params["name"])
        if found is None:
            raise Refused(404, {"code": "not_found", "message": "there is no such connector", "fix": "/connectors lists them all"})
        return found

    async def new(self, request: Request) -> Response:
        operator = demand(request, "change_registry")
        said = await declared.named(self._site, operator, request.query_params.get("provider", ""))
        return self._site.show(request, "connectors/form.html", declared=said, before=None, action="/connectors/new")

    async def edit(self, request: Request) -> Response:
        operator = demand(request, "change_registry")
        before = (await self._there(request)).connector
        said = await declared.named(self._site, operator, before.provider)
        return self._site.show(request, "connectors/form.html", declared=said, before=before, action=f"/connectors/{quote(before.name)}/edit")

    async def change(self, request: Request) -> Response:
        """First what it would change; then, of the very same form, the change. What was typed as a secret is in neither answer."""
        operator = demand(request, "change_registry")
        sent, revision = await form(request), await self._db.fetchval(REVISION)
        before: Connector | None = (await self._there(request)).connector if "name" in request.path_params else None
        said = await declared.named(self._site, operator, before.provider if before else sent.get("provider", ""))
        wanted = filled(said, sent, before)
        if before is None and await rows.one(self._db, wanted.connector.name):
            fix = f"choose another name, or change it at /connectors/{wanted.connector.name}"
            raise Refused(409, {"code": "conflict", "message": f"there is a connector {wanted.connector.name} already", "fix": fix})
        if sent.get("step") == "make":
            await change.made(self._site, operator, wanted, sent.get("seen", ""), sent.get("revision", ""))
            return Response(status_code=204, headers={"HX-Redirect": f"/connectors/{quote(wanted.connector.name)}"})
        look = await change.looked(self._site, operator, wanted, before, revision)
        return self._site.show(request, "connectors/look.html", look=look, before=before, wanted=wanted.connector)

    async def attempt(self, request: Request) -> Response:
        operator, found = reader(request), await self._there(request)
        told = await trial.tried(self._site, operator, found.name, await form(request))
        return self._site.show(request, "connectors/tried.html", row=found, **told)

    async def unfence(self, request: Request) -> Response:
        operator, name = demand(request, "lift"), request.path_params["name"]
        await self._site.gateway.ask(operator, "POST", f"/v1/connectors/{quote(name)}/unfence")
        return await self._shown(request, operator, await self._there(request), f"{name} lends again.")


def reader(request: Request) -> Operator:
    demand(request, "read_credentials")
    return demand(request, "read_registry")
