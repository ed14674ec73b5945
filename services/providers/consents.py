"""What a person brought back from a provider is exchanged for a grant, once."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from counterfoil.contracts import consent_settled
from counterfoil.contracts.base import named
from counterfoil.contracts.consent_returned import ConsentReturned
from counterfoil.contracts.consent_settled import ConsentCode, ConsentGranted, ConsentRefused
from counterfoil.wire import binding
from counterfoil.wire.armor import from_url
from counterfoil.wire.envelope import decode, encode
from counterfoil.wire.sealing import Opener, Unsealable
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import TRANSPORT, DeadLetter
from counterfoil_server.runtime.store.database import Pool
from services.providers.codes import Codes
from services.providers.consenting import Given, Pastes, Redirects, Returned
from services.providers.device_codes import Device, Devices
from services.providers.grants import Grants, Whose
from services.providers.rotation import Rotation
from services.providers.seam import ProviderError, Refused, Unavailable
from services.providers.shelf import Shelf

TOPIC = consent_settled.TOPIC
LONGEST_CALL = timedelta(seconds=5)

# A code that comes a second time ends what it gave the first time: so who redeems it says so before.
BEGIN = "UPDATE consent SET outcome = 'redeeming' WHERE consent_id = $1 AND outcome IS NULL RETURNING *"
BEGUN = "SELECT * FROM consent WHERE consent_id = $1"
SETTLED = "UPDATE consent SET outcome = $2, fact = $3 WHERE consent_id = $1 AND outcome = 'redeeming' AND fact IS NULL RETURNING true"
BROUGHT = frozenset({"code", "key", "device"})
Fact = ConsentGranted | ConsentRefused
Said = tuple[Fact, bytes]


@dataclass(frozen=True, slots=True)
class Consenting:
    db: Pool
    grants: Grants
    codes: Codes
    shelf: Shelf
    roots: Rotation
    registry: Registry
    opener: Opener
    now: Clock

    async def settle(self, returned: ConsentReturned) -> Said | None:
        """What came of it, and its exact bytes; None where that has to be waited for. Raises DeadLetter."""
        brought = self.opened(returned)
        row = await self.db.fetchrow(BEGIN, returned.consent_id)
        if row is not None:
            return await self.now_settled(row, returned, brought)
        return None if await self.codes.knows(returned.consent_id) else await self.before(returned.consent_id)

    async def now_settled(self, row: Any, returned: ConsentReturned, brought: dict[str, str]) -> Said | None:
        found = await self.outcome(row, returned, brought)
        if isinstance(found, Device):
            await self.codes.keep(row["consent_id"], found)
            return None
        return await self.come_to(row, found)

    async def come_to(self, row: Any, found: Given | ConsentRefused) -> Said:
        """Grant and outcome are one transaction, and the first outcome counts: what was interrupted has left no grant."""
        if isinstance(found, ConsentRefused):
            fact: Fact = found
        else:
            fact = ConsentGranted(**self.about(row), grant_id=named("grant", str(row["consent_id"])), scopes=found.scopes)
        value = encode(fact)
        async with self.db.acquire() as db, db.transaction():
            first = await db.fetchval(SETTLED, row["consent_id"], fact.kind.partition(".")[2], value)
            if first and isinstance(found, Given) and isinstance(fact, ConsentGranted):
                await self.grants.give(db, Whose(*(row[name] for name in WHOSE)), fact.grant_id, found.scopes, found.refresh)
        return (fact, value) if first else await self.before(row["consent_id"])

    def opened(self, returned: ConsentReturned) -> dict[str, str]:
        try:
            found = json.loads(self.opener.open(from_url(returned.box.encode()), binding.consent(returned.consent_id)).reveal())
        except (Unsealable, ValueError):
            raise DeadLetter("bad_box") from None
        if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
            raise DeadLetter("bad_box")
        return found

    async def before(self, consent_id: UUID) -> Said:
        """It was here before. What was interrupted then is not tried again."""
        row = await self.db.fetchrow(BEGUN, consent_id)
        if row is None:
            raise DeadLetter("unknown_consent")
        if row["fact"] is not None:
            return decode(TOPIC, row["fact"], {}), row["fact"]
        fact = self.refused(row, "provider_unknown", "it was interrupted while the code was exchanged: agree again")
        await self.db.execute(SETTLED, consent_id, "refused", value := encode(fact))
        return fact, value

    async def outcome(self, row: Any, returned: ConsentReturned, brought: dict[str, str]) -> Given | Device | ConsentRefused:
        if not BROUGHT & brought.keys():
            return self.refused(row, "declined", "they did not agree, or the provider did not let them")
        if returned.deadline < self.now() or row["expires_at"] < self.now():
            return self.refused(row, "late", "it came too late: agree again")
        try:
            async with asyncio.timeout(LONGEST_CALL.total_seconds()):
                found = await self.redeemed(row, brought)
        except ProviderError as error:
            return self.refused(row, code_of(error), f"{error.code}: {error.message}")
        except TimeoutError:
            return self.refused(row, "provider_unknown", "the provider did not answer in time")
        except TRANSPORT:
            raise
        except Exception as error:  # noqa: BLE001 - an adapter's own mistake
            return self.refused(row, "provider_unknown", type(error).__name__)
        return self.refused(row, "provider_refused", found.amiss) if isinstance(found, Given) and found.amiss else found

    async def redeemed(self, row: Any, brought: dict[str, str]) -> Given | Device:
        snapshot = self.registry.snapshot
        connector = snapshot.connectors.get(row["connector"])
        provider = self.shelf.provider(connector.provider) if connector else None
        scopes, config = frozenset(row["scopes"]), snapshot.config(connector, row["installation"]) if connector else {}
        if "key" in brought and isinstance(provider, Pastes) and provider.asks(config):
            return provider.pasted(Secret(brought["key"]), scopes, config)
        if connector and "device" in brought and isinstance(provider, Devices):
            return await self.roots.done(connector, row["installation"], partial(provider.begin, scopes, config))
        if connector and "code" in brought and isinstance(provider, Redirects):
            returned = Returned(Secret(brought["code"]), self.verifier(row), brought.get("redirect_uri", ""), scopes)
            return await self.roots.done(connector, row["installation"], partial(provider.redeem, returned, config))
        raise Refused("unknown_connector", "the registry has no such connector any more, or it asks nobody in this way")

    def verifier(self, row: Any) -> Secret:
        try:
            return self.opener.open(row["verifier"] or b"", binding.verifier(row["consent_id"]))
        except Unsealable:
            raise Refused("no_verifier", "the question was not sent from here") from None

    def refused(self, row: Any, code: ConsentCode, message: str) -> ConsentRefused:
        return ConsentRefused(**self.about(row), code=code, message=message)

    def about(self, row: Any) -> dict[str, Any]:
        consent_id = row["consent_id"]
        said = {name.removesuffix("_digest"): row[name] for name in WHOSE}
        return {"id": named("consent", str(consent_id)), "at": self.now(), "consent_id": consent_id, **said}


def code_of(error: ProviderError) -> ConsentCode:
    return "provider_refused" if isinstance(error, Refused) else "provider_unavailable" if isinstance(error, Unavailable) else "provider_unknown"


WHOSE = ("connector", "installation", "project", "environment", "user_digest")
