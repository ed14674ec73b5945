"""The gateway: the HTTP door, and the reader of the replies behind it, in one process."""

import asyncio
import os
import time
from typing import Any

from counterfoil.contracts import exchange_replied
from counterfoil.contracts.base import ReplyTo
from counterfoil.wire.kafka import Listener, Publisher
from counterfoil.wire.outbox import Outbox
from counterfoil.wire.requester import RequesterKeys
from counterfoil_server.runtime import health
from counterfoil_server.runtime.service import Runtime, Wire, Wiring, serve
from counterfoil_server.runtime.settings import Settings
from services.gateway.asker import Asker
from services.gateway.handed import Handed
from services.gateway.listening import Listening, behind_a_door
from services.gateway.own_settings import OwnSettings
from services.gateway.pulse import Pulse
from services.gateway.replies import Replies
from services.gateway.routes import routes
from services.gateway.standing import Standing
from services.gateway.token_door import TokenDoor
from services.gateway.tracing import Tracing
from services.gateway.undelivered import Undelivered
from services.gateway.waiting import Waiting
from services.gateway.wellknown import WellKnown


def wired(own: OwnSettings) -> Wire:
    async def wire(runtime: Runtime) -> Wiring:
        kafka, base = runtime.settings.kafka, runtime.settings.audience.rstrip("/")
        publisher = Publisher(kafka)
        await publisher.start()
        requester, outbox = RequesterKeys(time.monotonic), Outbox(publisher)
        handed = Handed(runtime.db, own.instance, own.partition)
        undelivered = Undelivered(runtime.db, handed)
        waiting = Waiting(handed, undelivered)
        replies = Replies(own.instance, waiting, handed, requester, runtime.keys, Standing(runtime.db), runtime.telemetry, runtime.now)
        listener = Listener(kafka, kafka.topic(exchange_replied.TOPIC), own.partition)
        listening = Listening(listener, replies, handed, undelivered)
        await listening.start()
        reply_to = ReplyTo(partition=own.partition, instance=own.instance)
        asker = Asker(kafka, runtime.keys, requester, outbox, reply_to, own.patience, runtime.now)
        token = TokenDoor(asker, waiting, Pulse(runtime.db), Tracing(runtime.telemetry, development=runtime.settings.development), base)
        server = health.server(routes(base, token, wellknown(own, runtime, base)), own.host, own.port)
        return Wiring(
            loops=[behind_a_door(server, listening.run), handed.keep(), undelivered.run()],
            closing=[listening.stop, outbox.stop, publisher.stop],
            listeners=[listener],
        )

    return wire


def wellknown(own: OwnSettings, runtime: Runtime, base: str) -> WellKnown:
    """In development it says where everything is: nothing there is worth hiding from who is on this machine."""
    settings = runtime.settings
    more: dict[str, Any] = {}
    if settings.development and own.first_admin:
        more["development"] = {"issuer": own.first_admin[0], "operator": own.first_admin[1]}
    if settings.development and not settings.kafka.username:
        more["kafka"] = {"servers": settings.kafka.servers}
    return WellKnown(base, settings.audience, own.origin, settings.kafka.prefix, settings.partitions, runtime.keys, more)


if __name__ == "__main__":
    common = Settings.read(os.environ)
    asyncio.run(serve(common, "gateway", wired(OwnSettings.read(os.environ, common))))
