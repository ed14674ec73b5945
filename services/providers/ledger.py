"""The ledger, as mint writes it: intents before the call, the swap after it. Each is one transaction for all that are ready."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from counterfoil.contracts.exchange_minted import MintRefused
from counterfoil_server.domain import intent
from counterfoil_server.domain.intent import Refuse, Repeat, Standing
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.store.database import Connection, Pool
from services.providers import limiting
from services.providers.fence import Fence, Read
from services.providers.ledger_rows import Finished, activate, end, insert, keep_for_revoking, rows_of, spend
from services.providers.wanted import Intent, Wanted

LONGEST_CALL = timedelta(seconds=3)
GRACE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """A call that said no, or nothing. `lost`: it may have happened after all, and then handle and second seal may be known."""

    intent: Intent
    said: MintRefused
    fact: bytes = field(repr=False)
    lost: bool
    handle: dict[str, object] | None = None
    seal_2: bytes | None = field(default=None, repr=False)


class Ledger:
    def __init__(self, pool: Pool) -> None:
        self._pool, self._fence = pool, Fence(pool)

    async def intend(self, wanted: Sequence[Wanted], now: datetime) -> list[Intent | Repeat | Refuse]:
        """In the order given. No two of `wanted` may have the same key."""
        names = [one.grant.connector for one in wanted]
        crash.at("mint.intending")
        async with self._pool.acquire() as db, self._fence.hold(db, names) as read:
            verdicts = await self._decide(db, wanted, read, now)
            begun = [one for one in verdicts if isinstance(one, Intent)]
            written = await insert(db, begun) if begun else set()
            refused = [one for one in verdicts if isinstance(one, Refuse)]
            if over := [one.end for one in refused if one.end and not one.unfinished]:
                await end(db, over, "superseded")
            if interrupted := [one.end for one in refused if one.end and one.unfinished]:
                await end(db, interrupted, "orphan", after=LONGEST_CALL + GRACE)
        if begun:
            crash.at("mint.intent_committed")
        return [
            Refuse("in_progress", "another process mints this request") if isinstance(one, Intent) and one.credential_id not in written else one
            for one in verdicts
        ]

    async def _decide(self, db: Connection, wanted: Sequence[Wanted], read: Read, now: datetime) -> list[Intent | Repeat | Refuse]:
        earlier, spent = await rows_of(db, wanted), await spend(db, wanted)
        limited = [one for one in wanted if one.caps]
        tally = await limiting.tally(
            db, (cap for one in limited for cap in one.caps), await self._fence.ids(one.grant.connector for one in limited), read.clock
        )
        verdicts: list[Intent | Repeat | Refuse] = []
        abandoned = []
        for one in wanted:
            row = read.connectors.get(one.grant.connector)
            if row is None:
                verdicts.append(Refuse("unknown_connector", "the registry has no such connector"))
                continue
            standing = Standing(
                row["state"],
                row["epoch"],
                row["revision"],
                read.blocked(one.grant),
                read.audit_at,
                read.audit_caught_up,
                read.clock,
                spent.get(one.who.token_use.digest) if one.who.token_use else None,
                earlier.get(one.key, ()),
                tally.reached(one.caps),
            )
            verdict = intent.decide(one.grant, one.oldest_revision, standing, now, by_name=one.by_name)
            if isinstance(verdict, intent.Mint):
                abandoned += [verdict.abandon] if verdict.abandon else []
                closes = min(now + min(LONGEST_CALL, one.provider.window), one.grant.asked.deadline)
                expires = now + timedelta(seconds=one.grant.lifetime)
                verdicts.append(Intent(one, verdict.attempt, row["epoch"], now, closes, expires))
                tally.add(one.caps, expires)
            else:
                verdicts.append(verdict)
        if abandoned:
            await end(db, abandoned, "orphan", after=LONGEST_CALL + GRACE)
        return verdicts

    async def swap(self, finished: Sequence[Finished]) -> set[UUID]:
        """minting -> active, where attempt, epoch and fence still hold. What is not in the answer is not ours: its end is ordered here."""
        grants = [one.intent.wanted.grant for one in finished]
        names = [grant.connector for grant in grants]
        async with self._pool.acquire() as db, self._fence.hold(db, names) as read:
            holding = [one for one in finished if read.holds(one.intent.wanted.grant, one.intent.epoch, one.intent.sent_at)]
            held = await activate(db, holding) if holding else set()
            lost = [one for one in finished if one.intent.credential_id not in held]
            if lost:
                crash.at("mint.swap_lost")
                await keep_for_revoking(db, [(one.intent.credential_id, one.minted.handle, one.seal_2) for one in lost])
                await end(db, [one.intent.credential_id for one in lost], "orphan")
        return held

    async def fail(self, failed: Sequence[Failed]) -> None:
        """A sure no is over. What is in hand ends at once; where it may have happened the end is ordered for when the window has closed."""
        async with self._pool.acquire() as db, db.transaction():
            await db.execute(
                "UPDATE mint SET state = 'failed', fact = f.fact FROM unnest($1::uuid[], $2::bytea[]) AS f(id, fact) "
                "WHERE credential_id = f.id AND state = 'minting'",
                [one.intent.credential_id for one in failed],
                [one.fact for one in failed],
            )
            if lost := [one for one in failed if one.lost]:
                await keep_for_revoking(db, [(one.intent.credential_id, one.handle, one.seal_2) for one in lost])
                if held := [one.intent.credential_id for one in lost if one.handle is not None]:
                    await end(db, held, "orphan")
                if unseen := [one.intent.credential_id for one in lost if one.handle is None]:
                    await end(db, unseen, "orphan", after=LONGEST_CALL + GRACE)
