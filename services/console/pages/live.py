"""Exchanges as they happen, and one of them in full."""

import json
import shlex
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from services.console.audit import timeline
from services.console.audit.leaves import Leaf
from services.console.gateway import Refused
from services.console.live.exchanges import ENDS, Wanted, exchanges
from services.console.live.feed import Feed, last
from services.console.live.streaming import events
from services.console.live.waterfall import of_facts, of_spans
from services.console.operator import demand
from services.console.rendering import partial
from services.console.site import Site
from services.console.spans.store import of_request

CONNECTORS = "SELECT name FROM registry_entry WHERE kind = 'connector' ORDER BY name LIMIT 500"
CREDENTIAL = "SELECT credential_id, state, expires_at, class FROM mint WHERE request_id = $1 ORDER BY sent_at DESC LIMIT 5"
LONGEST = 200


def pages(site: Site, feed: Feed) -> Sequence[Route]:
    one = Live(site, feed)
    return [Route("/live", one.page), Route("/live/stream", one.stream), Route("/live/{request_id:uuid}", one.exchange)]


class Live:
    def __init__(self, site: Site, feed: Feed) -> None:
        self._site, self._db, self._feed = site, site.db, feed

    async def page(self, request: Request) -> Response:
        demand(request, "read_audit")
        wanted = asked(request)
        query = "&".join(part for part in request.url.query.split("&") if part and not part.startswith("paused="))
        rows = await last(self._db, wanted)
        known = [row["name"] for row in await self._db.fetch(CONNECTORS)]
        return self._site.show(
            request,
            "live/page.html",
            rows=rows,
            wanted=wanted,
            known=known,
            outcomes=tuple(ENDS.values()),
            query=query,
            paused="paused" in request.query_params,
        )

    async def stream(self, request: Request) -> Response:
        demand(request, "read_audit")
        still = request.state.still

        async def stream() -> Any:
            with self._feed.watching(asked(request)) as watcher:
                async for one in events(watcher, self._site.show.text, still):
                    yield one

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def exchange(self, request: Request) -> Response:
        demand(request, "read_audit")
        request_id: UUID = request.path_params["request_id"]
        leaves = [step.leaf for step in await timeline.about(self._db, request_id)]
        if not leaves:
            raise Refused(404, {"code": "not_found", "message": "the log has no such exchange, or not yet", "fix": "load the page again in a moment"})
        spans = await of_request(self._db, request_id)
        own = [one for one in leaves if one.request_id == str(request_id)]
        ended = exchanges(own)
        found = {
            "request_id": request_id, "leaves": leaves, "one": ended[-1] if ended else None, "trace_id": spans[0].trace_id.hex() if spans else None,
            "waterfall": of_spans(spans) if spans else of_facts(own), "facts": by_kind(own), "line": command(own),
            "credentials": await self._db.fetch(CREDENTIAL, request_id), "trace_url": self._site.trace_url,
        }  # fmt: skip
        return self._site.show(request, "live/sheet.html" if partial(request) else "live/exchange.html", **found)


def asked(request: Request) -> Wanted:
    return Wanted(*(request.query_params.get(name, "").strip()[:LONGEST] for name in ("connector", "outcome", "project")))


def by_kind(leaves: Sequence[Leaf]) -> dict[str, dict[str, Any]]:
    return {one.kind: one.fact for one in leaves}


def command(leaves: Sequence[Leaf]) -> str:
    """The same request as a line of the command line; whoever runs it asks as themselves."""
    wish: dict[str, Any] = next((one.fact["wish"] for one in leaves if isinstance(one.fact.get("wish"), dict)), {})
    if not wish.get("connector"):
        return ""
    parts = ["counterfoil", "get", str(wish["connector"])]
    parts += [part for scope in wish.get("scopes") or () for part in ("--scope", str(scope))]
    parts += [part for detail in wish.get("details") or () for part in ("--detail", json.dumps(detail))]
    parts += ["--lifetime", str(wish["lifetime"])] if wish.get("lifetime") else []
    return shlex.join(parts)
