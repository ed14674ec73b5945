"""Which door is where."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from services.gateway.answering import Dialect, Door, Endpoint, refusal
from services.gateway.problems import About, Problem
from services.gateway.token_door import TokenDoor
from services.gateway.wellknown import WellKnown, problem_page

METHOD_NOT_ALLOWED = 405


def routes(base: str, token: TokenDoor, wellknown: WellKnown, more: Sequence[BaseRoute] = ()) -> ASGIApp:
    def door(path: str, endpoint: Endpoint, methods: Sequence[str] = ("GET",), dialect: Dialect = "v1") -> Route:
        return Route(path, Door(endpoint, dialect, base), methods=list(methods))

    return Starlette(
        routes=[
            door("/oauth2/token", token.exchange, ("POST",), "oauth"),
            door("/.well-known/counterfoil", wellknown.counterfoil),
            door("/.well-known/oauth-authorization-server", wellknown.oauth),
            door("/problems/{code}", problem_page),
            *more,
        ],
        exception_handlers={HTTPException: misplaced(base)},
    )


def misplaced(base: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    """No such address, or not with this method."""

    async def answer(request: Request, error: Exception) -> Response:
        code = "method_not_allowed" if isinstance(error, HTTPException) and error.status_code == METHOD_NOT_ALLOWED else "not_found"
        dialect: Dialect = "oauth" if request.url.path.startswith("/oauth2/") else "v1"
        return refusal(Problem(code), dialect, base, About())

    return answer
