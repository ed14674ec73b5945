"""What only a gateway has to be told. `app.py` passes the environment in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from counterfoil_server.runtime.settings import BadSetting, Settings, whole


@dataclass(frozen=True)
class OwnSettings:
    """`instance` is the name under which this process is answered: no two may share one."""

    host: str
    port: int
    instance: str
    partition: int
    patience: float
    first_admin: tuple[str, str] | None
    origin: str | None
    extra_providers: frozenset[str]
    console: str | None
    """The client id of the console, where there is one."""

    @classmethod
    def read(cls, env: Mapping[str, str], common: Settings) -> Self:
        replica = int(common.replica) if common.replica.isdigit() else 0
        patience = whole(env, "COUNTERFOIL_PATIENCE", 10)
        if not 1 <= patience <= 60:
            raise BadSetting("COUNTERFOIL_PATIENCE is the seconds that a caller may wait: 1 to 60")
        return cls(
            host=env.get("COUNTERFOIL_HOST", "127.0.0.1"),
            port=whole(env, "COUNTERFOIL_PORT", 8484),
            instance=env.get("COUNTERFOIL_INSTANCE") or f"gateway-{common.replica}",
            partition=whole(env, "COUNTERFOIL_LISTEN_PARTITION", replica % common.partitions),
            patience=float(patience),
            first_admin=admin(env.get("COUNTERFOIL_FIRST_ADMIN", "")),
            origin=env.get("COUNTERFOIL_ORIGIN") or None,
            extra_providers=extra(env.get("COUNTERFOIL_EXTRA_PROVIDERS", ""), development=common.development),
            console=env.get("COUNTERFOIL_CONSOLE_CLIENT") or None,
        )


def admin(text: str) -> tuple[str, str] | None:
    """iss|sub. An issuer's URL has no bar; a subject may."""
    issuer, _, subject = text.partition("|")
    if bool(issuer) != bool(subject):
        raise BadSetting("COUNTERFOIL_FIRST_ADMIN is iss|sub")
    return (issuer, subject) if issuer else None


def extra(text: str, *, development: bool) -> frozenset[str]:
    """In production every connector is checked by what its provider declares."""
    found = frozenset(filter(None, (one.strip() for one in text.split(","))))
    if found and not development:
        raise BadSetting("COUNTERFOIL_EXTRA_PROVIDERS is for development only: COUNTERFOIL_DEVELOPMENT=1")
    return found
