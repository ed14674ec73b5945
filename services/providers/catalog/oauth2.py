"""OAuth 2.0 at any authorization server that can revoke what it gives: for the client itself, and on behalf of people who agreed.

https://www.rfc-editor.org/rfc/rfc6749
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers.consenting import Given, Lent, Place, Returned
from services.providers.device_codes import Device
from services.providers.oauth import device, given, own, people
from services.providers.oauth.client import private_key
from services.providers.oauth.config import Config, RootSecret
from services.providers.oauth.endings import Endings
from services.providers.oauth.metadata import Metadata
from services.providers.oauth.server import Server
from services.providers.oauth.wish import wish
from services.providers.seam import (  # fmt: skip
    Details,
    Handle,
    Idempotency,
    Minted,
    Order,
    ProviderError,
    Reach,
    Refused,
    Revocation,
    Root,
    Unavailable,
    read,
)
from services.providers.unnamed import Unnamed
from services.providers.web.keys import Keys
from services.providers.web.network import Networks
from services.providers.web.pauses import Pauses
from services.providers.web.window import closes

PROVEN_AGAINST = (
    "[oidc-provider](https://github.com/panva/node-oidc-provider) (`make test-providers`): client credentials, users, resources and details. "
    "JWT bearer and token exchange it does not bring: these are grants of ours on it, by their RFCs, with JWTs read by jose. "
    "Token exchange also against Keycloak 26.7.3, once, by hand."
)
LIMIT = 3.5
"""Seconds for revoking and its proof."""


class OAuth2(Unnamed):
    name = "oauth2"
    documentation = "https://www.rfc-editor.org/rfc/rfc6749"
    revocation = Revocation.BY_POSSESSION
    reach = Reach.CREDENTIAL
    idempotency = Idempotency.NONE
    # The server sets how long its tokens live, and it is not asked for what was lent: as a rule they would outlive it, so they are ended.
    ends_by_itself = False
    shortest = timedelta(seconds=1)
    longest = given.LONGEST
    # The life of an assertion. With a client's secret nothing expires; a server that reads a request later than this gives no answer to anyone.
    window = timedelta(seconds=60)
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._networks, self._metadata, self._keys, self._pauses = Networks(), Metadata(), Keys(private_key), Pauses()
        self._endings = Endings()

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        wish(scopes, details, read(Config, config, "config"))

    async def mint(self, order: Order, root: Root) -> Minted:
        config = read(Config, order.config, "config")
        asked = wish(order.scopes, order.details, config)
        self._pauses.check(config.issuer)
        server = await self._server(config, root, closes(order))
        if server.places.revocation is None:
            raise Refused("no_revocation", "the server offers no revocation endpoint: what it gives could not be ended")
        try:
            return await own.lend(server, order, asked, self._endings)
        except ProviderError as no:
            self._pauses.note(config.issuer, no.retry_after)
            raise

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> bool | None:
        until, known = handle.get("until"), read(Config, config, "config")
        if given.dead(until, datetime.now(UTC)):
            return None
        if handle.get("issuer") != known.issuer:
            raise Refused("issuer_changed", "the connector means another server now, and that one shall not see this token")
        if token is None:
            raise Unavailable("no_token", "nobody has the token")
        server = await self._server(known, root, soon())
        dies = datetime.fromisoformat(until) if isinstance(until, str) else None
        if handle.get("user") is True:
            return await people.end(server, known, token, dies)
        await server.revoke(token, dies)
        return None

    def asks(self, config: Mapping[str, object]) -> bool:
        return read(Config, config, "config").people

    async def place(self, config: Mapping[str, object]) -> Place:
        known = read(Config, config, "config")
        return people.place(known, await self._metadata.of(known, self._networks.of(known.network), soon()))

    async def redeem(self, returned: Returned, config: Mapping[str, object], root: Root) -> Given:
        known = read(Config, config, "config")
        return await people.redeem(await self._server(known, root, soon()), known, returned)

    async def begin(self, scopes: frozenset[str], config: Mapping[str, object], root: Root) -> Device:
        known = read(Config, config, "config")
        return await device.begin(await self._server(known, root, soon()), known, scopes)

    async def poll(self, code: Secret, scopes: frozenset[str], config: Mapping[str, object], root: Root) -> Given:
        known = read(Config, config, "config")
        return await people.poll(await self._server(known, root, soon()), known, code, scopes)

    async def lend(self, order: Order, refresh: Secret, root: Root) -> Lent:
        config = read(Config, order.config, "config")
        asked = wish(order.scopes, order.details, config)
        self._pauses.check(config.issuer)
        return await people.lend(await self._server(config, root, closes(order)), order, asked, refresh)

    async def good(self, refresh: Secret, config: Mapping[str, object], root: Root) -> bool | None:
        found = await (await self._server(read(Config, config, "config"), root, soon())).introspected(refresh)
        return None if found is None else bool(found["active"])

    async def leave(self, refresh: Secret, config: Mapping[str, object], root: Root) -> None:
        await (await self._server(read(Config, config, "config"), root, soon())).revoke(refresh, None)

    async def close(self) -> None:
        await self._endings.close()

    async def _server(self, config: Config, root: Root, until: float) -> Server:
        http, own_root = self._networks.of(config.network), read(RootSecret, root, "root")
        return Server(http, config, await self._metadata.of(config, http, until), own_root, self._keys, until)


def soon() -> float:
    return asyncio.get_running_loop().time() + LIMIT


def provider() -> OAuth2:
    return OAuth2()
