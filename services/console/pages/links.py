"""Projects and links: who may ask for what, up to which ceiling, and each change of it seen before it is made."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from counterfoil.contracts.registry import Link, ordered
from services.console.gate import form
from services.console.gateway import Refused
from services.console.links import table
from services.console.links.filled import filled, sides
from services.console.links.spans import spelled
from services.console.operator import demand
from services.console.rendering import partial
from services.console.site import Site

LONGEST = 256
ASKED = ("project", "connector", "environment")
GONE = {"code": "not_found", "message": "there is no such link: somebody may have removed it", "fix": "/links lists those that are there"}


def pages(site: Site) -> Sequence[Route]:
    one = Desk(site)
    return [
        Route("/links", one.all),
        Route("/links/new", one.new),
        Route("/links/edit", one.edit),
        Route("/links/remove", one.leaving),
        Route("/links/look", one.look, methods=["POST"]),
        Route("/links/save", one.save, methods=["POST"]),
        Route("/links/remove", one.remove, methods=["POST"]),
    ]


class Desk:
    def __init__(self, site: Site) -> None:
        self._site, self._db = site, site.db

    async def all(self, request: Request) -> Response:
        demand(request, "read_registry")
        wanted = table.Filter(**{name: request.query_params.get(name, "").strip()[:LONGEST] for name in ASKED})
        found, more = await table.page(self._db, request.query_params.get("after", "")[:LONGEST], wanted)
        about: dict[str, Any] = {"matrix": table.matrix(found, wanted.environment), "more": more, "wanted": wanted, "spelled": spelled}
        if partial(request):
            return self._site.show(request, "links/matrix.html", **about)
        return self._site.show(request, "links/page.html", known=await table.connectors(self._db), **about)

    async def new(self, request: Request) -> Response:
        demand(request, "change_registry")
        given = {name: request.query_params.get(name, "")[:LONGEST] for name in ("connector", "project")}
        return await self._form(request, None, given)

    async def edit(self, request: Request) -> Response:
        demand(request, "change_registry")
        before, _ = await self._there(request.query_params.get("name", ""))
        return await self._form(request, before, {})

    async def _form(self, request: Request, before: Link | None, given: Mapping[str, str]) -> Response:
        shown = [json.dumps(one) for one in before.ceiling.details] if before else []
        known = await table.connectors(self._db)
        return self._site.show(request, "links/form.html", before=before, given=given, details=shown, known=known, spelled=spelled)

    async def _there(self, name: str) -> tuple[Link, int]:
        """And its revision. Raises Refused."""
        found = await table.one(self._db, name) if "\0" not in name else None
        if found is None:
            raise Refused(404, GONE)
        return found

    async def look(self, request: Request) -> Response:
        """The gateway does it and takes it back; what it is held to is what was read here."""
        demand(request, "change_registry")
        sent = await form(request)
        before, revision = await self._there(sent["name"]) if sent.get("name") else (None, 0)
        after = filled(sent, before)
        await self._put(request, after, revision, dry_run=True)
        about: dict[str, Any] = {"before": before, "after": after, "sides": sides(before, after), "revision": revision, "seen": digest(after)}
        return self._site.show(request, "links/look.html", **about)

    async def save(self, request: Request) -> Response:
        demand(request, "change_registry")
        sent = await form(request)
        before = (await self._there(sent["name"]))[0] if sent.get("name") else None
        after, revision = filled(sent, before), sent.get("revision", "")
        if sent.get("seen") != digest(after) or not revision.isdecimal():
            raise Refused(409, {"code": "changed_since", "message": "this is not what you looked at: a field was changed since",
                                "fix": "look at the difference once more, then save it"})  # fmt: skip
        await self._put(request, after, int(revision), dry_run=False)
        return Response(status_code=204, headers={"HX-Redirect": f"/links?project={quote(after.project, safe='')}"})

    async def _put(self, request: Request, link: Link, revision: int, *, dry_run: bool) -> None:
        """Revision 0: nothing may be there."""
        operator = demand(request, "change_registry")
        query = {"dry_run": "true"} if dry_run else None
        body = json.loads(link.model_dump_json(exclude={"kind"}, exclude_none=True))
        held = f'"{revision}"' if revision else None
        await self._site.gateway.ask(operator, "PUT", address(link.name), body=body, query=query, etag=held, only_new=not revision)

    async def leaving(self, request: Request) -> Response:
        """What removing it stops, and what it does not."""
        demand(request, "change_registry")
        demand(request, "read_credentials")
        link, revision = await self._there(request.query_params.get("name", ""))
        return self._site.show(request, "links/remove.html", link=link, revision=revision, live=await table.live(self._db, link))

    async def remove(self, request: Request) -> Response:
        operator, sent = demand(request, "change_registry"), await form(request)
        await self._site.gateway.ask(operator, "DELETE", address(sent.get("name", "")), etag=f'"{sent.get("revision", "")}"')
        return Response(status_code=204, headers={"HX-Redirect": "/links"})


def digest(link: Link) -> str:
    return hashlib.sha256(json.dumps(ordered(link.model_dump()), sort_keys=True).encode()).hexdigest()


def address(name: str) -> str:
    return f"/v1/links/{quote(name, safe='/@')}"
