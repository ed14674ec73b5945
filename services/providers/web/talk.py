"""Asking an authorization server: bounded in time and size, and what it means that no answer came."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

from counterfoil_server.runtime.outbound import Answer, Outbound, Unfetched
from counterfoil_server.runtime.telemetry import outgoing
from services.providers.seam import ProviderError, Refused, Unavailable
from services.providers.web.document import body as read

Form = Sequence[tuple[str, str]]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MOST_PATIENT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Heard:
    """The body is read before the status is believed; what is no JSON object is {}, whatever its type says."""

    status: int
    body: Mapping[str, object] = field(repr=False)
    retry_after: timedelta | None = None

    @property
    def error(self) -> str | None:
        said = self.body.get("error")
        return None if said is None else str(said)[:64]


async def met(
    http: Outbound,
    method: str,
    url: str,
    until: float,
    lost: type[ProviderError],
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """`lost`: what it means here that the request left and no answer came."""
    left = until - asyncio.get_running_loop().time()
    if left <= 0:
        raise Unavailable("no_time", "no time was left to ask the server")
    try:
        answer = await http.send(method, url, headers, body, in_all=left)
    except Unfetched as error:
        code, sent = error.code, error.sent
    else:
        outgoing.quota(answer.headers)
        return answer
    if code in {"url", "address"}:
        raise Refused("not_allowed", "the server's address is not one that may be met: see `network` of the connector")
    raise (lost if sent else Unavailable)(code, "the server gave no answer that can be read" if sent else "the server could not be reached")


async def post(http: Outbound, url: str, until: float, lost: type[ProviderError], headers: Mapping[str, str], form: Form) -> Heard:
    answer = await met(http, "POST", url, until, lost, {**FORM, **headers}, urlencode(form).encode())
    return Heard(answer.status, read(answer.body), patience(answer.headers.get("retry-after"), datetime.now(UTC)))


def limited(answer: Answer, unsaid: timedelta) -> timedelta | None:
    """How long to leave a server alone that says so, `unsaid` where it does not say how long; None where it says nothing of the kind."""
    after = patience(answer.headers.get("retry-after"), datetime.now(UTC))
    return (after or unsaid) if answer.status == 429 else after if answer.status == 503 else None


def patience(said: str | None, now: datetime) -> timedelta | None:
    """RFC 9110 section 10.2.3: seconds, or a date. A server cannot hold a revocation up for longer than MOST_PATIENT."""
    if said is None:
        return None
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said[:9])), MOST_PATIENT)
    try:
        wait = parsedate_to_datetime(said) - now
    except (ValueError, TypeError):
        return None
    return min(max(wait, timedelta()), MOST_PATIENT)
