"""In front of every page: who is signed in, whether a change was sent from our own page, and what a no looks like."""

import hmac
from collections.abc import Sequence
from functools import partial as partial_of
from urllib.parse import parse_qsl, quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.console.gateway import Refused
from services.console.operator import Doorkeeper, NotAllowed, StepUp
from services.console.rendering import Renderer, partial

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = ("/static/", "/login", "/robots.txt", "/healthz")
LARGEST_FORM = 256 * 1024


class Gate:
    """`url` is the console's own, as browsers know it."""

    def __init__(self, app: ASGIApp, keeper: Doorkeeper, show: Renderer, url: str, beside: Sequence[str] = ()) -> None:
        self._app, self._keeper, self._show, self._url, self._open = app, keeper, show, url, (*OPEN, *beside)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self._open):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer = await self._stopped(request)
        if answer is not None:
            await answer(scope, receive, send)
            return
        try:
            await self._app(scope, request.receive, send)
        except ClientDisconnect:
            return
        except (NotAllowed, StepUp, Refused) as no:
            await self._told(request, no)(scope, receive, send)

    async def _stopped(self, request: Request) -> Response | None:
        operator = await self._keeper.operator(request)
        if operator is None:
            return to_login(request)
        request.state.operator = operator
        request.state.still = partial_of(self._keeper.operator, request)
        if request.method not in SAFE and not (same_site(request, self._url) and hmac.compare_digest(sent(request), operator.csrf)):
            return self._show(request, "problem.html", 403, title="That was not sent from this page", message=STRANGE, fix=RELOAD, code="csrf")
        return None

    def _told(self, request: Request, no: Exception) -> Response:
        """Of a piece a piece, which htmx puts where the answer would have stood."""
        if isinstance(no, StepUp):
            return to_login(request, fresh=True)
        template = "parts/problem.html" if partial(request) else "problem.html"
        if isinstance(no, Refused):
            status = no.status if no.status in (400, 401, 403, 404, 409, 412, 422, 429) else 502
            return self._show(request, template, status, title="Refused", message=no.message, fix=no.fix, code=no.code)
        return self._show(
            request, template, 403, title="Not allowed", message=f"your role may not {str(no).replace('_', ' ')}",
            fix="ask an admin of this installation", code="not_allowed",
        )  # fmt: skip


STRANGE = "the change carried no proof that it came from this console"
RELOAD = "load the page again, and send it once more"


def sent(request: Request) -> str:
    """In a header, which no other site can set: htmx sends it along from the page's body element."""
    return request.headers.get("x-csrf-token", "")


def same_site(request: Request, url: str) -> bool:
    """What the browser itself says of where it comes from, where it says anything."""
    origin, fetched = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    return origin in (None, url) and fetched in (None, "same-origin")


def to_login(request: Request, *, fresh: bool = False) -> Response:
    """A whole page goes there by itself; a piece of one tells htmx to. After a change one comes back to the page it was on."""
    back = request.url.path if request.method in SAFE and not partial(request) else request.headers.get("hx-current-url", "/")
    there = f"/login?then={quote(local(back), safe='')}{'&fresh=1' if fresh else ''}"
    if partial(request):
        return Response(status_code=401, headers={"HX-Redirect": there})
    return RedirectResponse(there, 303)


def local(address: str) -> str:
    """A path of ours, or the first page: never another host."""
    path = "/" + address.partition("://")[2].partition("/")[2] if "://" in address else address
    good = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if good else "/"


async def form(request: Request) -> dict[str, str]:
    """Raises Refused. A field that stands twice is joined by line ends."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise Refused(400, {"code": "body_too_large", "message": f"a form has at most {LARGEST_FORM} bytes", "fix": "send less"})
    found: dict[str, str] = {}
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=500, errors="strict")
    except ValueError:
        raise Refused(400, {"code": "bad_form", "message": "this is no form", "fix": RELOAD}) from None
    for name, value in fields:
        found[name] = f"{found[name]}\n{value}" if name in found else value
    return found
