"""Caller: for whom the cache keeps a credential. A caller is known by where its token comes from, or by the token's digest."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import unanswered
from counterfoil.client.identity import Identity
from counterfoil.wire.canonical import digest
from counterfoil.wire.secret import Secret

AMBIENT = "ambient"

Source = Callable[[], Awaitable[Secret]]


@dataclass(frozen=True, slots=True)
class Caller:
    identity: Identity
    ambient: bool
    """Whether nobody gave a token, so that the environment says who this process is."""

    async def token(self, deadline: Deadline) -> Secret:
        return await timely(self.identity.token, deadline)

    async def now(self, deadline: Deadline) -> tuple[str, Source]:
        """A name for the cache, and where the token of just that caller comes from.

        The environment's identity is the process's own, and renewed at its source. A token that was given, as a text or by a callable, may be
        anybody's. Nobody has verified it here: what it was lent is found again by this very token, and by no other that claims the same.
        """
        if self.ambient:
            return AMBIENT, self.identity.token
        token = await self.token(deadline)
        return digest(token.reveal()), partial(same, token)


async def same(token: Secret) -> Secret:
    return token


async def timely(source: Source, deadline: Deadline) -> Secret:
    """A platform that is slow to say who we are is as late as any other part."""
    try:
        async with asyncio.timeout(deadline.left()):
            return await source()
    except TimeoutError:
        fix = "the platform's token service, or the callable that was given, is slow: give it more time with Client(timeout=...)"
        raise unanswered("late", f"no identity token within {deadline.seconds:g} s", fix=fix) from None
