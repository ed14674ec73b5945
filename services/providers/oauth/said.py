"""What a no of an authorization server means. Its own words go nowhere: they may hold a secret. RFC 6749 section 5.2."""

from services.providers.seam import ProviderError, Refused, RootRefused, Unavailable, Unknown
from services.providers.web.talk import Heard

SAID: dict[str, tuple[type[ProviderError], str]] = {
    "invalid_client": (RootRefused, "the server does not accept this client, or the way it proves itself"),
    "unauthorized_client": (Refused, "the server does not let this client use this grant"),
    "unsupported_grant_type": (Refused, "the server does not know this grant"),
    "invalid_scope": (Refused, "the server does not give this client such a scope"),
    "scope_invalid": (Refused, "the server does not give this client such a scope"),
    "invalid_target": (Refused, "the server does not give this client tokens for such a resource"),
    "invalid_authorization_details": (Refused, "the server does not give this client such details: their type, a member or a value"),
    "invalid_request": (Refused, "the server does not understand the request"),
    "invalid_grant": (Refused, "the server does not accept the grant, or what was shown for it"),
    "access_denied": (Refused, "the server denied it"),
    "temporarily_unavailable": (Unavailable, "the server is overloaded or being maintained"),
    "slow_down": (Unavailable, "the server wants to be asked less often"),
}
BUSY = (429, 503)


def busy(heard: Heard) -> Unavailable | None:
    """Where the server says that it did nothing for now."""
    return Unavailable("busy", f"the server answered {heard.status}", heard.retry_after) if heard.status in BUSY else None


def no(heard: Heard) -> ProviderError:
    """Of a token endpoint that gave no token."""
    if later := busy(heard):
        return later
    kind, message = SAID.get(heard.error or "", (None, ""))
    if kind is not None and heard.status < 500:
        return kind(heard.error or "", message, heard.retry_after)
    if heard.status >= 500:
        return Unknown("server_error", f"the server answered {heard.status}")
    if heard.error is not None or heard.status >= 300:
        return Refused("said_no", f"the server answered {heard.status}")
    return Unknown("no_token", "the server said yes, and no token could be read")
