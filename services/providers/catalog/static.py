"""A static key: of an API that gives one key and nothing shorter. What is lent is that very key.

https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html

Nothing narrows it, nobody can end it, and it does not end by itself: whoever was lent it has it until it is rotated at the provider. So it is lent
only where a link's ceiling names the one scope there is, `root_secret`, and it is named in each grant, explanation and leaf.

On behalf of a person it is a key that they pasted, and its scopes are what the link's ceiling calls them: they narrow it as little.
"""

from collections.abc import Mapping
from datetime import timedelta

from pydantic import Field

from counterfoil.wire.secret import Secret
from services.providers.consenting import Given, Lent, Place
from services.providers.seam import (
    Declared,
    Details,
    Handle,
    Idempotency,
    Irrevocable,
    Minted,
    Order,
    Reach,
    Refused,
    Revocation,
    Root,
    answer,
    read,
)  # fmt: skip
from services.providers.unnamed import Unnamed
from services.providers.web.header import carried
from services.providers.web.window import closes

PROVEN_AGAINST = "nothing to prove it against: what is lent is the key that it was given."
SCOPE = frozenset({"root_secret"})
CANNOT = "no_narrowing", "a static key cannot be narrowed: name no details"
PAGE = r"^https://[\x21-\x7e]+$"


class Config(Declared):
    header: str | None = Field(
        default=None, pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$", description="that the API wants the key in; absent: Authorization, as a bearer token"
    )
    people: bool = Field(default=False, description="lend on behalf of people, too: each is asked for a key of their own, and it is what is lent")
    keys_at: str | None = Field(default=None, pattern=PAGE, max_length=1024, description="the page where people find or make such a key")


class RootSecret(Declared):
    key: Secret = Field(description="WARNING: this very key is what is lent. Nobody can end it but by rotating it at the provider")


class Static(Unnamed):
    name = "static"
    documentation = "https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html"
    revocation = Revocation.NONE
    reach = Reach.PRINCIPAL  # of the only end there is: to rotate it takes it from everyone
    idempotency = Idempotency.NONE
    ends_by_itself = False
    shortest = timedelta(seconds=1)
    longest = timedelta(days=1)
    window = timedelta(seconds=5)
    config = Config
    root = RootSecret

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        read(Config, config, "config")
        if scopes != SCOPE:
            raise Refused("not_explicit", "what is lent is the root secret itself: a wish, and the link's ceiling, name the scope root_secret alone")
        if details:
            raise Refused(*CANNOT)

    async def mint(self, order: Order, root: Root) -> Minted:
        self.check(order.scopes, order.details, order.config)
        return lent(order, carried(read(RootSecret, root, "root").key))

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> None:  # noqa: ARG002  # nobody can
        raise Irrevocable("rotate_at_provider", "nobody can end a static key: rotate it at the provider, and then its root secret here", None)

    def asks(self, config: Mapping[str, object]) -> bool:
        return read(Config, config, "config").people

    async def place(self, config: Mapping[str, object]) -> Place:
        return Place(read(Config, config, "config").keys_at or "", {}, "", way="paste")

    def pasted(self, key: Secret, scopes: frozenset[str], config: Mapping[str, object]) -> Given:
        named(scopes, config)
        carried(key)
        return Given(key, scopes)

    async def lend(self, order: Order, refresh: Secret, root: Root) -> Lent:  # noqa: ARG002  # it needs none
        named(order.scopes, order.config)
        if order.details:
            raise Refused(*CANNOT)
        return Lent(lent(order, carried(refresh)), None)

    async def good(self, refresh: Secret, config: Mapping[str, object], root: Root) -> bool | None:  # noqa: ARG002  # to lend it uses nothing up
        return True

    async def leave(self, refresh: Secret, config: Mapping[str, object], root: Root) -> None:  # noqa: ARG002  # nobody can
        raise Irrevocable("rotate_at_provider", "the copy of the key is destroyed here; at the provider only its owner can end it", None)


def named(scopes: frozenset[str], config: Mapping[str, object]) -> None:
    """Where no scope is named no ceiling says that a key is lent."""
    read(Config, config, "config")
    if not scopes:
        raise Refused("not_explicit", "a key of a person's is lent by the name that the link's ceiling has for it: name a scope")


def lent(order: Order, key: str) -> Minted:
    closes(order)
    header = read(Config, order.config, "config").header
    kind = "N_A" if header else "Bearer"
    parts = {"header": header} if header else {}
    return Minted(answer(key, kind, **parts), kind, {}, order.scopes, (), order.expires_at)


def provider() -> Static:
    return Static()
