"""What comes back from the issuer with a browser, looked at before anybody is asked anything."""

from datetime import datetime, timedelta
from hmac import compare_digest

from starlette.requests import Request

from services.console.login.begun import Begun
from services.console.login.failed import ANEW, Failed, foreign, misconfigured
from services.console.login.provider import Provider

LONGEST_CODE = 4096
LEEWAY = timedelta(seconds=30)
OFF = frozenset({"access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required"})
BUSY = frozenset({"server_error", "temporarily_unavailable"})


def same_browser(request: Request, begun: Begun | None, now: datetime) -> Begun:
    """Raises Failed."""
    if begun is None:
        raise foreign("not_begun", "this browser has not begun this sign-in, or did so more than ten minutes ago")
    if not compare_digest(request.query_params.get("state", "").encode(), begun.state.encode()):
        raise foreign("wrong_state", "this is the answer to another sign-in than the one which this browser began last")
    if not begun.began_at - LEEWAY <= now < begun.ends_at:
        raise Failed("too_late", "this sign-in was begun more than ten minutes ago", ANEW)
    return begun


def code(request: Request, provider: Provider) -> str:
    """RFC 9207: an issuer that names itself must do so, and one that is named must be ours. An error too is believed only then. Raises Failed."""
    named = request.query_params.getlist("iss")
    if named != [provider.entry.issuer] and (named or provider.names_itself):
        raise foreign("wrong_issuer", "this is another issuer's answer, or one that does not say whose it is")
    if error := request.query_params.get("error"):
        raise refusal(error)
    codes = request.query_params.getlist("code")
    if len(codes) != 1 or not 0 < len(codes[0]) <= LONGEST_CODE:
        raise Failed("no_code", "the issuer's answer has no code", ANEW)
    return codes[0]


def refusal(error: str) -> Failed:
    """RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6. Anybody can write such an address, so its words are not repeated."""
    if error in OFF:
        return Failed("not_signed_in", "the issuer did not sign you in, or you broke it off", ANEW, 403)
    if error in BUSY:
        return Failed("issuer_unavailable", "the issuer cannot sign anybody in now", "try again in a minute", 502)
    return misconfigured("the issuer does not accept how this console asks it to sign you in")
