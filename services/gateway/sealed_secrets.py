"""Root secrets on their way to mint, which alone can open them: in, by version, and never out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.contracts.registry import Connector
from counterfoil.wire.armor import from_url
from counterfoil_server.runtime.snapshot import Entry
from counterfoil_server.runtime.store.database import Connection
from counterfoil_server.runtime.store.registry_rows import BadChange
from services.gateway.problems import Problem

MEMBERS = frozenset({"connector", "installation", "field", "version", "sealed"})
LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Sealed:
    connector: str
    installation: str
    field: str
    version: int
    box: bytes

    @property
    def name(self) -> str:
        return f"{self.connector}/{self.field}"


def secret(given: Any, place: str) -> Sealed:
    """The version is part of what the seal is bound to, so who seals has to name it."""
    if not isinstance(given, dict) or given.keys() - MEMBERS:
        raise Problem("malformed_request", f"{place}: an object with {', '.join(sorted(MEMBERS))}")
    installation = given.get("installation", "default")
    texts = [given.get("connector"), given.get("field"), given.get("sealed"), installation]
    version = given.get("version", 1)
    if not all(isinstance(text, str) and text for text in texts) or type(version) is not int or not 1 <= version < 2**31:
        raise Problem("malformed_request", f"{place}: a member is missing or of the wrong type")
    try:
        box = from_url(given["sealed"].encode())
    except ValueError:
        raise Problem("malformed_request", f"{place}: sealed is no base64url") from None
    if len(box) > LARGEST:
        raise Problem("malformed_request", f"{place}: sealed has more than {LARGEST} bytes")
    return Sealed(given["connector"], installation, given["field"], version, box)


async def put_secret(db: Connection, one: Sealed, after: Mapping[tuple[str, str], Entry]) -> None:
    """`after`: the registry as it will be, of what this secret concerns."""
    connector = after.get(("connector", one.connector))
    if not isinstance(connector, Connector):
        raise BadChange(f"secret {one.name}: there is no connector {one.connector}")
    if one.installation != connector.installation and ("installation", f"{one.connector}@{one.installation}") not in after:
        raise BadChange(f"secret {one.name}: {one.connector} has no installation {one.installation[:64]}")
    await db.execute(
        "INSERT INTO root_secret (connector, installation, field, version, sealed) VALUES ($1, $2, $3, $4, $5)",
        one.connector, one.installation, one.field, one.version, one.box,
    )  # fmt: skip
