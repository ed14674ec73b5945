"""An authorization server, as one client of it sees it for the length of one call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.outbound import Outbound
from services.providers.oauth import client
from services.providers.oauth.client import Key
from services.providers.oauth.config import Config, RootSecret
from services.providers.oauth.metadata import Places
from services.providers.oauth.said import busy
from services.providers.seam import Irrevocable, ProviderError, Refused, Unavailable, Unknown
from services.providers.web.keys import Keys
from services.providers.web.talk import Form, Heard, post


@dataclass(frozen=True, slots=True)
class Server:
    http: Outbound = field(repr=False)
    config: Config
    places: Places
    root: RootSecret
    keys: Keys[Key] = field(repr=False)
    until: float

    async def ask(self, url: str, lost: type[ProviderError], *form: tuple[str, str]) -> Heard:
        headers, proof = await client.proof(self.config, self.root.secret, self.places.token, self.keys)
        return await post(self.http, url, self.until, lost, headers, (*form, *proof))

    async def token(self, grant: str, *form: tuple[str, str]) -> Heard:
        return await self.ask(self.places.token, Unknown, ("grant_type", grant), *form)

    async def introspected(self, token: Secret) -> Mapping[str, object] | None:
        """RFC 7662; None where the server does not offer it. What is no answer to the question is Unavailable."""
        if self.places.introspection is None or not self.config.introspect:
            return None
        heard = await self.ask(self.places.introspection, Unavailable, *about(token))
        if heard.status != 200 or heard.error is not None or not isinstance(heard.body.get("active"), bool):
            raise Unavailable("not_proven", f"introspection answered {heard.status}", heard.retry_after)
        return heard.body

    async def revoke(self, token: Secret, until: datetime | None) -> None:
        """RFC 7009; and read back that it is dead, where the server offers that. It says 200 of a token that it does not know, too."""
        if self.places.revocation is None:
            raise Refused("no_revocation", "the server offers no revocation endpoint")
        heard = await self.ask(self.places.revocation, Unavailable, *about(token))
        if later := busy(heard):
            raise later
        if heard.error == "unsupported_token_type":
            raise Irrevocable("unsupported_token_type", "the server cannot revoke tokens of this kind", until)
        if heard.status != 200 or heard.error is not None:
            raise Unavailable("not_revoked", f"revocation answered {heard.status}")
        found = await self.introspected(token)
        if found is not None and found["active"]:
            raise Unavailable("still_active", "the server said that it revoked the token, and that it is active")


def about(token: Secret) -> Form:
    return ("token", token.text()), ("token_type_hint", "access_token")
