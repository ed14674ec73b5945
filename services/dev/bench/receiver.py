"""`python -m services.dev.bench.receiver`: how many spans a second the console's receiver keeps, from the socket to PostgreSQL, on one core.

Senders post what the SDK's BatchSpanProcessor does, 512 spans at a time, over a few connections and as fast as they are answered. The receiver is a
process of its own, with nothing else of the console in it; what counts is the spans that are in the table at the end, by its CPU time.
With `--serve PORT` it is that process, and COUNTERFOIL_DATABASE its database.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import health
from counterfoil_server.runtime.service import settle, utc_now
from counterfoil_server.runtime.settings import database as dsn_of
from counterfoil_server.runtime.store.database import connect
from counterfoil_server.runtime.telemetry import names
from services.console.spans.decoding import message, rows
from services.console.spans.latest import Latest
from services.console.spans.receiver import PROTOBUF, Receiver
from services.console.spans.store import Spans
from services.dev import database, postgres
from services.dev.bench import apart, processes
from services.dev.bench.conditions import conditions
from services.dev.bench.figures import Figure, table
from services.dev.jars import ROOT
from services.dev.ports import HOST, free_port
from services.dev.spawn import Command

NAME, BATCH, CONNECTIONS = "bench", 512, 4
TARGET = 10_000


async def serve(port: int) -> None:
    db = await connect(dsn_of(os.environ), name="bench")
    spans = Spans(db, utc_now)
    await spans.days()
    server = health.server(Receiver(spans, Latest(utc_now), None).app(), HOST, port)
    settle()
    await asyncio.gather(server.serve(), spans.write())


def body() -> bytes:
    """Spans as the bus makes them."""
    request, begun = ExportTraceServiceRequest(), int(datetime.now(UTC).timestamp() * 1e9)
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "counterfoil-policy"
    scope = resource.scope_spans.add()
    for number in range(BATCH):
        one = {"trace_id": uuid4().bytes, "span_id": uuid4().bytes[:8], "parent_span_id": uuid4().bytes[:8]}
        span = scope.spans.add(**one, name="process exchange.verified", kind=5)
        span.start_time_unix_nano, span.end_time_unix_nano = begun + number * 1000, begun + number * 1000 + 4_000_000
        texts = {names.SYSTEM: "kafka", names.OPERATION: "process", names.OPERATION_TYPE: "process", names.DESTINATION: "exchange.verified.v1",
                 names.GROUP: "policy", names.PARTITION: "3", names.KIND: "grant.approved", names.CONVERSATION: str(uuid4())}  # fmt: skip
        for key, text in texts.items():
            span.attributes.add(key=key).value.string_value = text
        span.attributes.add(key=names.OFFSET).value.int_value = number
        span.attributes.add(key=names.QUEUE_SECONDS).value.double_value = 0.004
        span.links.add(trace_id=span.trace_id, span_id=span.parent_span_id)
    return bytes(request.SerializeToString())


def decoded(one: bytes, times: int) -> float:
    """Spans a second of one core that only reads them."""
    began = time.process_time()
    for _ in range(times):
        assert all(rows(message(one)))  # noqa: S101 - each is looked at
    return times * BATCH / (time.process_time() - began)


async def measured(seconds: float) -> list[Figure]:
    async with apart.children() as children:
        server = await postgres.start(children, free_port(), lambda _: None)
        word = database.password()
        await database.prepare(server.superuser_dsn, NAME, lambda _: word)
        dsn, port = database.role_dsns(HOST, server.port, NAME, lambda _: word)["console"], free_port()
        argv = (sys.executable, "-m", "services.dev.bench.receiver", "--serve", str(port))
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", headers={"Content-Type": PROTOBUF}, timeout=30, trust_env=False) as http:

            async def ready() -> bool:
                try:
                    return (await http.post("/v1/traces")).is_success
                except httpx.HTTPError:
                    return False

            command = Command("receiver", argv, env={"PATH": os.environ["PATH"], "COUNTERFOIL_DATABASE": dsn}, cwd=ROOT)
            child = await children.start(command, ready)
            return await flood(http, child.process.pid, Secret(postgres.superuser_dsn(server.socket, server.port, NAME)), seconds)


async def flood(http: httpx.AsyncClient, pid: int, dsn: Secret, seconds: float) -> list[Figure]:
    owner, bodies = await asyncpg.connect(dsn.text()), [body() for _ in range(8)]
    floor, until, sent = decoded(bodies[0], 40), time.monotonic() + seconds, [0] * CONNECTIONS

    async def sender(number: int) -> None:
        while time.monotonic() < until:
            (await http.post("/v1/traces", content=bodies[(number + sent[number]) % len(bodies)])).raise_for_status()
            sent[number] += 1

    before, began = processes.cpu({"receiver": pid})["receiver"], time.monotonic()
    await asyncio.gather(*map(sender, range(CONNECTIONS)))
    kept = await settled(owner)
    cpu, took = processes.cpu({"receiver": pid})["receiver"] - before, time.monotonic() - began
    rss, offered = processes.memory({"receiver": pid})["receiver"], sum(sent) * BATCH
    await owner.close()
    return [
        Figure("spans kept, by the receiver's CPU time", kept / cpu, "a second and core", least=TARGET, beside=f"{kept:,} kept of {offered:,} sent"),
        Figure("spans kept, by the clock", kept / took, "a second", beside="senders and PostgreSQL on the same machine"),
        Figure("spans read and not kept (floor)", floor, "a second and core", beside=f"{BATCH} in a body, {len(bodies[0]) // BATCH} bytes each"),
        Figure("resident memory of the receiver", rss / 2**20, "MB"),
    ]


async def settled(owner: asyncpg.Connection) -> int:
    """How many there are, once there are no more than a moment ago."""
    last, found = -1, 0
    while found != last:
        await asyncio.sleep(0.3)
        last, found = found, await owner.fetchval("SELECT count(*) FROM span")
    return found


def main(given: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.dev.bench.receiver", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args(None if given is None else list(given))
    if asked.serve:
        asyncio.run(serve(asked.serve))
        return 0
    found = asyncio.run(measured(asked.seconds))
    sys.stdout.write(table(found, conditions()) + "\n")
    return 1 if any(one.holds is False for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
