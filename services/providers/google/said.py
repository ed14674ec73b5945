"""What a no of Google's means. Its own words go nowhere: they may hold a secret. https://cloud.google.com/apis/design/errors"""

from collections.abc import Mapping
from datetime import timedelta

from services.providers.seam import ProviderError, Refused, Unavailable, Unknown
from services.providers.web.refusals import refused
from services.providers.web.talk import Heard

UNSAID = timedelta(seconds=5)
BUSY = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
REFUSED: Mapping[str, tuple[int, str, str]] = {
    "INVALID_ARGUMENT": (400, "not_granted", "Google refuses the wish: a scope is none, or the lifetime is too long"),
    "UNAUTHENTICATED": (401, "root_refused", "Google does not accept the key's own token"),
    "PERMISSION_DENIED": (
        403,
        "forbidden",
        "Google forbids it: the key's account needs roles/iam.serviceAccountTokenCreator on the one that is lent",
    ),
    "NOT_FOUND": (404, "no_such_account", "Google knows no such service account"),
}


def word(heard: Heard) -> str:
    error = heard.body.get("error")
    return str(error.get("status")) if isinstance(error, Mapping) else ""


def busy(heard: Heard) -> Unavailable | None:
    if heard.status in BUSY or word(heard) in BUSY.values():
        return Unavailable("busy", "Google wants to be asked less often", heard.retry_after or UNSAID)
    return None


def no(heard: Heard) -> ProviderError:
    """Of a request for a token that brought none."""
    if later := busy(heard):
        return later
    if heard.status >= 500:
        return Unknown("server_error", f"Google answered {heard.status}")
    known = REFUSED.get(word(heard)) or next((one for one in REFUSED.values() if one[0] == heard.status), None)
    if known is not None:
        return refused(*known[1:])
    if heard.status >= 300 or heard.error is not None:
        return Refused("said_no", f"Google answered {heard.status}")
    return Unknown("no_token", "Google said yes, and no token could be read")


def no_proof(heard: Heard) -> ProviderError:
    """Of the key's own account: nothing is made there that is lent."""
    if later := busy(heard):
        return later
    if 300 <= heard.status < 500 or heard.error is not None:
        return refused("root_refused", "Google does not accept the key: deleted, its account disabled or deleted, or this machine's clock is wrong")
    return Unavailable("no_proof", f"Google answered {heard.status}, and no token of the key's own could be read")


def no_narrower(heard: Heard) -> ProviderError:
    """The wide token that was made on the way is in nobody's hands, and ends by itself."""
    if later := busy(heard):
        return later
    if heard.status >= 500:
        return Unknown("server_error", f"Google's token exchange answered {heard.status}")
    if heard.status >= 300 or heard.error is not None:
        return Refused("no_boundary", "Google refuses the boundary: a bucket or a role is none, or the scopes are none of Cloud Storage")
    return Unknown("no_token", "Google's token exchange said yes, and no token could be read")
