"""What a no of GitHub's means where it is about a user. Its own words go nowhere: they may hold a secret.

https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
"""

from services.providers.consenting import NeedsConsent
from services.providers.github.said import UNSAID
from services.providers.github_user.client import APP_REFUSED
from services.providers.seam import ProviderError, Refused, RootRefused, Unavailable, Unknown
from services.providers.web.talk import Heard

NOT_GRANTED = ("not_granted", "GitHub refuses the wish: the account, a repository or a permission is not the app's, or not the user's")
UNKNOWN_TOKEN = {401, 404}
"""What GitHub may answer of a token that is over, and of an account that is not there: which of both is asked."""
REFUSED = {403: ("forbidden", "GitHub forbids it: the installation is suspended, or the app may not do this"), 422: NOT_GRANTED}
"""Of the request for a scoped token."""
LOGIN: dict[str, tuple[type[ProviderError], str, str]] = {
    "bad_refresh_token": (NeedsConsent, "bad_refresh_token", "GitHub does not accept the user's grant any more"),
    "bad_verification_code": (
        Refused,
        "bad_verification_code",
        "GitHub does not accept what the user brought: it is older than ten minutes, or used",
    ),
    "incorrect_client_credentials": (RootRefused, *APP_REFUSED),
    "redirect_uri_mismatch": (Refused, "redirect_uri_mismatch", "the app at GitHub names another callback URL than this exchange's"),
    "unverified_user_email": (Refused, "unverified_user_email", "the user has to verify their e-mail address at GitHub first"),
    "slow_down": (Unavailable, "slow_down", "GitHub wants to be asked less often"),
    "temporarily_unavailable": (Unavailable, "busy", "GitHub is not available now"),
}


def login(heard: Heard) -> ProviderError:
    """Of one that gave no token: the body first, for errors come with 200."""
    if heard.status == 429 or (heard.status == 403 and heard.retry_after is not None):
        return Unavailable("rate_limited", "a limit of GitHub's is reached", heard.retry_after or UNSAID)
    if heard.status == 503 and heard.retry_after is not None:
        return Unavailable("busy", "GitHub is not available now", heard.retry_after)
    if heard.status < 500 and heard.error is not None:
        kind, code, message = LOGIN.get(heard.error, (Refused, "said_no", "GitHub's login refused it, for a reason of its own"))
        return kind(code, message, heard.retry_after)
    if 300 <= heard.status < 500:
        return Refused("said_no", f"GitHub's login answered {heard.status}: check `web` of the connector")
    return Unknown("no_token", f"GitHub's login answered {heard.status}, and no token could be read")
