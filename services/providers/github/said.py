"""What a no of GitHub means. Its own words go nowhere: they may hold a secret.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from counterfoil_server.runtime.outbound import Answer
from services.providers.seam import ProviderError, Refused, RootRefused, Unavailable, Unknown
from services.providers.web.talk import patience

UNSAID = timedelta(minutes=1)
"""What GitHub asks for where a limit is reached and no header says for how long."""
REFUSED = {
    401: ("app_refused", "GitHub does not accept the app: its id, its private key, or this machine's clock is wrong"),
    403: ("forbidden", "GitHub forbids it: the installation is suspended, or the app may not do this"),
    404: ("not_installed", "GitHub knows no such installation of this app"),
    422: ("not_granted", "GitHub refuses the wish: a repository or permission is not the installation's"),
}


def limited(answer: Answer, now: datetime) -> timedelta | None:
    """How long to keep still; None where no limit was reached. GitHub says that with 403 as often as with 429."""
    spent = answer.headers.get("x-ratelimit-remaining") == "0"
    after = patience(answer.headers.get("retry-after"), now)
    if answer.status != 429 and not (answer.status == 403 and (spent or after is not None)):
        return None
    return after or reset(answer.headers.get("x-ratelimit-reset") if spent else None, now) or UNSAID


def reset(said: str | None, now: datetime) -> timedelta | None:
    """In seconds since 1970; bounded like any other wait that a server asks for."""
    if said is None or not (said.isascii() and said.isdigit()):
        return None
    return patience(str(max(1, int(said[:12]) - int(now.timestamp()))), now)


def no(answer: Answer, refused: Mapping[int, tuple[str, str]] = REFUSED) -> ProviderError:
    """Of a request for a token that brought none."""
    now, status = datetime.now(UTC), answer.status
    if (wait := limited(answer, now)) is not None:
        return Unavailable("rate_limited", "a limit of GitHub's is reached", wait)
    if status in refused:
        return (RootRefused if status == 401 else Refused)(*refused[status])
    if status == 503 and (wait := patience(answer.headers.get("retry-after"), now)) is not None:
        return Unavailable("busy", "GitHub is not available now", wait)
    if 300 <= status < 500:
        return Refused("said_no", f"GitHub answered {status}: check `api` of the connector")
    return Unknown("no_token", f"GitHub answered {status}, and no token could be read")
