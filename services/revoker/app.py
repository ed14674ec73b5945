"""The revocation propagator."""

import asyncio
import os

from counterfoil_server.runtime.service import Runtime, Wiring, serve
from counterfoil_server.runtime.settings import Settings
from counterfoil_server.runtime.starting import told
from services.revoker.figures import Figures
from services.revoker.handlers import Sweep, routes
from services.revoker.orders import Orders


async def wire(runtime: Runtime) -> Wiring:
    orders = Orders(runtime.db)
    return Wiring(stages=routes(orders), loops=[Sweep(orders, runtime.now).run(runtime.emit), Figures(runtime.db, runtime.telemetry.meter).run()])


if __name__ == "__main__":
    with told("revoker"):
        asyncio.run(serve(Settings.read(os.environ), "revoker", wire))
