"""How old the key sets are that tokens are checked by."""

from opentelemetry.metrics import Meter

from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import Gauge
from counterfoil_server.runtime.telemetry.looking import looking
from counterfoil_server.runtime.tokens.jwks import Jwks

EVERY = 5.0


async def aging(jwks: Jwks, meter: Meter, every: float = EVERY) -> None:
    gauge = Gauge(meter, names.JWKS_AGE)

    async def turn() -> None:
        oldest = jwks.oldest()
        gauge.show(*([] if oldest is None else [(oldest, {})]))

    await looking("key sets", turn, every)
