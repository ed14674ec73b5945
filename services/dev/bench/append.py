"""`python -m services.dev.bench.append`: how many leaves the audit log's one writer appends in a second. Nothing is shared out beyond it.

Audit's own code on a real PostgreSQL that flushes: read what the log holds of a batch's facts, make the leaves, grow the tree, sign, prove, write. No
Kafka, and no reply is sealed: replicas cannot help here, and elsewhere they can. Floor: the same bytes into a bare table, batch by batch.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

import asyncpg

from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_verified
from counterfoil.contracts.base import Topic
from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_minted import CredentialMinted, credential_id
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.log_key import LogKey
from counterfoil_server.runtime.stage import Received
from services.audit.batch import sort
from services.audit.leaves import entry
from services.audit.log import Log
from services.audit.writer import Writer
from services.dev import database, postgres
from services.dev.bench import apart
from services.dev.bench.conditions import conditions
from services.dev.bench.figures import Figure, table
from services.dev.bench.recorded import KEY, Recorder
from services.dev.bench.replay_log import BEGAN, ISSUER, registry
from services.dev.ports import free_port

NAME, ORIGIN, PARTITIONS = "bench", "bench.example/log", 4
BATCHES = (20, 60, 256)
"""Exchanges in one: as at a low load, as in a closed loop of 200, as behind."""
LEAST = 1_500
"""Exchanges a second, the most that all of it is to carry."""


def facts(count: int) -> Iterator[Sequence[Received]]:
    """The three of each exchange that ends in a credential."""
    log = Recorder(BEGAN)
    for one in registry():
        log.put(one)
    wish = {"connector": "postgres/db-1", "scopes": ["read"]}
    for number in range(count):
        at = 1 + 4 * (number % 10)
        claims = {"owner": "acme", "repository": f"acme/app-{at}", "environment": "production", "ref": "refs/heads/main", "workflow": "deploy.yml"}
        who = log.identified(ISSUER, f"repo:{number % 2000}", claims, wish, log.asked(number, wish))
        assert isinstance(who, IdentityVerified)  # noqa: S101 - its issuer is registered
        grant = log.authorized(who)
        assert isinstance(grant, GrantApproved)  # noqa: S101 - its project is linked
        yield [received(exchange_verified.TOPIC, who), received(exchange_authorized.TOPIC, grant), received(exchange_minted.TOPIC, minted(grant))]


def minted(grant: GrantApproved) -> CredentialMinted:
    same = {name: getattr(grant, name) for name in ("connector", "installation", "issuer", "sub_hash", "project", "environment", "scopes", "at")}
    return CredentialMinted.after(
        grant, **same, credential_id=credential_id(grant.asked.request_hash, 1), attempt=1,
        expires_at=grant.at + timedelta(minutes=5), token_type="N_A",  # noqa: S106 - RFC 8693's word
        revocation="name", reach="credential", epoch=1, decision_hash=digest(encode(grant)), cred_digest=digest(b"credential"), box=KEY * 6,
    )  # fmt: skip


def received(topic: Topic, fact: IdentityVerified | GrantApproved | CredentialMinted) -> Received:
    return Received(topic, fact, encode(fact), {}, 0, 0, 0)


async def appended(log: Log, batch: Sequence[Received]) -> None:
    entries = [entry(one) for one in batch]
    seen, standing = await log.known({one.fact_id for one in entries}, {one.cause.fact.asked.request_hash for one in entries})
    await log.append(sort(entries, seen, standing, BEGAN, PARTITIONS), BEGAN, BEGAN)


async def bare(owner: asyncpg.Connection, batch: Sequence[Received]) -> None:
    await owner.executemany("INSERT INTO bare VALUES ($1)", [(one.value,) for one in batch])


async def timed(owner: asyncpg.Connection, log: Log, size: int, exchanges: Sequence[Sequence[Received]]) -> list[Figure]:
    batches = [[fact for one in exchanges[at : at + size] for fact in one] for at in range(0, len(exchanges), size)]
    spent = {"log": [0.0, 0.0], "bare": [0.0, 0.0]}
    for batch in batches:  # by turns: a machine that is slower later is so for both
        for name, work in (("log", appended(log, batch)), ("bare", bare(owner, batch))):
            began, cpu = time.perf_counter(), time.process_time()
            await work
            spent[name][0] += time.perf_counter() - began
            spent[name][1] += time.process_time() - cpu
    (took, cpu), (floor, _) = spent["log"], spent["bare"]
    count = len(exchanges)
    beside = f"{3 * count / took:,.0f} leaves/s; {cpu / count * 1e6:.0f} us of the writer's CPU for each exchange"
    return [
        Figure(f"exchanges of 3 leaves, {size} in a batch", count / took, "/s", LEAST, beside=beside),
        Figure(f"floor: the same bytes into a bare table, {size}", count / floor, "/s"),
    ]  # fmt: skip


async def measured(count: int) -> list[Figure]:
    async with apart.children() as children:
        server = await postgres.start(children, free_port(), lambda _: None)
        await database.prepare(server.superuser_dsn, NAME, lambda _: "")
        owner = await asyncpg.connect(postgres.superuser_dsn(server.socket, server.port, NAME))
        await owner.execute("CREATE TABLE bare (fact bytea)")
        key = LogKey.generate(ORIGIN)
        log = Log(Writer(await asyncpg.connect(postgres.superuser_dsn(server.socket, server.port, NAME))), lambda: [key])
        made = list(facts(count * len(BATCHES)))
        found = [await timed(owner, log, size, made[place * count :][:count]) for place, size in enumerate(BATCHES)]
        await owner.close()
        return [figure for part in found for figure in part]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m services.dev.bench.append", description=__doc__)
    parser.add_argument("--exchanges", type=int, default=6_000, help="for each size of a batch")
    asked = parser.parse_args()
    about = conditions()
    found = asyncio.run(measured(asked.exchanges))
    sys.stdout.write(table(found, about) + "\n")
    return 0 if all(one.holds is not False for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
