"""Tokens of the keys' own accounts: asked for once each, however many requests wait, and kept in memory alone."""

from datetime import timedelta
from hashlib import sha256

from counterfoil.wire.secret import Secret
from services.providers.google import said
from services.providers.google.cloud import Cloud
from services.providers.google.proof import account
from services.providers.oauth.given import given
from services.providers.web.keys import Keys
from services.providers.web.once import Once

SPARE = timedelta(minutes=2)
"""Of a token's life, in which it is asked for anew."""


class Bearers:
    def __init__(self) -> None:
        self._keys = Keys(account)
        self._held: Once[tuple[bytes, str], Secret] = Once("Google did not take the key's proof in time")

    async def of(self, cloud: Cloud, key: Secret, refused: Secret | None = None) -> Secret:
        """`refused`: one that Google did not take, though it should be good."""

        async def ask(_: Secret | None) -> tuple[Secret, float]:
            heard = await cloud.own(await self._keys.of(key))
            found = given(heard)
            if found is None or not found.sound:
                raise said.no_proof(heard)
            return found.token, ((found.lives or SPARE) - SPARE).total_seconds()

        return await self._held.of((sha256(key.reveal()).digest(), cloud.config.oauth), cloud.until, ask, refused)
