"""How old root secrets are. No provider tells when one of its own ends, so that is what there is to go by."""

from typing import Final

from opentelemetry.metrics import Meter

from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import Gauge
from counterfoil_server.runtime.telemetry.looking import looking
from counterfoil_server.runtime.telemetry.said import provider_of

EVERY: Final = 10.0
# Of each field its newest version counts, and of a connector the field that was changed longest ago.
AGES = """
    SELECT connector, extract(epoch FROM clock_timestamp() - min(newest))::float8 AS age
    FROM (SELECT connector, max(at) AS newest FROM root_secret GROUP BY connector, installation, field) AS fields GROUP BY connector
"""


async def ages(db: Pool, meter: Meter, every: float = EVERY) -> None:
    gauge = Gauge(meter, names.SECRET_AGE)

    async def turn() -> None:
        rows = await db.fetch(AGES)
        gauge.show(*((row["age"], {names.BY_PROVIDER: provider_of(row["connector"]), names.BY_CONNECTOR: row["connector"]}) for row in rows))

    await looking("root secrets", turn, every)
