"""GitHub: installation tokens of a GitHub App, for some repositories with some permissions.

https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app

Scopes are permissions with their level, `contents:read`. Repositories are one detail, `{"type": "github", "repositories": ["acme/a"]}`, with the
owner that the app is installed on. Both are always named: a request without would be for all that the installation has. A ceiling says the same,
and `"repositories": ["*"]` there is any of the installation's.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers.github import given, said
from services.providers.github.app import App
from services.providers.github.config import Config, RootSecret
from services.providers.github.proof import private_key, proof
from services.providers.github.wish import wish
from services.providers.seam import Details, Handle, Idempotency, Minted, Order, Reach, Revocation, Root, Unavailable, read  # fmt: skip
from services.providers.unnamed import Unnamed
from services.providers.web import document
from services.providers.web.keys import Keys
from services.providers.web.network import Networks
from services.providers.web.pauses import Pauses
from services.providers.web.window import closes

PROVEN_AGAINST = (
    "[emulate](https://github.com/vercel-labs/emulate) and GitHub's own OpenAPI description by Prism (`make test-providers`); "
    "nothing of it ran against github.com."
)
LARGEST = 8 * 1024 * 1024
"""An answer describes each of up to 500 repositories in full."""
WORTH_A_THREAD = 128 * 1024
LIMIT = 3.5
"""Seconds for revoking and its proof."""


class GitHub(Unnamed):
    name = "github"
    documentation = "https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app"
    revocation = Revocation.BY_POSSESSION
    reach = Reach.CREDENTIAL
    idempotency = Idempotency.NONE
    # Every token lives an hour, and nothing makes it shorter: what is lent for less is ended at its time like anything else that would live on.
    ends_by_itself = False
    shortest = timedelta(seconds=1)
    longest = given.HOUR
    window = timedelta(seconds=60)  # the app's JWT is over before
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._networks, self._pauses, self._keys = Networks(LARGEST), Pauses(), Keys(private_key)

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        wish(scopes, details, read(Config, config, "config").account)

    async def mint(self, order: Order, root: Root) -> Minted:
        config, until = read(Config, order.config, "config"), closes(order)
        asked, place = wish(order.scopes, order.details, config.account), f"{config.api} {config.installation_id}"
        self._pauses.check(place)
        key = await self._keys.of(read(RootSecret, root, "root").private_key)
        answer = await self._app(config, until).token(proof(config.app, key, order.window_closes_at), asked.body())
        body = document.body(answer.body) if len(answer.body) < WORTH_A_THREAD else await asyncio.to_thread(document.body, answer.body)
        token = given.token(body)
        if token is None:
            no = said.no(answer)
            self._pauses.note(place, no.retry_after)
            raise no
        return given.lent(order, asked, token, answer.status, body, config.api, datetime.now(UTC))

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> bool | None:  # noqa: ARG002  # by the token
        known = read(Config, config, "config")
        if given.dead(handle.get("until"), datetime.now(UTC)):
            return None
        if handle.get("api") != known.api:
            raise Unavailable("api_changed", "the connector means another place now, and that one shall not see this token")
        if token is None:
            raise Unavailable("no_token", "nobody has the token")
        return await self._app(known, asyncio.get_running_loop().time() + LIMIT).end(token)

    def shuts(self, config: Mapping[str, object]) -> bool:
        return read(Config, config, "config").suspend

    async def shut(self, config: Mapping[str, object], root: Root) -> None:
        await self._suspend(config, root, wanted=True)

    async def reopen(self, config: Mapping[str, object], root: Root) -> None:
        await self._suspend(config, root, wanted=False)

    async def _suspend(self, config: Mapping[str, object], root: Root, *, wanted: bool) -> None:
        known, key = read(Config, config, "config"), await self._keys.of(read(RootSecret, root, "root").private_key)
        app = self._app(known, asyncio.get_running_loop().time() + LIMIT)
        await app.suspend(proof(known.app, key, datetime.now(UTC) + timedelta(seconds=LIMIT)), wanted=wanted)

    def _app(self, config: Config, until: float) -> App:
        return App(self._networks.of(config.network), config, until)


def provider() -> GitHub:
    return GitHub()
