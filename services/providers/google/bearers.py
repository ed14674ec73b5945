"""Tokens of the keys' own accounts: asked for once each, however many requests wait, and kept in memory alone."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from counterfoil.wire.lru import Lru
from counterfoil.wire.secret import Secret
from services.providers.google import said
from services.providers.google.cloud import Cloud
from services.providers.google.proof import account
from services.providers.oauth.given import given
from services.providers.seam import Unavailable
from services.providers.web.keys import Keys

SPARE = timedelta(minutes=2)
"""Of a token's life, in which it is asked for anew."""


@dataclass(slots=True)
class Held:
    token: Secret | None = None
    until: float = 0.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Bearers:
    def __init__(self) -> None:
        self._keys = Keys(account)
        self._held: Lru[tuple[bytes, str], Held] = Lru(256)

    async def of(self, cloud: Cloud, key: Secret, refused: Secret | None = None) -> Secret:
        """`refused`: one that Google did not take, though it should be good."""
        held, clock = self._of(cloud, key), asyncio.get_running_loop().time
        try:
            async with asyncio.timeout_at(cloud.until), held.asking:
                if held.token is None or clock() >= held.until or held.token == refused:
                    held.token, held.until = await self._asked(cloud, key, clock())
                return held.token
        except TimeoutError:
            raise Unavailable("timeout", "Google did not take the key's proof in time") from None

    def _of(self, cloud: Cloud, key: Secret) -> Held:
        place = (sha256(key.reveal()).digest(), cloud.config.oauth)
        held = self._held.get(place)
        if held is None:
            self._held.put(place, held := Held())
        return held

    async def _asked(self, cloud: Cloud, key: Secret, now: float) -> tuple[Secret, float]:
        heard = await cloud.own(await self._keys.of(key))
        found = given(heard)
        if found is None or not found.sound:
            raise said.no_proof(heard)
        return found.token, now + ((found.lives or SPARE) - SPARE).total_seconds()
