"""The issuer that signs operators in, as it describes itself: OpenID Connect Discovery 1.0, RFC 8414."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from counterfoil.contracts.registry import Issuer, Mapped
from counterfoil_server.runtime.outbound import ONE_READING, Outbound, Unfetched
from counterfoil_server.runtime.tokens.notation import json_object
from counterfoil_server.runtime.tokens.shape import ALGORITHMS
from services.console.login.failed import away, misconfigured

KEPT = 300.0
DAY = 24 * 3600
NOWHERE = Mapped(value="console")


@dataclass(frozen=True, slots=True)
class Provider:
    """`entry` is what its tokens are judged by. `names_itself`: it says who it is when it answers a browser (RFC 9207)."""

    authorization: str
    token: str
    names_itself: bool
    entry: Issuer


class Described:
    """Read anew every five minutes."""

    def __init__(self, http: Outbound, issuer: str, *, development: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._http, self._issuer, self._development, self._clock = http, issuer, development, clock
        self._held: tuple[float, Provider] | None = None
        self._lock = asyncio.Lock()

    async def provider(self) -> Provider:
        """Raises Failed."""
        async with self._lock:
            if self._held is None or self._clock() - self._held[0] > KEPT:
                self._held = (self._clock(), await self._read())
            return self._held[1]

    async def _read(self) -> Provider:
        try:
            document = json_object(await self._http.fetch_json(f"{self._issuer.removesuffix('/')}/.well-known/openid-configuration"))
        except Unfetched as no:
            raise away(f"the issuer's own description cannot be had ({no.code})") from None
        except (ValueError, TypeError, RecursionError):
            raise misconfigured("the issuer's own description is no JSON that can be read in one way only") from None
        if document.get("issuer") != self._issuer:
            raise misconfigured("the issuer's own description is another issuer's")
        return Provider(
            self._url(document, "authorization_endpoint"),
            self._url(document, "token_endpoint"),
            document.get("authorization_response_iss_parameter_supported") is True,
            entry(self._issuer, self._url(document, "jwks_uri"), document.get("id_token_signing_alg_values_supported")),
        )

    def _url(self, document: dict[str, Any], member: str) -> str:
        found = document.get(member)
        allowed = ("https://", "http://127.0.0.1:", "http://localhost:") if self._development else ("https://",)
        if not isinstance(found, str) or not found.startswith(allowed) or not ONE_READING.fullmatch(found):
            raise misconfigured(f"the issuer's {member} is no https address")
        return found


def entry(issuer: str, jwks_uri: str, said: object) -> Issuer:
    """By the gate that judges everybody's tokens. How long one may live, and whose it is, the gateway rules once more by its own entry."""
    algorithms = ALGORITHMS.intersection(map(str, said)) if isinstance(said, list) else frozenset({"RS256"})
    if not algorithms:
        raise misconfigured("the issuer signs with no algorithm that is ever accepted")
    return Issuer(
        name="console", issuer=issuer, jwks_uri=jwks_uri, algorithms=algorithms, ignore_x5t=True, max_lifetime=DAY,
        project=NOWHERE, environment=NOWHERE,
    )  # fmt: skip
