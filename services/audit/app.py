"""The audit process: append, sign, answer."""

import asyncio
import os

from counterfoil_server.runtime.service import Runtime, Wire, Wiring, serve
from counterfoil_server.runtime.settings import Settings
from counterfoil_server.runtime.starting import told
from services.audit.fence import Fence
from services.audit.figures import Figures
from services.audit.handlers import Desk, routes
from services.audit.heartbeat import Progress, beat
from services.audit.log import Log
from services.audit.own_settings import OwnSettings
from services.audit.publishing import Publishing
from services.audit.tiles import complete
from services.audit.witnesses import Witness, outbound
from services.audit.writer import writer

ALONE = "0"
"""Whoever holds the writer's lock is the one member of its group: under a name of its own it would wait until Kafka gives up the last one's."""


def wired(settings: OwnSettings) -> Wire:
    async def wire(runtime: Runtime) -> Wiring:
        own = await writer(runtime.settings.database)
        await runtime.keys.load()  # they may have been rotated while it stood by
        log = Log(own, runtime.keys.log_keys)
        await complete(own, await log.head())
        progress = Progress(runtime.unread, runtime.now)
        desk = Desk(log, Fence(runtime.db, runtime.now), progress, runtime.keys.sealer, runtime.settings.partitions, runtime.now)
        witnesses = [Witness(url, key, outbound()) for url, key in settings.witnesses]
        publishing = Publishing(own, runtime.db, witnesses)
        return Wiring(
            stages=routes(desk),
            loops=[beat(own, progress), publishing.run(), Figures(runtime.db, runtime.telemetry.meter).run()],
            closing=[own.close],
            member=ALONE,
        )

    return wire


if __name__ == "__main__":
    with told("audit"):
        asyncio.run(serve(Settings.read(os.environ), "audit", wired(OwnSettings.read(os.environ))))
