"""What the ledger holds, counted now and then: what is alive, until when, and what will not die. The exporter only shows it."""

from typing import Final

from opentelemetry.metrics import Meter

from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import Gauge
from counterfoil_server.runtime.telemetry.looking import looking
from counterfoil_server.runtime.telemetry.said import provider_of

EVERY: Final = 10.0
# By the indexes of what is alive: however long the ledger, it costs as much as that. A connector of which nothing is alive shows as 0.
LIVE = """
    SELECT c.name, count(m.connector) AS live, count(*) FILTER (WHERE m.state = 'stuck') AS stuck,
        count(*) FILTER (WHERE m.state = 'uncertain') AS uncertain
    FROM connector c LEFT JOIN mint m ON m.connector = c.name AND m.state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain')
    GROUP BY c.name
"""
ENDS = """
    SELECT connector, CASE WHEN expires_at <= now() THEN 'overdue' WHEN expires_at <= now() + interval '5 minutes' THEN 'minutes'
        WHEN expires_at <= now() + interval '1 hour' THEN 'hour' WHEN expires_at <= now() + interval '1 day' THEN 'day' ELSE 'later' END AS phase,
        count(*) AS live
    FROM mint WHERE state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain') GROUP BY connector, phase
"""
OLDEST = """
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 FROM revocation
    WHERE state IN ('pending', 'inflight', 'stuck')
"""


class Figures:
    def __init__(self, db: Pool, meter: Meter) -> None:
        self._db = db
        self._live, self._ends = Gauge(meter, names.LIVE), Gauge(meter, names.BY_EXPIRATION)
        self._stuck, self._uncertain = Gauge(meter, names.STUCK), Gauge(meter, names.UNCERTAIN)
        self._oldest = Gauge(meter, names.OLDEST_UNSETTLED)

    async def run(self, every: float = EVERY) -> None:
        await looking("figures", self.turn, every)

    async def turn(self) -> None:
        rows = await self._db.fetch(LIVE)
        labels = [{names.BY_PROVIDER: provider_of(row["name"]), names.BY_CONNECTOR: row["name"]} for row in rows]
        for gauge, which in ((self._live, "live"), (self._stuck, "stuck"), (self._uncertain, "uncertain")):
            gauge.show(*((row[which], of) for row, of in zip(rows, labels, strict=True)))
        ends: dict[tuple[str, str], int] = {}
        for row in await self._db.fetch(ENDS):
            at = provider_of(row["connector"]), row["phase"]
            ends[at] = ends.get(at, 0) + row["live"]
        self._ends.show(*((many, {names.BY_PROVIDER: provider, names.BY_PHASE: phase}) for (provider, phase), many in ends.items()))
        self._oldest.show((await self._db.fetchval(OLDEST), {}))
