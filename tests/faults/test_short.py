"""A handful of crash points and kills, under load and a provider that faults: nothing is violated. `make faults` tries them all."""

from collections.abc import Sequence
from pathlib import Path

from services.dev.postgres import Postgres
from tests.faults.checker import INVARIANTS
from tests.faults.guards import TIMED
from tests.faults.habits import LONGEST, Habits
from tests.faults.stand import stood
from tests.faults.trial import trial
from tests.support.parts import say

POINTS: Sequence[str] = ("mint.answered", "mint.swapped", "audit.appended", "revoke.called")
QUICK = Habits(lifetimes=(3, 50))
"""What is lent is over at once, or long after: its end is not waited for."""


async def test_deaths_at_the_worst_moments_violate_nothing(kafka: str, postgres_server: Postgres, tmp_path: Path):
    async with stood(tmp_path, kafka, postgres_server) as stand:
        outcome = await trial(stand, POINTS, 0, say, rate=6, habits=QUICK, thorough=False)

    assert {name: [text for text in outcome.violations[name] if TIMED not in text] for name in INVARIANTS} == {name: [] for name in INVARIANTS}
    assert set(outcome.deaths) == set(POINTS)
    assert outcome.counts["minted at the provider"] > 10
    assert {met.partition(":")[0] for met in outcome.met} == set(LONGEST)
    assert any(end.startswith("credential") for end in outcome.ends)
