"""Whether a person has typed their code in: asked as often as the provider wants, by one replica at a time -> consent.settled."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from counterfoil.contracts.consent_settled import ConsentCode, ConsentRefused
from counterfoil.wire.envelope import decode
from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.stage import TRANSPORT
from services.providers.codes import Codes, Row
from services.providers.consenting import Given
from services.providers.consents import LONGEST_CALL, TOPIC, Consenting, Said
from services.providers.device_codes import Devices, Waiting
from services.providers.seam import ProviderError, Refused

SLOWER, SLOWEST = timedelta(seconds=5), timedelta(seconds=60)
"""RFC 8628 section 3.5: so much with each `slow_down`; twice as long where no answer came."""
NO: dict[str, ConsentCode] = {"access_denied": "declined", "expired_token": "late"}
Say = Callable[[Said], Awaitable[None]]
"""Comes back when it is surely said."""


@dataclass(frozen=True, slots=True)
class Polling:
    codes: Codes
    consenting: Consenting

    async def run(self, say: Say, every: float = 0.5) -> None:
        async def turn(_: int) -> None:
            await self.turn(say)

        await forever("device codes", turn, every)

    async def turn(self, say: Say) -> None:
        await asyncio.gather(*(self._one(row, say) for row in await self.codes.take()))

    async def _one(self, row: Row, say: Say) -> None:
        """What was settled and perhaps never said is said again: it is the same fact."""
        if row["fact"] is not None:
            said: Said = (decode(TOPIC, row["fact"], {}), row["fact"])
        elif found := await self._asked(row):
            said = await self.consenting.come_to(row, found)
        else:
            return
        await say(said)
        await self.codes.done(row["consent_id"])

    async def _asked(self, row: Row) -> Given | ConsentRefused | None:
        """None: not yet."""
        if row["late"]:
            return self.consenting.refused(row, "late", "the code ran out before they agreed: agree again")
        try:
            async with asyncio.timeout(LONGEST_CALL.total_seconds()):
                given = await self._poll(row)
        except Waiting as error:
            await self.codes.later(row, row["pace"] + SLOWER if error.slower else row["pace"])
        except Refused as error:
            return self.consenting.refused(row, NO.get(error.code, "provider_refused"), f"{error.code}: {error.message}")
        except (ProviderError, TimeoutError):
            await self.codes.later(row, min(row["pace"] * 2, max(SLOWEST, row["pace"])))
        except TRANSPORT:
            raise
        except Exception as error:  # noqa: BLE001 - an adapter's own mistake
            return self.consenting.refused(row, "provider_unknown", type(error).__name__)
        else:
            return self.consenting.refused(row, "provider_refused", given.amiss) if given.amiss else given
        return None

    async def _poll(self, row: Row) -> Given:
        consenting, snapshot = self.consenting, self.consenting.registry.snapshot
        connector = snapshot.connectors.get(row["connector"])
        provider = consenting.shelf.provider(connector.provider) if connector else None
        if connector is None or not isinstance(provider, Devices):
            raise Refused("unknown_connector", "the registry has no such connector any more, or it asks nobody in this way")
        config = snapshot.config(connector, row["installation"])
        act = partial(provider.poll, self.codes.of(row), frozenset(row["scopes"]), config)
        return await consenting.roots.done(connector, row["installation"], act)
