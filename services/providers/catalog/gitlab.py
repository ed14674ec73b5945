"""GitLab: project and group access tokens, each with the name of its credential.

https://docs.gitlab.com/api/project_access_tokens/

Scopes are GitLab's own and one role, `read_api role:reporter`. What a token is for is the connector's `place`; an installation is another one.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from counterfoil.wire.secret import Secret
from services.providers.gitlab import given
from services.providers.gitlab.config import Config, RootSecret, tokens
from services.providers.gitlab.place import Place, no
from services.providers.gitlab.wish import last_day, wish
from services.providers.seam import Details, Handle, Idempotency, Minted, Order, Reach, Refused, Revocation, Root, Unavailable, read  # fmt: skip
from services.providers.web.document import body
from services.providers.web.header import carried
from services.providers.web.network import Networks
from services.providers.web.pauses import Pauses
from services.providers.web.window import closes

PROVEN_AGAINST = "no counterpart that others wrote: a server of ours, written by GitLab's documentation."
PREFIX = "counterfoil-"
LIMIT = 3.5
"""Seconds for revoking and its proof."""


class GitLab:
    name = "gitlab"
    documentation = "https://docs.gitlab.com/api/project_access_tokens/"
    revocation = Revocation.BY_NAME
    reach = Reach.CREDENTIAL
    idempotency = Idempotency.NONE  # two tokens may have one name; both are ended by it
    # GitLab counts in days: a token lives until a midnight, one to two days ahead. What is lent is ended at its time.
    ends_by_itself = False
    shortest = timedelta(seconds=1)
    longest = timedelta(days=1)
    window = timedelta(seconds=60)  # nothing in a request expires; a server that reads one later gives no answer to anyone
    config = Config
    root = RootSecret

    def __init__(self) -> None:
        self._networks, self._pauses = Networks(), Pauses()

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        read(Config, config, "config")
        wish(scopes, details)

    async def mint(self, order: Order, root: Root) -> Minted:
        config, until, asked = read(Config, order.config, "config"), closes(order), wish(order.scopes, order.details)
        self._pauses.check(config.api)
        handle, day = {"api": config.api, "place": config.place, **self.handle(order.credential_id)}, last_day(order.expires_at)
        answer = await self._place(config, config.place, root, until).make(str(handle["name"]), asked, day)
        said = body(answer.body)
        token = said.get("token")
        if not isinstance(token, str) or not token:
            refusal = no(answer)
            self._pauses.note(config.api, refusal.retry_after)
            raise refusal
        return given.lent(order, token, answer.status, said, handle, day)

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> bool:  # noqa: ARG002  # by name
        known, name, number = read(Config, config, "config"), str(handle.get("name")), handle.get("id")
        if ours(name) is None:
            raise Refused("not_ours", "the handle names no token that was lent")
        if handle.get("api", known.api) != known.api:
            raise Unavailable("api_changed", "the connector means another GitLab now, and that one never gave this token")
        place = self._place(known, str(handle.get("place", known.place)), root, asyncio.get_running_loop().time() + LIMIT)
        return await place.end(name, number if isinstance(number, int) else None)

    def handle(self, credential_id: UUID) -> Handle:
        return {"name": f"{PREFIX}{credential_id}"}

    async def alive(self, config: Mapping[str, object], root: Root) -> Mapping[UUID, Handle]:
        known = read(Config, config, "config")
        found = await self._place(known, known.place, root, asyncio.get_running_loop().time() + 2 * LIMIT).listed(PREFIX)
        named = {identifier: str(one["name"]) for one in found if (identifier := ours(one.get("name"))) is not None}
        return {identifier: {"api": known.api, "place": known.place, "name": name} for identifier, name in named.items()}

    def sole(self, config: Mapping[str, object]) -> bool:
        return read(Config, config, "config").sole

    async def sweep(self, config: Mapping[str, object], root: Root) -> int:  # noqa: ARG002  # GitLab removes the bot users of dead tokens itself
        return 0

    async def close(self) -> None:
        return None

    def _place(self, config: Config, place: str, root: Root, until: float) -> Place:
        return Place(self._networks.of(config.network), tokens(config.api, place), carried(read(RootSecret, root, "root").token), until)


def provider() -> GitLab:
    return GitLab()


def ours(name: object) -> UUID | None:
    """Of a name that we gave, in the one way that we write it."""
    try:
        found = UUID(str(name).removeprefix(PREFIX))
    except ValueError:
        return None
    return found if name == f"{PREFIX}{found}" else None
