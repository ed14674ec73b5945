"""How an issuer entry names a claim: by its name, or, where it lies inside another, by a JSON pointer (RFC 6901)."""

from collections.abc import Mapping
from typing import Any

POINTER = "/"


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """`/kubernetes.io/namespace` is the namespace within `kubernetes.io`; `~1` is a slash in a name. None where there is none."""
    if not name.startswith(POINTER):
        return claims.get(name)
    found: Any = claims
    for part in name.split("/")[1:]:
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found
