"""What the environment says to a client: all that was not given to it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from counterfoil.wire.kafka import Connection

USUAL_URL = "http://127.0.0.1:8484"


def url(env: Mapping[str, str], given: str | None) -> str:
    return (given or env.get("COUNTERFOIL_URL") or USUAL_URL).rstrip("/")


def transport(env: Mapping[str, str], given: str | None) -> str:
    found = given or env.get("COUNTERFOIL_TRANSPORT") or "http"
    if found not in ("http", "kafka"):
        raise ValueError("transport is http or kafka")
    return found


def allow_http(env: Mapping[str, str], given: bool | None) -> bool:
    return env.get("COUNTERFOIL_ALLOW_HTTP") == "1" if given is None else given


def log_keys(env: Mapping[str, str], given: Sequence[str] | str | None) -> Sequence[str] | None:
    if given is None:
        return env.get("COUNTERFOIL_LOG_KEY", "").split() or None
    if not given:
        raise ValueError("log_key is empty: leave it out, or give the key")
    return [given] if isinstance(given, str) else given


def kafka(env: Mapping[str, str]) -> "Connection | None":
    """None: what the gateway says, in development."""
    if not env.get("COUNTERFOIL_KAFKA"):
        return None
    from counterfoil.wire.kafka import Connection  # noqa: PLC0415 aiokafka is an extra
    from counterfoil.wire.secret import Secret  # noqa: PLC0415 as above

    password = env.get("COUNTERFOIL_KAFKA_PASSWORD")
    return Connection(
        env["COUNTERFOIL_KAFKA"], username=env.get("COUNTERFOIL_KAFKA_USERNAME") or None, password=Secret(password) if password else None,
        tls=env.get("COUNTERFOIL_KAFKA_TLS") == "1", cafile=env.get("COUNTERFOIL_KAFKA_CA") or None,
    )  # fmt: skip
