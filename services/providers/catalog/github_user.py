"""GitHub, on behalf of its users: of what a user agreed to, a token of its own for each credential, never the grant's.

https://docs.github.com/en/rest/apps/apps#create-a-scoped-access-token

A wish is as at an installation of the app: permissions with their level as scopes, and repositories as one detail, both always named. What comes of
it is the least of three: what was asked, what the app has there, and what the user may do.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers.consenting import Given, Kept, Lent, Place, Returned
from services.providers.github.given import dead, token
from services.providers.github.said import no
from services.providers.github.wish import wish
from services.providers.github_user import given, login, said
from services.providers.github_user.client import Client
from services.providers.github_user.config import Config, RootSecret
from services.providers.seam import Details, Handle, Idempotency, Minted, Order, Reach, Refused, Revocation, Root, Unavailable, read  # fmt: skip
from services.providers.unnamed import Unnamed
from services.providers.web.document import body
from services.providers.web.header import carried
from services.providers.web.network import Networks
from services.providers.web.pauses import Pauses
from services.providers.web.window import closes

PROVEN_AGAINST = (
    "GitHub's own OpenAPI description by Prism (`make test-providers`) for what is asked; no counterpart that others wrote gives scoped tokens: for "
    "the rest a server of ours, written by GitHub's documentation. Nothing of it ran against github.com."
)
LIMIT = 3.0
"""Seconds for revoking and its proof; and for whatever is done in a user's turn, where up to three things are."""


class GitHubUser(Unnamed):
    name = "github_user"
    documentation = "https://docs.github.com/en/rest/apps/apps#create-a-scoped-access-token"
    revocation = Revocation.BY_POSSESSION
    reach = Reach.CREDENTIAL
    idempotency = Idempotency.NONE
    # A token lives as long as what it was made of, up to eight hours, and nothing makes it shorter: what is lent is ended at its time.
    ends_by_itself = False
    shortest = timedelta(seconds=1)
    longest = given.LIFE  # as long as one whose answer was lost may live
    window = timedelta(seconds=60)  # nothing in a request expires; a server that reads one later gives no answer to anyone
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._networks, self._pauses = Networks(), Pauses()

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        wish(scopes, details, read(Config, config, "config").account)

    async def mint(self, order: Order, root: Root) -> Minted:  # noqa: ARG002  # nobody agreed to it
        raise Refused("no_user", "this connector lends on behalf of users alone: name one")

    def asks(self, config: Mapping[str, object]) -> bool:
        read(Config, config, "config")
        return True

    async def place(self, config: Mapping[str, object]) -> Place:
        return login.place(read(Config, config, "config"))

    async def redeem(self, returned: Returned, config: Mapping[str, object], root: Root) -> Given:
        return await login.redeem(self._client(config, root, soon()), returned)

    async def lend(self, order: Order, refresh: Secret, root: Root) -> Lent:
        until, config = min(closes(order), soon()), read(Config, order.config, "config")
        wish(order.scopes, order.details, config.account)
        self._pauses.check(place_of(config))
        try:
            return await login.refreshed(self._client(order.config, root, until), refresh)
        except Unavailable as later:
            self._pauses.note(place_of(config), later.retry_after)
            raise

    async def again(self, order: Order, kept: Kept, root: Root) -> Minted | None:
        return None if given.spent(kept, order, datetime.now(UTC)) else await self._made(order, kept, root)

    async def make(self, order: Order, kept: Kept, root: Root) -> Minted:
        made = await self._made(order, kept, root)
        if made is None:
            raise Unavailable("not_there", "GitHub does not know the token that it gave a moment ago")
        return made

    async def _made(self, order: Order, kept: Kept, root: Root) -> Minted | None:
        """None: what is kept is dead. That is asked, for GitHub may say the same of a wish: to refresh for that would end what others have."""
        until, config = min(closes(order), soon()), read(Config, order.config, "config")
        asked, client = wish(order.scopes, order.details, config.account), self._client(order.config, root, until)
        self._pauses.check(place_of(config))
        answer = await client.scoped(kept.token, asked)
        found = token(heard := body(answer.body))
        if found is not None:
            return given.lent(order, asked, found, answer.status, heard, config, datetime.now(UTC))
        if answer.status in said.UNKNOWN_TOKEN:
            if await client.lives(kept.token):
                raise Refused(*said.NOT_GRANTED)
            return None
        refusal = no(answer, said.REFUSED)
        self._pauses.note(place_of(config), refusal.retry_after)
        raise refusal

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> bool | None:
        known = read(Config, config, "config")
        if dead(handle.get("until"), datetime.now(UTC)):
            return None
        if (handle.get("api"), handle.get("client_id")) != (known.api, known.client_id):
            raise Unavailable("api_changed", "the connector means another place or app now, and that one shall not see this token")
        if token is None:
            raise Unavailable("no_token", "nobody has the token")
        return await self._client(config, root, soon()).end(token)

    async def good(self, refresh: Secret, config: Mapping[str, object], root: Root) -> bool | None:  # noqa: ARG002  # GitHub has no way to ask
        return None

    async def good_with(self, kept: Kept, config: Mapping[str, object], root: Root) -> bool | None:
        return await self._client(config, root, soon()).opens(kept.token)

    async def leave(self, refresh: Secret, config: Mapping[str, object], root: Root) -> None:
        await self.leave_with(refresh, None, config, root)

    async def leave_with(self, refresh: Secret, kept: Kept | None, config: Mapping[str, object], root: Root) -> None:
        await login.leave(self._client(config, root, soon()), refresh, kept)

    def _client(self, config: Mapping[str, object], root: Root, until: float) -> Client:
        known = read(Config, config, "config")
        return Client(self._networks.of(known.network), known, carried(read(RootSecret, root, "root").client_secret), until)


def place_of(config: Config) -> str:
    return f"{config.api} {config.client_id}"


def soon() -> float:
    return asyncio.get_running_loop().time() + LIMIT


def provider() -> GitHubUser:
    return GitHubUser()
