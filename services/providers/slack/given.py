"""What Slack's answer says it gave, and why it may not be handed over. The body is read before the status is believed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from counterfoil.wire.secret import Secret
from services.providers.oauth.given import positive, printable
from services.providers.seam import ProviderError, Refused, Unavailable, Unknown
from services.providers.slack.config import Config
from services.providers.web.talk import Heard

LONGEST = timedelta(hours=12)
ALWAYS = "identify"
"""What Slack adds to every user's token: to ask whose it is."""
OVER = frozenset({"invalid_refresh_token", "token_revoked", "token_expired", "account_inactive", "invalid_auth", "authorization_not_found"})
NO = {
    "invalid_client_id": "Slack knows no such app",
    "bad_client_secret": "Slack does not accept the app's secret",
    "invalid_code": "Slack does not accept what the user brought back",
    "code_already_used": "what the user brought back was used before",
    "bad_redirect_uri": "the app has another redirect URL at Slack",
}
PERHAPS = frozenset({"internal_error", "fatal_error", "request_timeout"})


@dataclass(frozen=True, slots=True)
class Given:
    token: Secret = field(repr=False)
    refresh: Secret | None = field(repr=False)
    scopes: frozenset[str]
    lives: timedelta | None
    amiss: str


def given(heard: Heard, config: Config) -> Given:
    """Raises what a no means. Of a code the user's token stands under `authed_user`, of a refresh at the top."""
    if heard.body.get("ok") is not True:
        raise no(heard)
    user = heard.body.get("authed_user")
    part: Mapping[str, object] = user if isinstance(user, dict) else heard.body
    token, refresh, lives = part.get("access_token"), part.get("refresh_token"), positive(part.get("expires_in"))
    if not isinstance(token, str) or not token:
        raise Unknown("no_token", "Slack said yes, and no token could be read")
    said = part.get("scope")
    scopes = frozenset(said.split(",")) - {ALWAYS, ""} if isinstance(said, str) else frozenset({"*"})
    renewed = Secret(refresh) if isinstance(refresh, str) and refresh and printable(refresh) else None
    return Given(Secret(token), renewed, scopes, lives, amiss(heard.body, part, config))


def amiss(whole: Mapping[str, object], part: Mapping[str, object], config: Config) -> str:
    lives, team, token = positive(part.get("expires_in")), whole.get("team"), part.get("access_token")
    if part.get("token_type") != "user" or not isinstance(token, str) or not printable(token):
        return "Slack gave a token that is no user's"
    if part is not whole and whole.get("access_token") is not None:
        return "Slack gave a bot's token too, which nobody asked for"
    if lives is None or not part.get("refresh_token"):
        return "token rotation is not turned on for the app at Slack: its tokens would never end"
    if lives > LONGEST:
        return "Slack's token lives longer than the 12 hours that it should"
    if config.team is not None and (not isinstance(team, dict) or team.get("id") != config.team):
        return "the user agreed in another workspace"
    return ""


def no(heard: Heard) -> ProviderError:
    code = heard.error or ""
    if heard.status == 429 or code in {"ratelimited", "rate_limited"}:
        return Unavailable("busy", "Slack wants to be asked less often", heard.retry_after)
    if code in NO:
        return Refused(code, NO[code])
    if code in OVER:
        return Refused("over", "Slack does not accept the user's grant any more")
    if code in PERHAPS or heard.status >= 500 or not code:
        return Unknown("server_error", f"Slack answered {heard.status}, and whether it was done is not known")
    return Refused("said_no", "Slack said no")
