"""What a witness has to be told. `app.py` passes the environment in."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from counterfoil.wire.log_key import VKey, sound_name


class BadSetting(ValueError):
    """Names the variable and what it should hold."""


@dataclass(frozen=True)
class OwnSettings:
    """`logs`: by origin the vkeys that sign that log's heads."""

    name: str
    key: Path
    state: Path
    logs: Mapping[str, tuple[str, ...]]
    host: str
    port: int
    log_level: str

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Self:
        name = env.get("COUNTERFOIL_WITNESS_NAME", "")
        if not sound_name(name):
            raise BadSetting("COUNTERFOIL_WITNESS_NAME should be this witness's name, such as witness.example.org/w1: no space, no plus")
        state = env.get("COUNTERFOIL_WITNESS_STATE", "")
        if not state:
            raise BadSetting("COUNTERFOIL_WITNESS_STATE is not set: it should be the folder that holds what was cosigned")
        return cls(
            name=name,
            key=Path(env.get("COUNTERFOIL_WITNESS_KEY") or Path(state, "witness.key")),
            state=Path(state),
            logs=logs(env.get("COUNTERFOIL_WITNESS_LOGS", "")),
            host=env.get("COUNTERFOIL_WITNESS_HOST", "127.0.0.1"),
            port=port(env.get("COUNTERFOIL_WITNESS_PORT", "8487")),
            log_level=level(env.get("COUNTERFOIL_LOG_LEVEL", "INFO")),
        )


def logs(text: str) -> Mapping[str, tuple[str, ...]]:
    """Spaces between them; `origin|vkey`, or a vkey alone where the log's key goes by the origin's name, as ours do."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in text.split():
        origin, _, vkey = entry.rpartition("|")
        try:
            name = VKey.parse(vkey).name
        except ValueError:
            raise BadSetting("COUNTERFOIL_WITNESS_LOGS holds vkeys of logs, or origin|vkey, such as log.example.org+1a2b3c4d+Ab...") from None
        found[origin or name] = (*found.get(origin or name, ()), vkey)
    if not found:
        raise BadSetting("COUNTERFOIL_WITNESS_LOGS is not set: it should be the vkeys of the logs to witness, such as log.example.org+1a2b3c4d+Ab...")
    return found


def port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise BadSetting("COUNTERFOIL_WITNESS_PORT is no port")
    return int(text)


def level(name: str) -> str:
    if name not in logging.getLevelNamesMapping():
        raise BadSetting("COUNTERFOIL_LOG_LEVEL is DEBUG, INFO, WARNING or ERROR")
    return name
