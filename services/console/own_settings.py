"""What the console has to be told. `app.py` passes the environment in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self

from counterfoil.wire.kafka import Connection
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.settings import BadSetting, connection, database, level, needed, secret, whole


@dataclass(frozen=True)
class OwnSettings:
    """`url` is where browsers find it, `gateway` where it finds the gateway, `issuer` and `client_id` who signs operators in and as what."""

    database: Secret = field(repr=False)
    url: str
    gateway: str
    gateway_url: str
    issuer: str
    client_id: str
    client_secret: Secret | None = field(repr=False)
    host: str
    port: int
    health_port: int | None
    development: bool
    log_level: str
    kafka: Connection | None = None
    otlp: tuple[str, int] | None = None
    """Where the receiver of spans listens."""
    otlp_key: Secret | None = field(default=None, repr=False)
    trace_url: str = ""

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Self:
        development = env.get("COUNTERFOIL_DEVELOPMENT", "") == "1"
        gateway_url = needed(env, "COUNTERFOIL_URL", "the gateway's public URL")
        return cls(
            database=database(env),
            url=origin(needed(env, "COUNTERFOIL_CONSOLE_URL", "the console's own URL, as browsers know it"), development=development),
            gateway=env.get("COUNTERFOIL_CONSOLE_GATEWAY") or gateway_url,
            gateway_url=gateway_url,
            issuer=needed(env, "COUNTERFOIL_CONSOLE_ISSUER", "the OIDC issuer that signs operators in"),
            client_id=needed(env, "COUNTERFOIL_CONSOLE_CLIENT", "the client id that the issuer knows this console by"),
            client_secret=secret(env, "COUNTERFOIL_CONSOLE_CLIENT_SECRET", "COUNTERFOIL_CONSOLE_CLIENT_SECRET_FILE"),
            host=env.get("COUNTERFOIL_CONSOLE_HOST", "127.0.0.1"),
            port=whole(env, "COUNTERFOIL_CONSOLE_PORT", 8486),
            health_port=whole(env, "COUNTERFOIL_HEALTH_PORT", 0) or None,
            otlp=otlp(env),
            otlp_key=secret(env, "COUNTERFOIL_CONSOLE_OTLP_KEY", "COUNTERFOIL_CONSOLE_OTLP_KEY_FILE"),
            trace_url=env.get("COUNTERFOIL_CONSOLE_TRACE_URL", ""),
            kafka=connection(env) if env.get("COUNTERFOIL_KAFKA") else None,
            development=development,
            log_level=level(env.get("COUNTERFOIL_LOG_LEVEL", "INFO")),
        )


def otlp(env: Mapping[str, str]) -> tuple[str, int] | None:
    """On loopback, or with a key: whoever reaches it may fill the table of spans."""
    host, port = env.get("COUNTERFOIL_CONSOLE_OTLP_HOST", "127.0.0.1"), whole(env, "COUNTERFOIL_CONSOLE_OTLP_PORT", 0)
    if not port:
        return None
    if not loopback(host) and not (env.get("COUNTERFOIL_CONSOLE_OTLP_KEY") or env.get("COUNTERFOIL_CONSOLE_OTLP_KEY_FILE")):
        raise BadSetting("COUNTERFOIL_CONSOLE_OTLP_HOST is not this machine's own: set COUNTERFOIL_CONSOLE_OTLP_KEY, which senders then have to know")
    return host, port


def loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin(url: str, *, development: bool) -> str:
    """Scheme, host and port alone: what a browser sends as Origin. Session cookies want https, besides on this machine."""
    scheme, _, rest = url.rstrip("/").partition("://")
    if scheme not in (("https", "http") if development else ("https",)) or not rest or "/" in rest:
        raise BadSetting("COUNTERFOIL_CONSOLE_URL is https://host, and nothing after it")
    return f"{scheme}://{rest}"
