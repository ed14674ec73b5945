"""The audit stage on a real database, with everything around it that it does not touch: what it sends is kept, time stands still."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from counterfoil.contracts.base import Asked
from counterfoil.contracts.exchange_minted import CredentialMinted
from counterfoil.contracts.exchange_replied import Answer
from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.envelope import encode
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.receipt import check
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.stage import Out, Received
from counterfoil_server.runtime.store.database import connect
from services.audit.fence import Fence
from services.audit.handlers import Desk, routes
from services.audit.heartbeat import Progress
from services.audit.log import Log
from services.audit.tiles import complete
from services.audit.writer import writer
from tests.audit import facts

ORIGIN = "log.example/counterfoil"
CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'counterfoil-audit-writer' AND datname = current_database()"""
Hook = Callable[[Sequence[Out]], Any]


@dataclass
class House:
    """`owner` sees and changes everything; the stage itself runs as counterfoil_audit."""

    dsn: str
    owner: asyncpg.Connection
    now: datetime = facts.NOW
    log_keys: list[LogKey] = field(default_factory=lambda: [LogKey.generate(ORIGIN)])
    sent: list[Out] = field(default_factory=list)
    dead: list[tuple[Received, Exception]] = field(default_factory=list)
    hook: Hook | None = None
    ack: "asyncio.Future[None] | None" = None
    """Where a test says when the broker has the answers; else it has them at once."""
    keys: RequesterKeys = field(default_factory=lambda: RequesterKeys(lambda: 0.0))
    sealer: Sealer = field(default_factory=lambda: Sealer(lambda: 0.0))

    async def cut_the_writer(self) -> None:
        """Of this database alone: others' towns have their writers on the same server."""
        await self.owner.execute(CUT)

    async def open(self) -> None:
        self.writer = await writer(Secret(self.dsn), probe=0.02)
        self.pool = await connect(Secret(self.dsn), name="audit-test")
        self.progress = Progress(self.unread, lambda: self.now)
        self.log = Log(self.writer, lambda: self.log_keys)
        fence = Fence(self.pool, lambda: self.now)
        (self.stage,) = routes(Desk(self.log, fence, self.progress, self.sealer, 4, lambda: self.now))
        await complete(self.writer, await self.log.head())

    async def close(self) -> None:
        with suppress(asyncpg.InterfaceError):
            await self.writer.close()
        await self.pool.close()

    async def restart(self) -> None:
        await self.close()
        await self.open()

    async def unread(self) -> Sequence[tuple[str, int]]:
        return ()

    async def __call__(self, outs: Sequence[Out]) -> "asyncio.Future[Any]":
        """As the bus's Emit."""
        if self.hook is not None:
            await self.hook(outs)
        self.sent += outs
        if self.ack is not None:
            return self.ack
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

    def onward(self) -> None: ...

    def bury(self, one: Received, fault: Exception) -> None:
        self.dead.append((one, fault))

    async def run(self, *what: Any) -> list[Out]:
        """One batch of facts. Returns what it sent."""
        before = len(self.sent)
        await self.stage.on_batch([one if isinstance(one, Received) else facts.received(one) for one in what], self)
        return self.sent[before:]

    def asked(self, **fields: Any) -> Asked:
        return facts.asked(to_url(self.keys.current()).decode(), **fields)

    async def ledger(self, fact: CredentialMinted, state: str = "active") -> CredentialMinted:
        """Mint's row for it, and its connector's."""
        await self.owner.execute("INSERT INTO connector (name, revision) VALUES ($1, 1) ON CONFLICT DO NOTHING", fact.connector)
        await self.owner.execute(
            "INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class,"
            " connector, installation, project, environment, deadline, ends_by_itself, sent_at, window_closes_at, expires_at, fact)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'name', $11, 'main', $12, $13, $14, true, $14, $14, $15, $16)",
            fact.issuer, fact.sub_hash, fact.asked.request_id, fact.attempt, fact.credential_id, fact.decision_hash, fact.asked.request_hash,
            fact.asked.wish_hash, state, fact.epoch, fact.connector, fact.project, fact.environment, fact.asked.deadline, fact.expires_at,
            encode(fact),
        )  # fmt: skip
        return fact

    def opened(self, outs: Sequence[Out]) -> list[Answer]:
        """The answers among them, as their requester reads them: every receipt is checked."""
        return [self._opened(out) for out in outs if out.topic.name == "exchange.replied"]

    def _opened(self, out: Out) -> Answer:
        replied = json.loads(out.bytes())
        answer = Answer.model_validate_json(self.keys.open(from_url(replied["box"].encode()), binding.answer(replied["request_hash"])).reveal())
        if answer.leaf is not None:
            check(answer.leaf.encode(), answer.proof, [self.log_keys[-1].vkey], ORIGIN)
        return answer

    async def leaves(self) -> list[dict[str, Any]]:
        return [json.loads(row["bytes"]) for row in await self.owner.fetch("SELECT bytes FROM audit_leaf ORDER BY idx")]

    async def doomed(self, fact: CredentialMinted) -> str | None:
        """The cause for which this credential is to die."""
        cause: str | None = await self.owner.fetchval("SELECT cause FROM revocation WHERE credential_id = $1", fact.credential_id)
        return cause


def problem(answer: Answer) -> dict[str, Any]:
    assert answer.problem is not None
    return dict(answer.problem)


async def not_handed_over(house: House, fact: CredentialMinted) -> None:
    """What becomes of every credential that may not be: its leaf is given, no box, and its end is ordered."""
    (answer,) = house.opened(await house.run(fact))
    assert (problem(answer)["code"], problem(answer)["stage"]) == ("revoked", "audit")
    assert answer.box is None
    assert answer.leaf
    assert await house.doomed(fact) == "undelivered"
