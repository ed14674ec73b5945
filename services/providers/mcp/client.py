"""Our client at an MCP server's authorization server: with a secret, or without; and what it keeps is kept with the issuer that it is for."""

import json
from dataclasses import dataclass

from counterfoil.wire.secret import Secret
from services.providers.mcp.discovery import moved
from services.providers.oauth.server import Server
from services.providers.seam import ProviderError
from services.providers.web.talk import Form, Heard, post


@dataclass(frozen=True, slots=True)
class Public(Server):
    """A client without a secret says who it is, and proves nothing. RFC 6749 section 3.2.1."""

    async def ask(self, url: str, lost: type[ProviderError], *form: tuple[str, str]) -> Heard:
        said: Form = (*form, ("client_id", self.config.client_id))
        heard = await post(self.http, url, self.until, lost, {}, said)
        if url == self.places.revocation and heard.error == "invalid_request":  # the MCP SDK's own server wants the member, though it be empty
            heard = await post(self.http, url, self.until, lost, {}, (*said, ("client_secret", "")))
        return heard


def bound(refresh: Secret, issuer: str) -> Secret:
    return Secret(json.dumps({"issuer": issuer, "refresh": refresh.text()}))


def unbound(kept: Secret, issuer: str) -> Secret:
    """Raises Refused where it is another issuer's: this one shall not see it."""
    said = json.loads(kept.text())
    if said["issuer"] != issuer:
        raise moved()
    return Secret(said["refresh"])
