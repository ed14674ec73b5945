"""The console, put together: pages behind the gate, what is reached beside it, and the loops behind both."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from counterfoil_server.runtime import health
from counterfoil_server.runtime.outbound import careful
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.tokens.jwks import Jwks
from services.console import assets
from services.console.gateway import Gateway
from services.console.live.feed import Feed
from services.console.login.doors import BACK, Login, inside, outside
from services.console.login.provider import Described
from services.console.login.redeeming import ThisClient
from services.console.own_settings import OwnSettings
from services.console.pages import live
from services.console.pages.every import PAGES
from services.console.rendering import Renderer
from services.console.running import serving
from services.console.sessions.cookie import Jar
from services.console.sessions.keeper import Sessions
from services.console.site import Page, Site, application
from services.console.spans.latest import Latest
from services.console.spans.receiver import Receiver
from services.console.spans.store import Spans
from services.console.tally.book import Tally


@dataclass(frozen=True)
class Wiring:
    """`beside`: reached without a session, and so with a door of its own. `loops`: run for ever; one that fails ends the process."""

    pages: Sequence[Page]
    beside: Sequence[Route] = ()
    loops: Sequence[Coroutine[Any, Any, None]] = ()


@dataclass(frozen=True)
class Parts:
    """What everything is made of. `http` is for the gateway alone, and its base URL is the gateway's."""

    own: OwnSettings
    db: Pool = field(repr=False)
    http: httpx.AsyncClient = field(repr=False)
    now: Clock

    def site(self, found: dict[str, assets.Asset]) -> Site:
        show = Renderer(found, development=self.own.development)
        return Site(
            self.db, Gateway(self.http), show, self.now, self.own.url, self.own.gateway_url, self.own.trace_url, self.own.kafka, Latest(self.now)
        )


def wired(parts: Parts, site: Site, sessions: Sessions) -> Wiring:
    """Whoever adds a receiver or a feed adds its routes and its loop here."""
    login = signing_in(parts, site, sessions)
    feed, spans = Feed(parts.db), Spans(parts.db, parts.now)
    return Wiring(
        pages=[*PAGES, lambda site: live.pages(site, feed), inside(login)],
        beside=outside(login, development=parts.own.development),
        loops=[sessions.sweep(), Tally(parts.db, parts.now).run(), feed.run(), *receiving(parts, spans, site.latest)],
    )


def receiving(parts: Parts, spans: Spans, latest: Latest) -> Sequence[Coroutine[Any, Any, None]]:
    """The receiver of spans, where it has a port."""
    if parts.own.otlp is None:
        return ()
    host, port = parts.own.otlp
    server = health.server(Receiver(spans, latest, parts.own.otlp_key).app(), host, port, "COUNTERFOIL_CONSOLE_OTLP_PORT")
    return spans.write(), spans.turn(), serving(server)


def signing_in(parts: Parts, site: Site, sessions: Sessions) -> Login:
    own, http = parts.own, careful(development=parts.own.development)
    client = ThisClient(own.client_id, own.client_secret, f"{own.url}{BACK}")
    described = Described(http, own.issuer, development=own.development)
    return Login(http, described, Jwks(http), client, sessions, site.show, parts.now, Jar.of("counterfoil-login", own.url))


def console(parts: Parts) -> tuple[Starlette, Sequence[Coroutine[Any, Any, None]]]:
    """The pages, and what has to run behind them."""
    found = dict(assets.assets())
    site = parts.site(found)
    sessions = Sessions(parts.db, site.gateway, parts.now, parts.own.url)
    made = wired(parts, site, sessions)
    return application(site, sessions, made.pages, found, made.beside), made.loops
