"""How a source asks over HTTP: briefly, without redirects, and without a word of the question or the answer in an error."""

import asyncio
from typing import TYPE_CHECKING, Any

from counterfoil.client.ambient.source import Around, Failed

if TYPE_CHECKING:
    import httpx

SECONDS, NEAR_SECONDS = 8.0, 3.0
"""Metadata services answer within milliseconds, or not at all."""


def usual(near: bool, socket: str | None) -> "httpx.AsyncClient":
    import httpx  # noqa: PLC0415 only what is used is imported

    transport = httpx.AsyncHTTPTransport(uds=socket) if socket else None
    return httpx.AsyncClient(trust_env=not near, follow_redirects=False, transport=transport)


async def answer(
    around: Around, method: str, url: str, *, what: str, fix: str, near: bool = False, socket: str | None = None, **request: Any
) -> "httpx.Response":  # fmt: skip
    """A good answer. `what` names who was asked; `fix` is what to do where the answer is no."""
    response = await reply(around, method, url, what=what, near=near, socket=socket, **request)
    if not response.is_success:
        raise Failed(f"{what} answered HTTP {response.status_code}", fix)
    return response


async def reply(
    around: Around, method: str, url: str, *, what: str, near: bool = False, socket: str | None = None, **request: Any
) -> "httpx.Response":  # fmt: skip
    """Any answer."""
    import httpx  # noqa: PLC0415 see above

    try:
        async with asyncio.timeout(NEAR_SECONDS if near else SECONDS), (around.open or usual)(near, socket) as http:
            return await http.request(method, url, timeout=None, **request)
    except TimeoutError:
        failed = "no answer in time"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        failed = type(error).__name__
    # Raised outside the handler: httpx's errors hold the request, and what it carries.
    raise Failed(f"{what} could not be reached: {failed}", "is it reachable from here? What is between (a firewall, a proxy, a hop limit)?")


def member(response: "httpx.Response", name: str, what: str) -> str:
    """A member of a JSON answer that is a text."""
    try:
        found = response.json()
    except ValueError:
        found = None
    text = found.get(name) if isinstance(found, dict) else None
    if not isinstance(text, str) or not text:
        raise Failed(f"{what} answered without {name}", "is it what it should be? Something else may answer in its place")
    return text
