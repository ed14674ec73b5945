"""What a client gets: the credential, which says nothing of itself until it is revealed, and the receipt that came with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NoReturn
from uuid import UUID

from counterfoil.wire.secret import Secret


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that the answer lies in the audit log. `leaf` is None where the caller may not read it.

    `log_key` says what it was checked against: the key that was `given`, or the one that was `fetched` from the exchange itself.
    """

    index: int
    proof: str = field(repr=False)
    leaf: str | None = field(repr=False)
    log_key: Literal["given", "fetched"]

    def document(self) -> dict[str, Any]:
        return {"index": self.index, "leaf": self.leaf, "proof": self.proof, "log_key": self.log_key}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Credential:
    """Outcome, grant and expiry are those of the leaf in the receipt. The secret comes out by `reveal` and `parts`, and no other way."""

    credential_id: UUID
    request_id: UUID
    connector: str
    scopes: frozenset[str]
    details: tuple[Mapping[str, Any], ...]
    expires_at: datetime
    token_type: str
    receipt: Receipt
    _token: Secret
    _parts: Mapping[str, Secret]

    def reveal(self) -> str:
        """The token itself: for PostgreSQL a DSN."""
        return self._token.text()

    def parts(self) -> dict[str, str]:
        """What it is made of, where it is more than a token: for PostgreSQL username, password, host, port, database."""
        return {name: part.text() for name, part in self._parts.items()}

    def about(self) -> dict[str, Any]:
        """Everything but the secret, as JSON takes it."""
        return {
            "credential_id": str(self.credential_id), "request_id": str(self.request_id), "connector": self.connector, "scopes": sorted(self.scopes),
            "details": [dict(detail) for detail in self.details], "expires_at": self.expires_at.isoformat(), "token_type": self.token_type,
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"Credential({self.connector}, {self.credential_id})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Credential is never pickled")


def lent(fact: Mapping[str, Any], secret: Secret, receipt: Receipt) -> Credential:
    """From the leaf's CredentialMinted, and what mint sealed: the token and its parts. ValueError where they are not what they should be."""
    plain = _members(secret)
    try:
        return Credential(
            credential_id=UUID(fact["credential_id"]), request_id=UUID(fact["asked"]["request_id"]), connector=fact["connector"],
            scopes=frozenset(fact["scopes"]), details=tuple(fact.get("details", ())), expires_at=datetime.fromisoformat(fact["expires_at"]),
            token_type=fact["token_type"], receipt=receipt, _token=Secret(plain["access_token"]),
            _parts={name: Secret(part) for name, part in plain.get("credential", {}).items()},
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, ValueError):
        pass
    # Raised outside the handler, here and below: such errors may quote what they met.
    raise ValueError("no credential")


def _members(secret: Secret) -> dict[str, Any]:
    try:
        plain = json.loads(secret.reveal())
    except ValueError:
        plain = None
    return plain if isinstance(plain, dict) else {}
