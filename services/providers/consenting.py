"""What a provider can beside the seam that lends on behalf of people who agreed: one that has these methods is taken to be able."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Lent:
    """`refresh`: what takes the place of the token that was used; None where that one goes on."""

    minted: Minted
    refresh: Secret | None = field(repr=False)


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
class Redirects(Consents, Protocol):
    """People agree at the provider, and come back with a code."""

    async def redeem(self, returned: Returned, config: Config, root: Root) -> Given: ...


@runtime_checkable
class Pastes(Consents, Protocol):
    """People paste a key of theirs, and it is what is lent: the connector needs no root secret for that."""

    def pasted(self, key: Secret, scopes: frozenset[str], config: Config) -> Given: ...
