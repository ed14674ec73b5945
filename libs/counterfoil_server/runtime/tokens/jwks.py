"""Issuers' key sets, kept: refreshed in the background, asked for once at a time, and used a while longer when an issuer is away."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.contracts.registry import Issuer
from counterfoil_server.runtime.telemetry import outgoing
from counterfoil_server.runtime.tokens.discovery import Fetches, discovered
from counterfoil_server.runtime.tokens.keyset import KeySet

UNKNOWN_KID = 60.0  # strangers can invent kids: each issuer is asked again at most this often for one
STALE = 3600.0
RETRY = 5.0
EARLY = 0.8  # of the refresh: from here the next set is fetched while the present one still answers


class Unavailable(Exception):
    """The issuer's keys cannot be had now: nothing is said about the token."""

    code = "issuer_unavailable"
    retryable = True


@dataclass(slots=True)
class Held:
    """What is known of one issuer's keys."""

    keys: KeySet | None = None
    fetched: float = -math.inf
    tried: float = -math.inf
    tried_for_kid: float = -math.inf
    used: float = -math.inf
    fault: str = ""
    flight: asyncio.Task[None] | None = None

    def has(self, kid: str | None) -> bool:
        return self.keys is not None and (kid is None or kid in self.keys)


class Jwks:
    """Asks for the issuers it is handed, and only them: that an issuer is listed is the caller's to know."""

    def __init__(self, http: Fetches, clock: Callable[[], float] = time.monotonic, refresh: float = 300.0) -> None:
        self._http = http
        self._clock = clock
        self._refresh = refresh
        self._held: dict[tuple[str, str | None], Held] = {}

    async def keys(self, issuer: Issuer, kid: str | None) -> KeySet:
        """The set to look for `kid` in. That it is missing there is KeySet.key's to say."""
        held = self._held.setdefault((issuer.issuer, issuer.jwks_uri), Held())
        held.used = self._clock()
        if held.flight is None and self._due(held, kid):
            held.flight = asyncio.create_task(self._fetch(issuer, held))
        if held.flight is not None and not self._answers(held, kid):
            await asyncio.shield(held.flight)
        if held.keys is None or self._clock() - held.fetched > STALE or (held.fault and not held.has(kid)):
            raise Unavailable(f"{issuer.name}: {held.fault}")
        return held.keys

    def age(self, issuer: Issuer) -> float | None:
        """Seconds since the set in use was fetched."""
        held = self._held.get((issuer.issuer, issuer.jwks_uri))
        return None if held is None or held.keys is None else self._clock() - held.fetched

    def oldest(self) -> float | None:
        """Of the sets that were asked for within a refresh. One that nobody asks for grows old, and that is no matter."""
        now = self._clock()
        return max((now - held.fetched for held in self._held.values() if held.keys is not None and now - held.used < self._refresh), default=None)

    def _due(self, held: Held, kid: str | None) -> bool:
        now = self._clock()
        old = now - held.fetched >= self._refresh * EARLY
        if old and now - held.tried < (RETRY if held.fault else 0):
            return False
        if held.keys is None or held.has(kid):
            return old
        asked_before = now - held.tried_for_kid < UNKNOWN_KID
        if not asked_before:
            held.tried_for_kid = now
        return old or not asked_before

    def _answers(self, held: Held, kid: str | None) -> bool:
        """Whether what is held will do while another set is on its way. An issuer that is away must not hold up every caller."""
        age = self._clock() - held.fetched
        return held.has(kid) and (age < self._refresh or (bool(held.fault) and age <= STALE))

    async def _fetch(self, issuer: Issuer, held: Held) -> None:
        held.tried = self._clock()
        try:
            with outgoing.asked("GET jwks"):
                held.keys = await discovered(self._http, issuer)
            held.fetched = self._clock()
            held.fault = ""
        except Exception as error:  # noqa: BLE001 whatever an issuer answers, the old set stands for a while
            held.fault = f"{type(error).__name__}: {error}"
        finally:
            held.flight = None
