"""Linear: tokens of an app by client credentials, each ended by showing it.

https://linear.app/developers/oauth-2-0-authentication

Scopes are Linear's own, `read`, `issues:create`, and always all that the connector names: whoever asks Linear for others ends every token that the
app has. Another set is another app; an installation is an app in another workspace.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers.linear import given
from services.providers.linear.app import App
from services.providers.linear.config import Config, RootSecret, wish
from services.providers.oauth import said
from services.providers.oauth.given import dead
from services.providers.oauth.given import given as heard_of
from services.providers.seam import Details, Handle, Idempotency, Minted, Order, Reach, Revocation, Root, Unavailable, read  # fmt: skip
from services.providers.unnamed import Unnamed
from services.providers.web.network import Networks
from services.providers.web.pauses import Pauses
from services.providers.web.window import closes

PROVEN_AGAINST = (
    "[emulate](https://github.com/vercel-labs/emulate) (`make test-providers`); two things it does not know are played before it, by Linear's "
    "documentation: that a revoked token cannot be revoked again, and that other scopes end all tokens of an app."
)
LIMIT = 3.5
"""Seconds for revoking and its proof."""


class Linear(Unnamed):
    name = "linear"
    documentation = "https://linear.app/developers/oauth-2-0-authentication"
    revocation = Revocation.BY_POSSESSION
    reach = Reach.CREDENTIAL
    idempotency = Idempotency.NONE
    # Every token lives for 30 days: what is lent is ended at its time.
    ends_by_itself = False
    shortest = timedelta(seconds=1)
    longest = given.LONGEST  # as long as one whose answer was lost may live
    window = timedelta(seconds=60)  # nothing in a request expires; a server that reads one later gives no answer to anyone
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._networks, self._pauses = Networks(), Pauses()

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        wish(scopes, details, read(Config, config, "config"))

    async def mint(self, order: Order, root: Root) -> Minted:
        config, until = read(Config, order.config, "config"), closes(order)
        scope, place = wish(order.scopes, order.details, config), f"{config.api} {config.client_id}"
        self._pauses.check(place)
        sent = datetime.now(UTC)
        heard = await self._app(config, until).token(read(RootSecret, root, "root").client_secret, scope)
        found = heard_of(heard)
        if found is None:
            no = said.no(heard)
            self._pauses.note(place, no.retry_after)
            raise no
        return given.lent(order, found, heard.body, config.api, sent, datetime.now(UTC))

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> bool | None:  # noqa: ARG002  # by the token
        known = read(Config, config, "config")
        if dead(handle.get("until"), datetime.now(UTC)):
            return None
        if handle.get("api") != known.api:
            raise Unavailable("api_changed", "the connector means another place now, and that one shall not see this token")
        if token is None:
            raise Unavailable("no_token", "nobody has the token")
        return await self._app(known, asyncio.get_running_loop().time() + LIMIT).end(token)

    def _app(self, config: Config, until: float) -> App:
        return App(self._networks.of(config.network), config, until)


def provider() -> Linear:
    return Linear()
