"""A provider that mints at once and asks nobody: what is left is what the exchange itself costs. Only `make bench` has it on its shelf."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from counterfoil.wire.secret import Secret
from services.providers.seam import Declared, Details, Handle, Idempotency, Minted, Order, Reach, Revocation, Root, answer


class Config(Declared):
    pass


class RootSecret(Declared):
    token: Secret


class Instant:
    name = "instant"
    documentation = "docs/performance.md"
    revocation = Revocation.EXPIRY_ONLY  # nobody honours what it mints
    reach = Reach.CREDENTIAL
    idempotency = Idempotency.BY_NAME
    ends_by_itself = True
    shortest = timedelta(seconds=1)
    longest = timedelta(days=1)
    window = timedelta(seconds=1)
    config: type[Declared] = Config
    root: type[Declared] = RootSecret

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        pass

    async def mint(self, order: Order, root: Root) -> Minted:  # noqa: ARG002 - it needs none, and the exchange hands it over all the same
        lent = answer(secrets.token_urlsafe(32), "Bearer")
        handle: Handle = {"name": str(order.credential_id)}
        return Minted(lent, "Bearer", handle, order.scopes, order.details, order.expires_at)

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> None:
        pass

    def handle(self, credential_id: UUID) -> Handle:
        return {"name": str(credential_id)}

    async def alive(self, config: Mapping[str, object], root: Root) -> Mapping[UUID, Handle]:  # noqa: ARG002 - it keeps no list
        return {}

    async def sweep(self, config: Mapping[str, object], root: Root) -> int:  # noqa: ARG002 - it leaves nothing behind
        return 0

    async def close(self) -> None:
        pass
