"""The gateway: the HTTP door, and the readers of replies and endings behind it, in one process."""

import asyncio
import os
import time
from typing import Any

from counterfoil.contracts import consent_settled, exchange_replied, revocation_settled
from counterfoil.contracts.base import ReplyTo
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire.kafka import Listener, Publisher
from counterfoil.wire.outbox import Outbox
from counterfoil.wire.requester import RequesterKeys
from counterfoil_server.runtime import health
from counterfoil_server.runtime.outbound import careful
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Runtime, Wire, Wiring, serve
from counterfoil_server.runtime.settings import Settings
from counterfoil_server.runtime.starting import told
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.hint import Hint
from counterfoil_server.runtime.subjects import sub_hash
from counterfoil_server.runtime.tokens.aging import aging
from counterfoil_server.runtime.tokens.jwks import Jwks
from services.gateway.asker import Asker
from services.gateway.building import Shared, doors
from services.gateway.catalog import Catalog
from services.gateway.handed import Handed
from services.gateway.limits import Limited
from services.gateway.listening import Listening, behind_a_door, endings
from services.gateway.own_settings import OwnSettings
from services.gateway.permits import CedarPermits
from services.gateway.relay import Relay
from services.gateway.replies import Replies
from services.gateway.routes import routes
from services.gateway.settled import Settled, consents
from services.gateway.standing import Standing
from services.gateway.undelivered import Undelivered
from services.gateway.waiting import Waiting


def wired(own: OwnSettings) -> Wire:
    async def wire(runtime: Runtime) -> Wiring:
        settings, db, kafka = runtime.settings, runtime.db, runtime.settings.kafka
        registry = await opened_registry(own, runtime)
        publisher = Publisher(kafka)
        await publisher.start()
        requester, outbox, settled, consented = RequesterKeys(time.monotonic), Outbox(publisher), Settled(), consents()
        handed = Handed(db, own.instance, own.partition)
        undelivered = Undelivered(db, handed)
        waiting = Waiting(handed, undelivered)
        replies = Replies(own.instance, waiting, handed, requester, runtime.keys, Standing(db), runtime.telemetry, runtime.now)
        listener = Listener(kafka, kafka.topic(exchange_replied.TOPIC), own.partition)
        listening = Listening(listener, replies, handed, undelivered)
        await listening.start()
        ends, agreed = Listener(kafka, kafka.topic(revocation_settled.TOPIC), None), Listener(kafka, kafka.topic(consent_settled.TOPIC), None)
        await asyncio.gather(ends.start(), agreed.start())
        reply_to = ReplyTo(partition=own.partition, instance=own.instance)
        asker = Asker(kafka, runtime.keys, requester, outbox, reply_to, own.patience, runtime.now)
        jwks = Jwks(careful(development=settings.development))
        shared = Shared(
            settings.audience, db, runtime.keys, runtime.telemetry, runtime.now, registry, jwks,
            CedarPermits(registry), asker, waiting, settled, consented, runtime.emit, public(own, settings), settings.development,
            Catalog.read(own.extra_providers), own.console,
        )  # fmt: skip
        relay = Relay(db, runtime.emit, Hint(settings.database, "registry"), Hint(settings.database, "revocation"))
        server = health.server(routes(doors(shared)), own.host, own.port, "COUNTERFOIL_PORT")
        server.config.http = Limited
        return Wiring(
            loops=[
                behind_a_door(server, listening.run),
                *(handed.keep(), undelivered.run(), registry.run(), relay.run(), aging(jwks, runtime.telemetry.meter)),
                *(endings(ends, settled), endings(agreed, consented)),
            ],
            closing=[listening.stop, ends.stop, agreed.stop, outbox.stop, publisher.stop],
            listeners=[listener, ends, agreed],
            publishers=[publisher],
        )

    return wire


async def opened_registry(own: OwnSettings, runtime: Runtime) -> Registry:
    """Revision 1 is the first admin, where the environment names one and nobody was there before."""
    if own.first_admin is not None:
        issuer, subject = own.first_admin
        actor = Actor(issuer=issuer, sub_hash=sub_hash(runtime.keys.shared("subject"), issuer, subject), role="gateway")
        await registry_rows.first_admin(runtime.db, issuer, subject, actor, runtime.now())
    registry = Registry(runtime.db, runtime.settings.database)
    await registry.load()
    return registry


def public(own: OwnSettings, settings: Settings) -> dict[str, Any]:
    """In development it says where everything is: nothing there is worth hiding from who is on this machine."""
    found: dict[str, Any] = {"audience": settings.audience, "topics_prefix": settings.kafka.prefix, "partitions": settings.partitions}
    if own.origin:
        found["origin"] = own.origin
    if settings.development and own.first_admin:
        found["development"] = {"issuer": own.first_admin[0], "operator": own.first_admin[1]}
    if settings.development and not settings.kafka.username:
        found["kafka"] = {"servers": settings.kafka.servers}
    return found


if __name__ == "__main__":
    with told("gateway"):
        common = Settings.read(os.environ)
        asyncio.run(serve(common, "gateway", wired(OwnSettings.read(os.environ, common))))
