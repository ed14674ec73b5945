"""Ending one credential at its provider, and what the try means."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from counterfoil.contracts.base import named
from counterfoil.contracts.registry import Connector, Installation
from counterfoil.contracts.revocation_settled import CredentialRevoked, RevocationStuck, RevocationUncertain
from counterfoil.wire import binding
from counterfoil.wire.envelope import encode
from counterfoil.wire.sealing import Opener, Unsealable
from counterfoil.wire.secret import Secret
from counterfoil_server.domain import revocation
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.telemetry import outgoing
from services.providers.rotation import Rotation
from services.providers.seam import Handle, Irrevocable, Provider, ProviderError, Revocation, Unavailable
from services.providers.settlements import Row, Settlement, Settlements
from services.providers.shelf import Shelf

LONGEST_CALL = 4.0
NOTHING_TO_CALL = {Revocation.EXPIRY_ONLY, Revocation.NONE}
ROTATE = "nobody can end it, and it does not end by itself: rotate it at the provider"
MOST_PATIENT = timedelta(minutes=15)
"""However long a provider asks to be left alone: a credential that shall die is alive meanwhile."""


class Uncertain(Exception):
    """It cannot be ended, and is surely dead at `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


class Ends:
    def __init__(self, shelf: Shelf, roots: Rotation, registry: Registry, opener: Opener, settlements: Settlements, now: Clock) -> None:
        self._shelf, self._roots, self._registry, self._opener, self._settlements, self._now = shelf, roots, registry, opener, settlements, now

    async def end(self, row: Row) -> Settlement:
        """Never raises for anything a provider does."""
        try:
            async with asyncio.timeout(LONGEST_CALL):
                found = await self._call(row)
        except Uncertain as error:
            return self._waits_for_expiry(row, error.until)
        except ProviderError as error:
            if isinstance(error, Irrevocable) and error.until:
                return self._waits_for_expiry(row, error.until, error.code)
            return self._again(row, error.code, error.retry_after)
        except TimeoutError:
            return self._again(row, "timeout")
        except Exception as error:  # noqa: BLE001 - an adapter's own mistake: the credential may be alive, so it is tried again
            return self._again(row, type(error).__name__)
        if row["cause"] == "expired" or row["before"] == "uncertain":
            return self._confirmed(row, "expired")
        # A later try may find what an earlier one of ours did, whose answer was lost.
        return self._confirmed(row, "already_gone" if found is False and row["attempts"] == 1 else "revoked")

    async def _call(self, row: Row) -> bool | None:
        connector = await self._connector(row["connector"])
        provider = self._shelf.provider(connector.provider)
        if provider is None:
            raise Unavailable("no_provider", "the catalog has no such provider")
        handle, token = self._means(row, provider)
        config = await self._config(connector, row["installation"])
        with outgoing.act(connector.name, "revoke"):
            return await self._roots.done(connector, row["installation"], lambda root: provider.revoke(handle, config, root, token))

    async def _connector(self, name: str) -> Connector:
        entry: Connector | None = self._registry.snapshot.connectors.get(name)
        if entry is None:
            found = await self._settlements.last_entry("connector", name)
            if found is None:
                raise Unavailable("no_connector", "the registry never had this connector")
            entry = Connector.model_validate(found)
        return entry

    async def _config(self, connector: Connector, installation: str) -> Mapping[str, object]:
        """Of a removed installation too: what it lent may be alive."""
        if installation == connector.installation or installation in self._registry.snapshot.installations.get(connector.name, ()):
            return self._registry.snapshot.config(connector, installation)
        found = await self._settlements.last_entry("installation", f"{connector.name}@{installation}")
        return {**connector.config, **Installation.model_validate(found).config} if found else connector.config

    def _means(self, row: Row, provider: Provider) -> tuple[Handle, Secret | None]:
        if provider.revocation is Revocation.NONE and self._now() < row["expires_at"]:
            raise Irrevocable("rotate_at_provider", ROTATE, None)
        if provider.revocation in NOTHING_TO_CALL:
            raise Uncertain(dies(row, provider))
        # Of an answer that was lost nobody knows when it was made, nor how long the provider's own time was: as late and as long as can be.
        latest = row["expires_at"] if row["ends_by_itself"] else max(row["expires_at"], row["sent_at"] + provider.window + provider.longest)
        token = self._token(row, latest) if provider.revocation is Revocation.BY_POSSESSION else None
        handle = row["handle"] or provider.handle(row["credential_id"])
        if handle is None:
            raise Uncertain(latest)
        return handle, token

    def _token(self, row: Row, latest: datetime) -> Secret:
        if row["seal_2"] is None:  # the answer was lost: nobody has the token
            raise Uncertain(latest)
        try:
            return self._opener.open(row["seal_2"], binding.revocation(row["credential_id"]))
        except Unsealable as error:
            if self._now() >= latest:
                raise Uncertain(latest) from None
            raise Unavailable(f"seal_{error.code}", "the second seal does not open with this revocation key") from None

    def _confirmed(self, row: Row, outcome: str) -> Settlement:
        fact = self._fact(CredentialRevoked, row, outcome)
        state = "revoked" if outcome == "already_gone" else outcome
        return Settlement(row["id"], row["credential_id"], "confirmed", state, self._now(), None, fact)

    def _waits_for_expiry(self, row: Row, until: datetime, error: str | None = None) -> Settlement:
        if self._now() >= until:
            return self._confirmed(row, "expired")
        fact = self._fact(RevocationUncertain, row, "uncertain") if row["before"] != "uncertain" else None
        return Settlement(row["id"], row["credential_id"], "uncertain", "uncertain", until + timedelta(seconds=1), error, fact, until)

    def _again(self, row: Row, error: str, wait: timedelta | None = None) -> Settlement:
        now: datetime = self._now()
        if revocation.over(row["expires_at"], now, ends_by_itself=row["ends_by_itself"]):
            return self._confirmed(row, "expired")
        next_at = now + max(revocation.wait(row["attempts"]), min(wait or timedelta(), MOST_PATIENT))
        if not revocation.stuck(row["attempts"], row["at"], now):
            return Settlement(row["id"], row["credential_id"], "pending", "revoking", next_at, error, None)
        fact = self._fact(RevocationStuck, row, "stuck") if row["before"] != "stuck" else None
        return Settlement(row["id"], row["credential_id"], "stuck", "stuck", next_at, error, fact)

    def _fact(self, kind: type[CredentialRevoked | RevocationStuck | RevocationUncertain], row: Row, outcome: str) -> bytes:
        identifier: UUID = row["id"]
        return encode(
            kind(
                id=named("settled", str(identifier), outcome),
                at=self._now(),
                credential_id=row["credential_id"],
                revocation_id=identifier,
                outcome=outcome,
            )
        )


def dies(row: Row, provider: Provider) -> datetime:
    """One that nobody can end, by itself: as the provider said (`until` of its handle), where that is later than what was lent; and where its
    answer was lost, as late as it may have been made.
    """
    handle: Handle | None = row["handle"]
    expires: datetime = row["expires_at"]
    until = (handle or {}).get("until")
    if isinstance(until, str):
        return max(expires, datetime.fromisoformat(until))
    return expires if handle else expires + provider.window
