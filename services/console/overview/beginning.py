"""What a new installation still lacks. The list goes away once nothing does."""

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil_server.runtime.store.database import Pool

# Each question ends at the first row it finds.
ASKED = """
    SELECT EXISTS (SELECT FROM connector) AS connector,
        EXISTS (SELECT FROM registry_entry WHERE kind = 'link') AS link,
        EXISTS (SELECT FROM mint) AS mint,
        EXISTS (SELECT FROM revocation_order) AS revoked
"""


@dataclass(frozen=True)
class Step:
    done: bool
    what: str
    path: str
    line: str


async def beginning(db: Pool) -> Sequence[Step]:
    row = await db.fetchrow(ASKED)
    steps = [
        Step(row["connector"], "Register a connector", "/connectors", "counterfoil connector add --help"),
        Step(row["link"], "Link it to a project, with a ceiling", "/links", "counterfoil link add --help"),
        Step(row["mint"], "Lend a first credential", "/live", "counterfoil get postgres/demo --scope read"),
        Step(row["revoked"], "Revoke something, and see it end", "/revoke", "counterfoil revoke --help"),
    ]
    return [] if all(step.done for step in steps) else steps
