"""Two of every service under load: one of each is killed, then several are restarted one by one. Nothing is lost, doubled or left alive.

`python -m tests.faults.replicas` kills and restarts each by itself, and prints how long that took.
"""

import asyncio
import time
from pathlib import Path

from services.dev.postgres import Postgres
from tests.faults.checker import INVARIANTS
from tests.faults.load import Load, loaded
from tests.faults.pairs import STAGES, Pairs, paired
from tests.faults.replicas import rolled, works
from tests.faults.saying import spread
from tests.support.parts import say

ANSWERS = frozenset({"credential", "timeout", "no late", "no revoked", "credential revoked"})
"""How asks may end where nothing but replicas come and go. Some lifetimes are three seconds: they may be over before the answer is there."""
TIMED = "after its deadline"
"""How late a client looked is the machine's affair here."""


async def one_of_each_dies(pairs: Pairs, load: Load) -> None:
    """In turn, each while the others before it are still away; then all come back."""
    writer = await pairs.writer()
    killed = [(role, writer if role == "audit" else 0) for role in STAGES]
    for role, number in killed:
        await pairs.kill(role, number)
        await asyncio.sleep(0.5)
    since = time.time()
    for role in ("gateway", "revoke", "revoker"):
        say(f"{role}: worked again {await works(load, role, since):.1f} s after the last of seven deaths")
    for role, number in killed:
        await pairs.start(role, number)
    for role, number in killed:
        await pairs.serving(role, number)


async def test_one_of_each_may_die_and_others_may_be_restarted(kafka: str, postgres_server: Postgres, tmp_path: Path):
    async with paired(tmp_path, kafka, postgres_server) as pairs:
        async with loaded(pairs.stand, rate=6) as load:
            await one_of_each_dies(pairs, load)
            span = await rolled(pairs, say, ("gateway", "mint", "audit"))
        rolling = load.ends(*span)
        say(f"rolling restart: {spread(rolling)}")
        _, found = await load.judged(say)

    assert {name: [text for text in found[name] if TIMED not in text] for name in INVARIANTS} == {name: [] for name in INVARIANTS}
    assert set(rolling) <= ANSWERS, rolling
    assert rolling["credential"] > 20
