"""Vercel: a function gets its token with each request, a build in a variable; another audience is had for it at Vercel's issuer.

https://vercel.com/docs/oidc/reference
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from counterfoil.client.ambient.asking import answer, member
from counterfoil.client.ambient.peek import audiences
from counterfoil.client.ambient.source import Around, Failed, Source, unset
from counterfoil.wire.secret import Secret

HEADER, VARIABLE = "x-vercel-oidc-token", "VERCEL_OIDC_TOKEN"
EXCHANGE = "https://oidc.vercel.com/~token"
ENABLE = "turn on Secure Backend Access (OIDC) for the project; in a function do the work within counterfoil.client.ambient.vercel.request(headers)"
_of_request: ContextVar[Secret | None] = ContextVar("counterfoil_vercel_token", default=None)


@contextmanager
def request(headers: Mapping[str, str]) -> Iterator[None]:
    """For the length of one request of a function: its token is the one of its headers."""
    found = next((value for name, value in headers.items() if name.lower() == HEADER), None)
    before = _of_request.set(Secret(found) if found else None)
    try:
        yield
    finally:
        _of_request.reset(before)


def missing(around: Around) -> str | None:
    return unset(around, "VERCEL", VARIABLE)


async def token(around: Around, audience: str) -> Secret:
    held, variable = _of_request.get(), around.env.get(VARIABLE)
    found = held if held is not None else Secret(variable) if variable else None
    if found is None:
        raise Failed(f"no {HEADER} in this request, and {VARIABLE} is not set", ENABLE)
    if audiences(found) == [audience]:
        return found
    response = await answer(
        around, "POST", EXCHANGE, what="Vercel's token exchange", fix="is this project's token still valid? Build anew, or `vercel env pull`",
        json={"token": found.text(), "aud": audience}, headers={"Accept": "application/json"},
    )  # fmt: skip
    return Secret(member(response, "token", "Vercel's token exchange"))


SOURCES = (Source("Vercel", missing, token),)
