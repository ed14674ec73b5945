"""The seam: what a provider is. One file in `catalog/` behind it, and no word of any provider in front of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from counterfoil.wire.secret import Secret

Details = tuple[Mapping[str, object], ...]
Handle = dict[str, object]
"""JSON that holds nothing secret: what `revoke` needs beside the root secret."""
Root = Mapping[str, Secret]
Read = TypeVar("Read", bound=BaseModel)


class Revocation(StrEnum):
    """What a revocation can do at the provider. Ledger, answer and receipt name it: never claim more."""

    BY_NAME = "by_name"
    BY_POSSESSION = "by_possession"
    BY_PRINCIPAL = "by_principal"
    EXPIRY_ONLY = "expiry_only"
    NONE = "none"


class Reach(StrEnum):
    """What one revocation kills."""

    CREDENTIAL = "credential"
    GRANT = "grant"
    PRINCIPAL = "principal"


class Idempotency(StrEnum):
    """Whether a mint that is sent twice can leave two credentials."""

    BY_NAME = "by_name"
    NONE = "none"


class ProviderError(Exception):
    """Code and message are ours, never the provider's own words: those may hold a secret, and they end in the audit log.

    ProviderError
      Refused        a final no: the same order will be refused again
      Unavailable    surely nothing happened: it may be asked again
      Unknown        it may have happened
      AlreadyThere   a credential of this very name exists: the ledger knows whose it is
      Irrevocable    nobody can end it before it ends by itself

    `retry_after`: how long the provider asked to be left alone.
    """

    def __init__(self, code: str, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retry_after = retry_after


class Refused(ProviderError):
    pass


class RootRefused(Refused):
    """It does not take the root secret: with another one the order may succeed."""


class Unavailable(ProviderError):
    pass


class Unknown(ProviderError):
    pass


class AlreadyThere(ProviderError):
    pass


class Irrevocable(ProviderError):
    """`until`: when it is surely dead; None where nobody knows."""

    def __init__(self, code: str, message: str, until: datetime | None) -> None:
        super().__init__(code, message)
        self.until = until


class Declared(BaseModel):
    """For `Provider.config`, `Provider.root` and types of detail. A ValidationError would quote what it was given, hence `read`."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Borrower:
    """Who asked, for a provider that can keep it beside what it gives. `subject` is a hash, as the audit log has it."""

    subject: str
    project: str
    environment: str


@dataclass(frozen=True, slots=True)
class Order:
    """What to mint. A mint that starts to work after `window_closes_at` must not work at all: the ledger has moved on."""

    credential_id: UUID
    connector: str
    installation: str
    config: Mapping[str, object]
    scopes: frozenset[str]
    details: Details
    expires_at: datetime
    window_closes_at: datetime
    borrower: Borrower


@dataclass(frozen=True, slots=True)
class Minted:
    """A live credential, what it may really do, and what will be needed to kill it. The secret is what `answer` makes.

    `amiss`: why it must not be handed over. It is refused, and ended at once.
    """

    secret: Secret
    token_type: str
    handle: Handle
    granted_scopes: frozenset[str]
    granted_details: Details
    expires_at: datetime
    amiss: str = ""

    def __repr__(self) -> str:
        return f"Minted(expires_at={self.expires_at:%FT%TZ})"


class Provider(Protocol):
    """`mint` raises Refused for a final no, Unavailable if surely nothing happened, Unknown if it may have, AlreadyThere."""

    name: str
    documentation: str
    revocation: Revocation
    reach: Reach
    idempotency: Idempotency
    ends_by_itself: bool
    shortest: timedelta
    longest: timedelta
    window: timedelta
    """How long after it was sent a mint request can still take effect."""
    config: type[Declared]
    root: type[Declared]
    """Every field is a Secret."""

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        """Raise Refused where the wish makes no sense here. Asks nobody."""

    async def mint(self, order: Order, root: Root) -> Minted: ...

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> bool | None:
        """Kill the credential, and read back that it is dead. Dead already is no error: False says so, None that nobody can tell.

        Whatever is raised, it may be alive. Irrevocable where this one cannot be ended before its time.
        """

    def handle(self, credential_id: UUID) -> Handle | None:
        """For a mint whose answer was lost: the handle that follows from the name. None where what is minted has no name of ours."""

    async def alive(self, config: Mapping[str, object], root: Root) -> Mapping[UUID, Handle]:
        """What there is at the provider, so that an orphan is found. Empty where it cannot list."""

    async def sweep(self, config: Mapping[str, object], root: Root) -> int:
        """Remove what minting leaves behind beside credentials; how many."""

    async def close(self) -> None: ...


def answer(access_token: str, token_type: str, **parts: str) -> Secret:
    """What the requester gets, before it is sealed: the token, and its parts where it has some."""
    return Secret(json.dumps({"access_token": access_token, "token_type": token_type, "credential": parts}, separators=(",", ":")))


def token_of(minted: Minted) -> Secret:
    """The part of an answer that is the token itself."""
    return Secret(str(json.loads(minted.secret.reveal())["access_token"]))


def read(model: type[Read], given: Mapping[str, object], code: str) -> Read:
    """Check what an operator or a caller wrote; name the places that are wrong, quote nothing."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))[:64] or 'it'}: {one['type']}" for one in error.errors(include_input=False)[:4])
    raise Refused(code, wrong)
