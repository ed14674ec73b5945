"""What `doctor` looks at, one after the other: a later check is left out where an earlier one it rests on has failed."""

import asyncio
import platform
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import httpx

from counterfoil.cli.claims import unverified_claims
from counterfoil.cli.exits import CODES, UNAVAILABLE
from counterfoil.cli.session import Session
from counterfoil.client.errors import CounterfoilError
from counterfoil.client.well_known import PATH, WellKnown, unseen

SKEW, TOO_MUCH = 5.0, 30.0
PACKAGES = ("counterfoil", "httpx", "cryptography", "pydantic", "aiokafka", "pyyaml")


@dataclass(frozen=True)
class Check:
    name: str
    state: Literal["good", "note", "wrong"]
    what: str
    fix: str = ""
    code: int = 1


async def examine(session: Session, transport: str) -> list[Check]:
    found = [Check("versions", "good", versions())]
    gateway, known = await reach(session)
    found += gateway
    if known is not None:
        found.append(log_key(session, known))
        found.append(await identity(session, known))
        if transport == "kafka" or "COUNTERFOIL_KAFKA" in session.env:
            found.append(await kafka(session, known))
    return found


def versions() -> str:
    return f"Python {platform.python_version()}, " + ", ".join(f"{name} {installed(name)}" for name in PACKAGES)


def installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


async def reach(session: Session) -> tuple[list[Check], WellKnown | None]:
    try:
        async with asyncio.timeout(session.timeout), httpx.AsyncClient() as http:
            response = await http.get(session.url + PATH, timeout=None)
        known = WellKnown.read(response.json())
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        fix = "start it (`make up` on a developer's machine), or set COUNTERFOIL_URL to where it is"
        return [Check("gateway", "wrong", f"{session.url} does not answer: {type(error).__name__}", fix, UNAVAILABLE)], None
    except (ValueError, CounterfoilError):
        fix = "set COUNTERFOIL_URL to the URL of a Counterfoil gateway"
        return [Check("gateway", "wrong", f"{session.url} answers HTTP {response.status_code}, but is no gateway", fix, UNAVAILABLE)], None
    state = "development" if known.issuer else "production"
    reached = Check("gateway", "good", f"{session.url} ({state}; audience {known.audience}; topics {known.topics_prefix}.*)")
    return [reached, clocks(response.headers.get("date"))], known


def clocks(date: str | None) -> Check:
    try:
        skew = parsedate_to_datetime(date or "").timestamp() - time.time()
    except ValueError:
        return Check("clock", "note", "the gateway names no time to compare with")
    fix = "set this machine's clock (NTP): tokens and deadlines are judged by it"
    if abs(skew) > TOO_MUCH:
        return Check("clock", "wrong", f"{abs(skew):.0f} s away from the gateway's", fix)
    return (
        Check("clock", "note", f"{abs(skew):.0f} s away from the gateway's", fix) if abs(skew) > SKEW else Check("clock", "good", "as the gateway's")
    )


def log_key(session: Session, known: WellKnown) -> Check:
    pinned = set(session.env.get("COUNTERFOIL_LOG_KEY", "").split())
    if not pinned:
        fix = f"pin it: COUNTERFOIL_LOG_KEY='{' '.join(known.log_keys)}'"
        return Check("log key", "note" if unseen(session.url) else "wrong", "not pinned: it is taken from the gateway itself", fix)
    if pinned & set(known.log_keys):
        return Check("log key", "good", "pinned, and the gateway's")
    return Check("log key", "wrong", "what is pinned is not the gateway's", "ask the operator: a key that changed unannounced is no receipt's key")


async def identity(session: Session, known: WellKnown) -> Check:
    try:
        claims = unverified_claims(await session.token())
    except CounterfoilError as error:
        return Check("identity", "wrong", error.message, error.fix, CODES.get(type(error), 1))
    audiences, expires = claims.get("aud"), claims.get("exp")
    who = f"{claims.get('sub')} of {claims.get('iss')}"
    if known.audience not in (audiences if isinstance(audiences, list) else [audiences]):
        return Check("identity", "wrong", f"{who}: for {audiences}", f"ask your platform for a token whose audience is {known.audience}", 4)
    if not isinstance(expires, int | float) or expires < time.time():
        return Check("identity", "wrong", f"{who}: expired", "get a new token from your platform", 4)
    return Check("identity", "good", f"{who}, for {expires - time.time():.0f} s more")


async def kafka(session: Session, known: WellKnown) -> Check:
    try:
        from counterfoil.cli.kafka import partitions_of
    except ModuleNotFoundError:
        return Check("kafka", "wrong", "aiokafka is not installed", "pip install 'counterfoil[kafka]'")
    servers, count = await partitions_of(session.env, known, session.timeout)
    if count is None:
        return Check(
            "kafka",
            "wrong",
            f"{servers or 'no server named'}: cannot be reached",
            "set COUNTERFOIL_KAFKA, and user and password if it wants them",
            UNAVAILABLE,
        )
    if count != known.partitions:
        fix = "is COUNTERFOIL_KAFKA the Kafka of this gateway?"
        return Check("kafka", "wrong", f"{servers}: exchange.replied has {count} partitions, the gateway says {known.partitions}", fix, UNAVAILABLE)
    return Check("kafka", "good", f"{servers}: {count} reply partitions")
