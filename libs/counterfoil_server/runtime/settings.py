"""What every process reads from its environment. Only an `app.py` passes the environment in."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from counterfoil.wire.kafka import Connection
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import crash


class BadSetting(ValueError):
    """Names the variable and what it should hold; never what it held."""


@dataclass(frozen=True)
class Settings:
    kafka: Connection
    database: Secret
    keys: Path
    audience: str
    replica: str = "0"
    host: str = "127.0.0.1"
    health_port: int | None = None
    otlp: str | None = None
    sampled: float = 0.1
    development: bool = False
    partitions: int = 4
    pacing_ms: int = 10
    log_level: str = "INFO"
    crash: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Self:
        return cls(
            kafka=connection(env),
            database=database(env),
            keys=Path(needed(env, "COUNTERFOIL_KEYS", "the folder of this role's private keys")),
            audience=needed(env, "COUNTERFOIL_URL", "the gateway's public URL, the audience of every token"),
            replica=env.get("COUNTERFOIL_REPLICA", "0"),
            host=env.get("COUNTERFOIL_HEALTH_HOST", "127.0.0.1"),
            health_port=whole(env, "COUNTERFOIL_HEALTH_PORT", 0) or None,
            otlp=env.get("COUNTERFOIL_OTLP") or None,
            sampled=share(env, "COUNTERFOIL_SAMPLED", 0.1),
            development=env.get("COUNTERFOIL_DEVELOPMENT", "") == "1",
            partitions=whole(env, "COUNTERFOIL_PARTITIONS", 4),
            pacing_ms=whole(env, "COUNTERFOIL_PACING_MS", 10),
            log_level=level(env.get("COUNTERFOIL_LOG_LEVEL", "INFO")),
            crash=crashing(env.get("COUNTERFOIL_CRASH", ""), development=env.get("COUNTERFOIL_DEVELOPMENT", "") == "1"),
        )


def connection(env: Mapping[str, str]) -> Connection:
    return Connection(
        servers=needed(env, "COUNTERFOIL_KAFKA", "host:9092"),
        prefix=env.get("COUNTERFOIL_PREFIX", "counterfoil"),
        username=env.get("COUNTERFOIL_KAFKA_USERNAME") or None,
        password=secret(env, "COUNTERFOIL_KAFKA_PASSWORD", "COUNTERFOIL_KAFKA_PASSWORD_FILE"),
        tls=env.get("COUNTERFOIL_KAFKA_TLS", "") == "1",
        cafile=env.get("COUNTERFOIL_KAFKA_CA") or None,
    )


def database(env: Mapping[str, str]) -> Secret:
    if found := secret(env, "COUNTERFOIL_DATABASE", "COUNTERFOIL_DATABASE_FILE"):
        return found
    raise BadSetting("COUNTERFOIL_DATABASE is not set: it should be postgresql://role:password@host:5432/counterfoil")


def secret(env: Mapping[str, str], name: str, in_file: str) -> Secret | None:
    """Itself, or what a file holds: a container's environment is shown to whoever may look at the container."""
    text, file = env.get(name), env.get(in_file)
    if text and file:
        raise BadSetting(f"{name} and {in_file} are both set: one of them says it")
    return Secret(from_file(Path(file), in_file)) if file else Secret(text) if text else None


def from_file(file: Path, setting: str) -> str:
    """Without the line's end that an editor leaves."""
    try:
        text = file.read_text().strip()
    except (OSError, ValueError) as error:
        raise BadSetting(f"the file that {setting} names cannot be read ({type(error).__name__})") from None
    if not text:
        raise BadSetting(f"the file that {setting} names is empty")
    return text


def needed(env: Mapping[str, str], name: str, what: str) -> str:
    if value := env.get(name):
        return value
    raise BadSetting(f"{name} is not set: it should be {what}")


def whole(env: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(env.get(name, default))
    except ValueError:
        raise BadSetting(f"{name} is no whole number") from None


def share(env: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(env.get(name, default))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise BadSetting(f"{name} is no number from 0 to 1")
    return value


def level(name: str) -> str:
    if name not in logging.getLevelNamesMapping():
        raise BadSetting("COUNTERFOIL_LOG_LEVEL is DEBUG, INFO, WARNING or ERROR")
    return name


def crashing(text: str, *, development: bool) -> Mapping[str, int]:
    try:
        points = crash.read(text)
    except crash.NoSuchPoint:
        raise BadSetting("COUNTERFOIL_CRASH is the name of a crash point, or name:n for its n-th passage") from None
    if points and not development:
        raise BadSetting("COUNTERFOIL_CRASH is for development only: COUNTERFOIL_DEVELOPMENT=1")
    return points
