"""Minting on behalf of a person: with what they agreed to, used by one at a time, and nothing of an answer is used before it is kept."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from services.providers.consenting import Consents, Keeps, Kept, Lent, Makes, NeedsConsent, TellsWith
from services.providers.grants import Grants, Turn, Whose
from services.providers.seam import Minted, Order, Refused, Root, Unavailable
from services.providers.wanted import Intent

T = TypeVar("T")


async def mint(grants: Grants, intent: Intent, order: Order, root: Root) -> Minted:
    """Raises what `Provider.mint` does, and NeedsConsent."""
    provider, grant = intent.wanted.provider, intent.wanted.grant
    window = provider.window
    if not isinstance(provider, Consents) or not provider.asks(order.config):
        raise Refused("no_users", "this connector lends to apps alone, not on behalf of their users")
    whose = Whose(grant.connector, grant.installation, grant.project, grant.environment, grant.user or "")
    return await lent(grants, whose, provider, window, order, root)


async def lent(grants: Grants, whose: Whose, provider: Consents, window: timedelta, order: Order, root: Root) -> Minted:
    """`window`: how long after it was sent a request can still take effect at the provider."""
    async with grants.turn(whose, order.scopes, window) as turn:
        use = Use(grants, turn, provider, window, order, root)
        if turn.doubtful:
            await use.settle_doubt()
        minted = await use.again()
        if minted is not None:
            held = await through(grants.give_back(turn))
        else:
            found = await use.lend()
            held = await through(grants.keep(turn, found.refresh, found.kept))
            minted = found.minted or await use.make(found.kept, held=held)
    return minted if held else replace(minted, amiss=minted.amiss or "the user's grant was ended meanwhile")


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a grant, by the one whose turn it is. However it ends, the turn is given up, with what is known by then."""

    grants: Grants
    turn: Turn
    provider: Consents
    window: timedelta
    order: Order
    root: Root = field(repr=False)

    async def settle_doubt(self) -> None:
        """An earlier answer was lost: to use the token again would look like theft of it, and end the whole grant."""
        good = None
        try:
            good = await self.good()
        finally:
            if good is None:
                await through(self.grants.doubt(self.turn, self.window))
        if good is False:
            await through(self.grants.over(self.turn))
        if not good:
            raise NeedsConsent("grant_lost", "an answer of the provider was lost, and with it the grant: the user has to agree again")

    async def good(self) -> bool | None:
        if self.turn.kept is not None and isinstance(self.provider, TellsWith):
            return await self.provider.good_with(self.turn.kept, self.order.config, self.root)
        return await self.provider.good(self.turn.refresh, self.order.config, self.root)

    async def again(self) -> Minted | None:
        """From what is kept. The refresh token is not used: whatever comes of it, the grant is as it was."""
        if self.turn.kept is None or not isinstance(self.provider, Keeps):
            return None
        try:
            return await self.provider.again(self.order, self.turn.kept, self.root)
        except BaseException:
            await through(self.grants.give_back(self.turn))
            raise

    async def make(self, kept: Kept | None, *, held: bool) -> Minted:
        """The turn is over: what was refreshed is kept, and whatever comes of this, the grant stands."""
        if not held:
            raise Unavailable("grant_ended", "the user's grant was ended meanwhile")
        if kept is None or not isinstance(self.provider, Makes):
            raise Unavailable("nothing_to_make", "the provider gave nothing that a credential can be made of")
        return await self.provider.make(self.order, kept, self.root)

    async def lend(self) -> Lent:
        try:
            return await self.provider.lend(self.order, self.turn.refresh, self.root)
        except NeedsConsent:
            await through(self.grants.over(self.turn))
            raise
        except (Refused, Unavailable):
            await through(self.grants.give_back(self.turn))
            raise
        except BaseException:  # no answer, or cut off: it may have been used
            await through(self.grants.doubt(self.turn, self.window))
            raise


async def through(doing: Coroutine[Any, Any, T]) -> T:
    """To its end, though who waits for it is cut off meanwhile."""
    task = asyncio.ensure_future(doing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
