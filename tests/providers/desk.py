"""A desk: a provider with everything the conformance suite needs to borrow from it. Every provider's test sets one up."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from counterfoil.wire.secret import Secret
from services.providers.seam import Borrower, Irrevocable, Minted, Order, Provider, Revocation, token_of

CANARY = "canary-7f3c1b"
NOBODY_CAN = {Revocation.EXPIRY_ONLY, Revocation.NONE}
BORROWER = Borrower("5b" * 32, "web", "production")


@dataclass(frozen=True)
class Desk:
    """`away`: a config that leads to no provider at all; None where it asks none. `details`: some that the provider accepts.

    `wrong_root`: one that the provider itself refuses, where it has to have a form; else a canary does. `one_for_all`: what it lends is one token
    for all that ask for the same user, so one of them cannot be ended.
    """

    provider: Provider
    config: Mapping[str, object]
    root: Mapping[str, Secret]
    scopes: frozenset[str]
    away: Mapping[str, object] | None
    details: tuple[Mapping[str, object], ...] = ()
    wrong_root: Mapping[str, Secret] = field(default_factory=dict)
    one_for_all: bool = False

    def __post_init__(self) -> None:
        if not self.wrong_root:
            object.__setattr__(self, "wrong_root", {name: Secret(CANARY) for name in self.root})

    def order(self, **changes: Any) -> Order:
        now = datetime.now(UTC)
        usual = Order(
            credential_id=uuid4(),
            connector=f"{self.provider.name}/desk",
            installation="default",
            config=self.config,
            scopes=self.scopes,
            details=self.details,
            expires_at=now + max(self.provider.shortest, timedelta(minutes=5)),
            window_closes_at=now + self.provider.window,
            borrower=BORROWER,
        )
        return replace(usual, **changes)

    async def mint(self, **changes: Any) -> Minted:
        return await self.provider.mint(self.order(**changes), self.root)

    async def revoke(self, minted: Minted) -> bool | None:
        """Whether it was there still, where that can be told. What nobody can end says so each time."""
        with pytest.raises(Irrevocable) if self.one_for_all or self.provider.revocation in NOBODY_CAN else nullcontext():
            return await self.provider.revoke(minted.handle, self.config, self.root, token_of(minted))
        return None

    async def is_alive(self, credential_id: UUID) -> bool:
        return credential_id in await self.provider.alive(self.config, self.root)


def told(error: BaseException | None) -> str:
    """Everything a traceback of it would show: the error, and those it came from."""
    if error is None:
        return ""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{error!r} {error} {vars(error)}" + told(before)
