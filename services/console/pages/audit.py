"""The log: questions to it, one request from end to end, one leaf, and its proof, which the reader's own browser checks."""

import json
from collections.abc import Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from services.console.audit import proof, search, timeline
from services.console.audit.leaves import KINDS
from services.console.gateway import Refused
from services.console.moments import BadMoment, moment
from services.console.operator import demand
from services.console.site import Site

CONNECTORS = "SELECT name FROM registry_entry WHERE kind = 'connector' ORDER BY name LIMIT 500"
ASKED = ("about", "kind", "connector", "since", "until", "before")
LONGEST = 512


def pages(site: Site) -> Sequence[Route]:
    one = Reader(site)
    return [
        Route("/audit", one.ask),
        Route("/audit/{index:int}", one.fact),
        Route("/audit/{index:int}/proof", one.proof),
        Route("/audit/{index:int}/proof.json", one.saved),
    ]


class Reader:
    def __init__(self, site: Site) -> None:
        self._site, self._db = site, site.db

    async def ask(self, request: Request) -> Response:
        demand(request, "read_audit")
        asked = {name: request.query_params.get(name, "").strip()[:LONGEST] for name in ASKED}
        if asked["about"].isdecimal() and asked["about"].isascii():
            return RedirectResponse(f"/audit/{int(asked['about'][:16])}", 303)
        known = [row["name"] for row in await self._db.fetch(CONNECTORS)]
        about = {"asked": asked, "kinds": KINDS, "known": known, "window": search.WINDOW}
        if asked["about"]:
            steps = await timeline.about(self._db, identifier(asked["about"]))
            return self._site.show(request, "audit/timeline.html", 200, steps=steps, **about)
        found = await search.search(self._db, self._wanted(asked))
        return self._site.show(request, "audit/page.html", 200, found=found, **about)

    def _wanted(self, asked: dict[str, str]) -> search.Wanted:
        try:
            since, until = (moment(asked[name], self._site.now()) if asked[name] else None for name in ("since", "until"))
        except BadMoment as bad:
            raise no_question(str(bad), bad.fix) from None
        before = asked["before"]
        if before and not (before.isascii() and before.isdecimal() and len(before) < 17):
            raise no_question("there is no such page of the log", "begin at its newest leaf")
        return search.Wanted(asked["kind"], asked["connector"], since, until, int(before) if before else None)

    async def fact(self, request: Request) -> Response:
        demand(request, "read_audit")
        found = await proof.shown(self._db, request.path_params["index"])
        if found is None:
            raise missing()
        return self._site.show(request, "audit/fact.html", one=found, gateway_url=self._site.gateway_url)

    async def proof(self, request: Request) -> Response:
        """A C2SP tlog-proof, as the gateway makes it: https://c2sp.org/tlog-proof"""
        index, found = await self._proven(request)
        return saved(found["proof"], f"leaf-{index}.tlog-proof")

    async def saved(self, request: Request) -> Response:
        """With the leaf beside it: what `counterfoil audit verify-proof` reads."""
        index, found = await self._proven(request)
        return saved(json.dumps({"leaf": found["leaf"], "proof": found["proof"]}, indent=2, ensure_ascii=False) + "\n", f"leaf-{index}.json")

    async def _proven(self, request: Request) -> tuple[int, dict[str, str]]:
        """Against the published checkpoint, which witnesses sign; a leaf that is younger than it (5 s at most): against the newest."""
        operator, index = demand(request, "read_audit"), request.path_params["index"]
        try:
            return index, await self._site.gateway.get(operator, "/v1/audit/proof/inclusion", index=index)
        except Refused as refused:
            if refused.code != "beyond_log" or (found := await proof.shown(self._db, index)) is None or found.proof is None:
                raise
            return index, {"leaf": found.leaf.text, "proof": found.proof}


def saved(text: str, name: str) -> Response:
    return PlainTextResponse(text, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise no_question("that names nothing the log could have", "give an index, a request_id or a credential_id") from None


def no_question(message: str, fix: str) -> Refused:
    return Refused(422, {"code": "bad_question", "message": message, "fix": fix})


def missing() -> Refused:
    return Refused(404, {"code": "not_found", "message": "the log has no such leaf, or not yet", "fix": "look at its newest leaves: /audit"})
