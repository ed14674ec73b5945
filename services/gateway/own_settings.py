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
        )


def admin(text: str) -> tuple[str, str] | None:
    """iss|sub. An issuer's URL has no bar; a subject may."""
    issuer, _, subject = text.partition("|")
    if bool(issuer) != bool(subject):
        raise BadSetting("COUNTERFOIL_FIRST_ADMIN is iss|sub")
    return (issuer, subject) if issuer else None
