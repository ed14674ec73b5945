"""All pages behind one gate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from counterfoil.wire.kafka import Connection
from counterfoil_server.runtime.service import Clock, utc_now
from counterfoil_server.runtime.store.database import Pool
from services.console import assets
from services.console.gate import Gate
from services.console.gateway import Gateway
from services.console.headers import Headers
from services.console.operator import Doorkeeper
from services.console.rendering import Renderer
from services.console.spans.latest import Latest


@dataclass(frozen=True)
class Site:
    """What every page gets. `db` is a role that reads what pages show, and no secret; what a page changes goes through `gateway`."""

    db: Pool = field(repr=False)
    gateway: Gateway
    show: Renderer
    now: Clock
    url: str
    gateway_url: str
    trace_url: str = ""
    """Where a whole trace is shown by somebody else: {trace_id} stands in it."""
    kafka: Connection | None = None
    """Where dead letters lie, if it was given a way there."""
    latest: Latest = field(default_factory=lambda: Latest(utc_now))
    """What services told of themselves last."""


Page = Callable[[Site], Sequence[BaseRoute]]


def application(site: Site, keeper: Doorkeeper, pages: Sequence[Page], found: dict[str, assets.Asset], beside: Sequence[Route] = ()) -> Starlette:
    """`beside`: what is reached without a session, such as the login and the receiver of spans."""

    async def misplaced(request: Request, _: Exception) -> Response:
        return site.show(request, "problem.html", 404, title="No such page", message=request.url.path, fix="choose one on the left", code="not_found")

    made = [route for page in pages for route in page(site)]
    gate = Middleware(Gate, keeper=keeper, show=site.show, url=site.url, beside=tuple(route.path for route in beside))
    return Starlette(
        routes=[*assets.routes(found), *beside, *made], middleware=[Middleware(Headers), gate], exception_handlers={HTTPException: misplaced}
    )
