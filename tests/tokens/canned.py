"""An issuer's answers by url, without http."""

import asyncio
import json

from tests.tokens.forge import ISSUER, jwk

WELL_KNOWN = f"{ISSUER}/.well-known/openid-configuration"
KEYS = json.dumps({"keys": [jwk("rsa")]}).encode()


class Canned:
    """Answers by url; whatever else is asked for is an error of the test."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.gate: asyncio.Event | None = None

    def say(self, url: str, document: object) -> "Canned":
        self.answers[url] = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self

    async def fetch_json(self, url: str) -> bytes:
        self.asked.append(url)
        if self.gate:
            await self.gate.wait()
        return self.answers[url]


def configuration(issuer: str = ISSUER, jwks_uri: object = f"{ISSUER}/jwks") -> dict[str, object]:
    return {"issuer": issuer, "jwks_uri": jwks_uri}
