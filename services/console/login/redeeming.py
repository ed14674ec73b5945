"""The code that came back -> the id_token, over a connection of our own: RFC 6749, section 4.1.3."""

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

import httpx

from counterfoil.contracts.exchange_requested import LARGEST_TOKEN
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.outbound import Outbound, Unfetched
from counterfoil_server.runtime.tokens.notation import json_object
from services.console.login.begun import Begun
from services.console.login.failed import ANEW, Failed, away, misconfigured
from services.console.login.provider import Provider

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class ThisClient:
    """Who the console is at the issuer. Without a secret PKCE alone binds the code to who asked for it."""

    id: str
    secret: Secret | None = field(repr=False)
    redirect_uri: str

    def headers(self) -> dict[str, str]:
        """client_secret_basic: RFC 6749, section 2.3.1."""
        if self.secret is None:
            return {"Content-Type": FORM}
        pair = f"{quote_plus(self.id)}:{quote_plus(self.secret.text())}"
        return {"Content-Type": FORM, "Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


async def redeemed(http: Outbound, provider: Provider, client: ThisClient, begun: Begun, code: str) -> Secret:
    """Raises Failed."""
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri, "code_verifier": begun.verifier}
    body = urlencode(asked | ({} if client.secret else {"client_id": client.id})).encode()
    try:
        answer = await http.send("POST", provider.token, client.headers(), body)
    except Unfetched as no:
        raise away(f"the issuer did not give what you signed in for ({no.code})") from None
    if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise away(f"the issuer did not give what you signed in for (it answered {answer.status})")
    if answer.status == httpx.codes.UNAUTHORIZED:
        raise misconfigured("the issuer does not know this console as its client: its id or its secret is wrong there or here")
    if answer.status != httpx.codes.OK:
        raise Failed("code_refused", "the issuer no longer accepts this sign-in: it is too old, or was used before", ANEW)
    return id_token(answer.body)


def id_token(body: bytes) -> Secret:
    try:
        found = json_object(body).get("id_token")
    except (ValueError, TypeError, RecursionError):
        raise misconfigured("the issuer's answer is no JSON that can be read in one way only") from None
    if not isinstance(found, str) or not 0 < len(found) <= LARGEST_TOKEN:
        raise misconfigured("the issuer's answer has no id_token: is this client one of OpenID Connect there?")
    return Secret(found)
