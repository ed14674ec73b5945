"""Where a browser is sent to sign in: RFC 6749, section 4.1.1, with PKCE (RFC 7636) and what OpenID Connect adds."""

from urllib.parse import urlencode

from services.console.login.begun import Begun
from services.console.login.provider import Provider
from services.console.login.redeeming import ThisClient
from services.console.sessions.keeper import LONGEST


def address(provider: Provider, client: ThisClient, begun: Begun, hint: str = "") -> str:
    """With `max_age` the issuer has to say when they signed in; with 0 it has to ask them anew."""
    asked = {
        "response_type": "code", "client_id": client.id, "redirect_uri": client.redirect_uri, "scope": "openid profile", "state": begun.state,
        "nonce": begun.nonce, "code_challenge": begun.challenge, "code_challenge_method": "S256",
        "max_age": "0" if begun.fresh else str(int(LONGEST.total_seconds())),
    }  # fmt: skip
    asked |= ({"prompt": "login"} if begun.fresh else {}) | ({"login_hint": hint} if hint else {})
    return f"{provider.authorization}{'&' if '?' in provider.authorization else '?'}{urlencode(asked)}"
