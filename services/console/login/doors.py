"""/login, the way back from the issuer, and /logout."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from counterfoil_server.runtime.outbound import Outbound
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.tokens.jwks import Jwks
from services.console.gate import local
from services.console.gateway import Refused
from services.console.login.asking import address
from services.console.login.begun import LIFETIME, Begun, read
from services.console.login.failed import ANEW, Failed, stranger
from services.console.login.provider import Described
from services.console.login.proving import person
from services.console.login.redeeming import ThisClient, redeemed
from services.console.login.returning import code, same_browser
from services.console.rendering import Renderer
from services.console.sessions.cookie import Jar
from services.console.sessions.keeper import Arrival, Sessions, Used
from services.console.sessions.standing import NoOperator
from services.console.site import Page, Site

BACK = "/login/callback"
LONGEST_THEN = 1024
"""A cookie holds it."""


@dataclass(frozen=True)
class Login:
    http: Outbound
    described: Described
    jwks: Jwks
    client: ThisClient
    sessions: Sessions
    show: Renderer
    now: Clock
    jar: Jar

    async def begin(self, request: Request) -> Response:
        asked = request.query_params
        return await self._begun(request, local(asked.get("then", "/")), fresh=asked.get("fresh") == "1")

    async def once(self, request: Request) -> Response:
        """By a one-time link, which the local issuer knows."""
        return await self._begun(request, "/", hint=request.query_params.get("ticket", ""))

    async def back(self, request: Request) -> Response:
        begun = read(self.jar.read(request))
        try:
            answer = await self._finished(request, begun)
        except Failed as no:
            answer = self._failed(request, no, begun.then if begun else "/")
        self.jar.clear(answer)
        return answer

    async def leave(self, request: Request) -> Response:
        """A change like any other: the gate has seen that our own page sent it."""
        answer = Response(status_code=204, headers={"HX-Redirect": "/login/ended"})
        await self.sessions.end(request, answer)
        return answer

    async def ended(self, request: Request) -> Response:
        return self.show(request, "login/ended.html")

    async def _begun(self, request: Request, then: str, *, fresh: bool = False, hint: str = "") -> Response:
        begun = Begun.now(self.now(), then if len(then) <= LONGEST_THEN else "/", fresh_=fresh)
        try:
            answer = RedirectResponse(address(await self.described.provider(), self.client, begun, hint), 303)
        except Failed as no:
            return self._failed(request, no, then)
        self.jar.put(answer, begun.cookie, int(LIFETIME.total_seconds()))
        return answer

    async def _finished(self, request: Request, begun: Begun | None) -> Response:
        """Raises Failed."""
        began, provider = same_browser(request, begun, self.now()), await self.described.provider()
        token = await redeemed(self.http, provider, self.client, began, code(request, provider))
        who = await person(self.jwks, provider, self.client.id, began, token, self.now())
        answer = RedirectResponse(began.then, 303)
        try:
            await self.sessions.begin(request, Arrival(token, who.name, who.signed_in_at, who.ends_at, began.state, began.ends_at), answer)
        except Used:
            raise Failed("used", "this sign-in was finished before", ANEW) from None
        except NoOperator:
            raise stranger(provider.entry.issuer, who.subject) from None
        except Refused as no:
            raise Failed(no.code, f"the gateway does not take what the issuer signed for you: {no.message}", no.fix, 502) from None
        return answer

    def _failed(self, request: Request, no: Failed, then: str) -> Response:
        again = f"/login?{urlencode({'then': then})}" if no.again else ""
        return self.show(request, "login/failed.html", no.status, message=no.message, fix=no.fix, code=no.code, again=again, entry=no.entry)


def outside(login: Login, *, development: bool) -> Sequence[Route]:
    """What is reached without a session."""
    usual = [Route("/login", login.begin), Route(BACK, login.back), Route("/login/ended", login.ended)]
    return [*usual, Route("/login/once", login.once)] if development else usual


def inside(login: Login) -> Page:
    def pages(_: Site) -> Sequence[Route]:
        return [Route("/logout", login.leave, methods=["POST"])]

    return pages
