"""What a provider can beside the seam that lends on behalf of people who agreed: one that has these methods is taken to be able."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from counterfoil.wire.secret import Secret
from services.providers.seam import Minted, Order, Refused, Root

Config = Mapping[str, object]
Way = Literal["redirect", "paste", "device"]


class NeedsConsent(Refused):
    """There is no grant, it is over, or it is for less: the person has to agree (again)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person is sent to agree, with what belongs in the address beside scope, state and PKCE. RFC 6749 section 4.1.1.

    `issuer`: what the answer carries as `iss` (RFC 9207), where it carries one; `says_issuer`: it must. `way`: where they are sent nowhere, but asked
    by the gateway itself, `url` is where they find what they are asked for.
    """

    url: str
    parameters: Mapping[str, str]
    issuer: str
    says_issuer: bool = False
    way: Way = "redirect"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a person came back with, and what they had been sent with."""

    code: Secret
    verifier: Secret
    redirect_uri: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Given:
    """What they agreed to. `amiss`: why it must not be kept; then what was given is ended already.

    `refresh`: what is used to lend: a refresh token, or the key that was pasted.
    """

    refresh: Secret = field(repr=False)
    scopes: frozenset[str]
    amiss: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """An access token that lies in the grant beside the refresh token; whatever else its provider wants to know of it is in `token` too."""

    token: Secret = field(repr=False)
    until: datetime


@dataclass(frozen=True, slots=True)
class Lent:
    """`refresh`: what takes the place of the token that was used; None where that one goes on. `kept`: what is to lie beside it, and nothing else.

    `minted`: None where nothing may be made of `kept` before it lies there (`Makes`).
    """

    minted: Minted | None
    refresh: Secret | None = field(repr=False)
    kept: Kept | None = None


@runtime_checkable
class Consents(Protocol):
    """Each raises what `Provider.mint` does. Whoever calls sees to it that a refresh token is used by one at a time."""

    def asks(self, config: Config) -> bool:
        """Whether people are asked at this connector."""

    async def place(self, config: Config) -> Place: ...

    async def lend(self, order: Order, refresh: Secret, root: Root) -> Lent:
        """Unavailable: the token was surely not used. NeedsConsent: it is over."""

    async def good(self, refresh: Secret, config: Config, root: Root) -> bool | None:
        """Whether it could still be used, without using it; None where nobody can tell."""

    async def leave(self, refresh: Secret, config: Config, root: Root) -> None:
        """End the grant. Over already is no error."""


@runtime_checkable
class Keeps(Protocol):
    """Beside Consents, where a refresh ends the access token before it, which others may have been lent: that one is asked first."""

    async def again(self, order: Order, kept: Kept, root: Root) -> Minted | None:
        """From the kept token, in the one turn there is; the refresh token is not used. None: it is not good for this any more, so refresh.

        Several credentials may be the kept token itself. To end one of them is Irrevocable until its time, or the grant, is over.
        """


@runtime_checkable
class LeavesWith(Protocol):
    """Beside Consents, where a grant is ended by showing an access token. It is asked in the place of `leave`."""

    async def leave_with(self, refresh: Secret, kept: Kept | None, config: Config, root: Root) -> None:
        """`kept`: one that should be alive still."""


@runtime_checkable
class Makes(Protocol):
    """Beside Keeps, where a refresh gives nothing that may be lent itself: a credential is made of it, by a call of its own that may fail."""

    async def make(self, order: Order, kept: Kept, root: Root) -> Minted:
        """Of what a refresh gave, once it lies in the grant. The refresh token is not used."""


@runtime_checkable
class TellsWith(Protocol):
    """Beside Keeps, where a refresh token cannot be looked at, and what is kept can: it outlives only a refresh that was not done."""

    async def good_with(self, kept: Kept, config: Config, root: Root) -> bool | None:
        """Whether the refresh token beside it could still be used; None where nobody can tell."""


@runtime_checkable
class Redirects(Consents, Protocol):
    """People agree at the provider, and come back with a code."""

    async def redeem(self, returned: Returned, config: Config, root: Root) -> Given: ...


@runtime_checkable
class Pastes(Consents, Protocol):
    """People paste a key of theirs, and it is what is lent: the connector needs no root secret for that."""

    def pasted(self, key: Secret, scopes: frozenset[str], config: Config) -> Given: ...
