"""What a gateway says of itself at /.well-known/counterfoil: where its topics are, which keys to seal to and to check with."""

import ipaddress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from counterfoil.client.errors import CounterfoilError
from counterfoil.wire.armor import from_url

PATH = "/.well-known/counterfoil"
KEY = 32


@dataclass(frozen=True, slots=True)
class WellKnown:
    audience: str
    origin: str | None
    """The log's name; None before it has a key."""
    topics_prefix: str
    partitions: int
    verifier_key: bytes
    mint_key: bytes | None
    log_keys: tuple[str, ...]
    kafka: str | None
    """Only where a client gets in without a password: on a developer's machine."""
    issuer: str | None
    """The local issuer, in development only."""
    operator: str | None
    """The subject of it that is an admin."""

    @classmethod
    def read(cls, found: Any) -> Self:
        try:
            local = found.get("development") or {}
            return cls(
                audience=str(found["audience"]), origin=found.get("origin"), topics_prefix=str(found["topics_prefix"]),
                partitions=int(found["partitions"]), verifier_key=_key(found["verifier_key"]),
                mint_key=_key(found["mint_key"]) if found.get("mint_key") else None, log_keys=tuple(map(str, found["log_keys"])),
                kafka=(found.get("kafka") or {}).get("servers"), issuer=local.get("issuer"), operator=local.get("operator"),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            fix = "check that COUNTERFOIL_URL is the URL of a Counterfoil gateway"
            raise CounterfoilError("bad_well_known", f"{PATH} is not what a gateway says: {type(error).__name__}", fix=fix) from None


def _key(found: Any) -> bytes:
    raw = from_url(str(found["key"]).encode())
    if len(raw) != KEY:
        raise ValueError("not 32 bytes")
    return raw


def loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_clear(url: str, allow_http: bool) -> None:
    """Before anything is sent: tokens and credentials go over no line that others can read, unless somebody said so."""
    if not (unseen(url) or allow_http):
        fix = "use https; or, on a network of your own, Client(allow_http=True) or COUNTERFOIL_ALLOW_HTTP=1"
        raise CounterfoilError("insecure_url", f"{url} would carry tokens in clear", fix=fix)


def unseen(url: str) -> bool:
    """Whether nobody between here and there can read or change what is said."""
    return urlsplit(url).scheme == "https" or loopback(url)
