"""Exchanges as they happen, and one of them in full."""

import re
from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from services.console.gateway import Refused
from services.console.live.exchanges import SHOWN, Wanted
from services.console.live.feed import LOOKED, SIZE, Feed, last
from services.console.live.one import in_full
from services.console.live.streaming import events
from services.console.operator import demand
from services.console.rendering import partial
from services.console.site import Site

CONNECTORS = "SELECT name FROM registry_entry WHERE kind = 'connector' ORDER BY name LIMIT 500"
LONGEST = 200
INDEX = re.compile(r"-1|[0-9]{1,15}")


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
        size, rows = await self._db.fetchval(SIZE) or 0, await last(self._db, wanted)
        known = [row["name"] for row in await self._db.fetch(CONNECTORS)]
        return self._site.show(
            request,
            "live/page.html",
            rows=rows,
            wanted=wanted,
            known=known,
            outcomes=SHOWN,
            looked=LOOKED,
            after=max([size - 1, *(one.index for one in rows[:1])]),
            query=query,
            paused="paused" in request.query_params,
        )

    async def stream(self, request: Request) -> Response:
        """From where the page ended; a browser that comes back says what it saw last."""
        demand(request, "read_audit")
        still, seen = request.state.still, request.headers.get("last-event-id") or request.query_params.get("after", "")

        async def stream() -> AsyncIterator[str]:
            with self._feed.watching(asked(request)) as watcher:
                await self._feed.reading()
                missed = await last(self._db, watcher.wanted, int(seen), LOOKED) if INDEX.fullmatch(seen) else ()
                async for one in events(watcher, self._site.show.text, still, missed):
                    yield one

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def exchange(self, request: Request) -> Response:
        demand(request, "read_audit")
        found = await in_full(self._db, request.path_params["request_id"], request.query_params.get("exchange", ""))
        if found is None:
            raise Refused(404, {"code": "not_found", "message": "the log has no such exchange, or not yet", "fix": "load the page again in a moment"})
        template = "live/sheet.html" if partial(request) else "live/exchange.html"
        return self._site.show(request, template, full=found, young=found.young(self._site.now()), trace_url=self._site.trace_url)


def asked(request: Request) -> Wanted:
    return Wanted(*(request.query_params.get(name, "").strip()[:LONGEST] for name in ("connector", "outcome", "project")))
