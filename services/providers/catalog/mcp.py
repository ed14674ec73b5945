"""MCP servers, on behalf of people who agreed: found out from the server itself who gives tokens for it, and with `resource` in every request.

https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization

A server may let one access token of a grant live at a time: so that token is kept, and lent to all who ask for the same person. To end what one of
them was lent would be to end all of it: it ends by itself, or with the grant.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers import shared
from services.providers.consenting import Given, Kept, Lent, Place, Returned
from services.providers.mcp.client import Public, bound, unbound
from services.providers.mcp.config import Config, RootSecret, wish
from services.providers.mcp.discovery import Discovery, Found, opens
from services.providers.oauth import given, people
from services.providers.oauth.client import private_key
from services.providers.oauth.config import RootSecret as OAuthRoot
from services.providers.oauth.lending import SLACK
from services.providers.oauth.server import Server
from services.providers.oauth.wish import Wish
from services.providers.seam import Details, Handle, Idempotency, Minted, Order, Reach, Refused, Revocation, Root, Unavailable, read  # fmt: skip
from services.providers.unnamed import Unnamed
from services.providers.web.keys import Keys
from services.providers.web.network import Networks
from services.providers.web.window import closes

PROVEN_AGAINST = "[FastMCP](https://gofastmcp.com) with its `InMemoryOAuthProvider` (`make test-providers`); faults against a server of the tests."
LIMIT = 3.5


class MCP(Unnamed):
    name = "mcp"
    documentation = "https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization"
    revocation = Revocation.BY_POSSESSION
    reach = Reach.GRANT
    idempotency = Idempotency.NONE
    ends_by_itself = False
    shortest = timedelta(seconds=1)
    longest = given.LONGEST
    window = timedelta(seconds=60)
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._networks, self._discovery, self._keys = Networks(), Discovery(), Keys(private_key)

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        wish(scopes, details, read(Config, config, "config"))

    async def mint(self, order: Order, root: Root) -> Minted:  # noqa: ARG002
        wish(order.scopes, order.details, read(Config, order.config, "config"))
        raise Refused("people_only", "an MCP server is lent on behalf of a user who agreed: name one")

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> bool | None:  # noqa: ARG002
        until, known = handle.get("until"), read(Config, config, "config")
        if given.dead(until, datetime.now(UTC)):
            return None
        if handle.get("resource") != known.resource:
            raise Refused("server_changed", "the connector means another server now, and that one shall not see this token")
        if token is None:
            raise Unavailable("no_token", "nobody has the token")
        if not await opens(known, self._networks.of(known.network), token, soon()):
            return False
        raise shared.shared(datetime.fromisoformat(until) if isinstance(until, str) else None)

    def asks(self, config: Mapping[str, object]) -> bool:
        read(Config, config, "config")
        return True

    async def place(self, config: Mapping[str, object]) -> Place:
        known = read(Config, config, "config")
        found = await self._found(known, soon())
        return people.place(known.client(found.issuer), found.places)

    async def redeem(self, returned: Returned, config: Mapping[str, object], root: Root) -> Given:
        known = read(Config, config, "config")
        found = await self._found(known, soon())
        demanded(returned.scopes, found)
        server = self._server(known, found, root, soon())
        came = await people.redeem(server, server.config, returned)
        return replace(came, refresh=bound(came.refresh, found.issuer))

    async def lend(self, order: Order, refresh: Secret, root: Root) -> Lent:
        known = read(Config, order.config, "config")
        wish(order.scopes, order.details, known)
        found = await self._found(known, closes(order))
        demanded(order.scopes, found)
        server = self._server(known, found, root, closes(order))
        lent = await people.lend(server, order, Wish(order.scopes, (), ()), unbound(refresh, found.issuer))
        if lent.minted is None:
            return lent
        until = lent.minted.handle["until"]
        minted = replace(lent.minted, handle={"resource": known.resource, "issuer": found.issuer, "until": until})
        kept = shared.keep(order, minted, known.resource, datetime.fromisoformat(until) - 2 * SLACK) if isinstance(until, str) else None
        return Lent(minted, bound(lent.refresh, found.issuer) if lent.refresh else None, kept)

    async def again(self, order: Order, kept: Kept, root: Root) -> Minted | None:  # noqa: ARG002
        known = read(Config, order.config, "config")
        wish(order.scopes, order.details, known)
        return shared.once_more(order, kept, known.resource)

    async def good(self, refresh: Secret, config: Mapping[str, object], root: Root) -> bool | None:
        known = read(Config, config, "config")
        found = await self._found(known, soon())
        told = await self._server(known, found, root, soon()).introspected(unbound(refresh, found.issuer))
        return None if told is None else bool(told["active"])

    async def leave(self, refresh: Secret, config: Mapping[str, object], root: Root) -> None:
        known = read(Config, config, "config")
        found = await self._found(known, soon())
        await self._server(known, found, root, soon()).revoke(unbound(refresh, found.issuer), None)

    async def _found(self, config: Config, until: float) -> Found:
        return await self._discovery.of(config, self._networks.of(config.network), until)

    def _server(self, config: Config, found: Found, root: Root, until: float) -> Server:
        secret = read(RootSecret, root, "root").secret
        if secret.reveal() and config.issuer is None:
            raise Refused("whose_secret", "a client's secret is shown to one authorization server alone: name it as `issuer` of the connector")
        made = Server if secret.reveal() else Public
        return made(self._networks.of(config.network), config.client(found.issuer), found.places, OAuthRoot(secret=secret), self._keys, until)


def demanded(scopes: frozenset[str], found: Found) -> None:
    if found.scopes and scopes != found.scopes:
        raise Refused("other_scopes", "a user's token is one for all: name exactly the scopes that the server's challenge names, or that it supports")


def soon() -> float:
    return asyncio.get_running_loop().time() + LIMIT


def provider() -> MCP:
    return MCP()
