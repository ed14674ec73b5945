"""What only audit has to be told. `app.py` passes the environment in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from counterfoil.wire.cosignature import WitnessVKey
from counterfoil_server.runtime.settings import BadSetting


@dataclass(frozen=True)
class OwnSettings:
    """`witnesses`: where each is, and the key that it signs with."""

    witnesses: tuple[tuple[str, WitnessVKey], ...]

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Self:
        found = tuple(map(witness, env.get("COUNTERFOIL_AUDIT_WITNESSES", "").split()))
        if len({(key.name, key.key_id) for _, key in found}) < len(found):
            raise BadSetting("COUNTERFOIL_AUDIT_WITNESSES names a witness twice")
        return cls(found)


def witness(text: str) -> tuple[str, WitnessVKey]:
    """url|vkey: a url has no bar, and base64 neither."""
    url, _, vkey = text.partition("|")
    try:
        key = WitnessVKey.parse(vkey)
    except ValueError:
        raise BadSetting("COUNTERFOIL_AUDIT_WITNESSES is url|vkey: https://witness.example.org|witness.example.org/w1+1a2b3c4d+BA...") from None
    if not url.startswith(("https://", "http://")):
        raise BadSetting("COUNTERFOIL_AUDIT_WITNESSES is url|vkey, and a url begins with https:// or http://")
    return url.rstrip("/"), key
