"""Leaves -> one row for each end of an exchange: the fact that ended it says how. A revocation is one more end, later. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.console.audit.leaves import Leaf
from services.console.tally.counting import ENDED, OUTCOMES

ENDS = {kind: outcome for kind, outcome in OUTCOMES.items() if outcome in ENDED}
SETTLED = {"credential.revoked": "revoked", "revocation.stuck": "stuck", "revocation.uncertain": "uncertain"}
"""They name a credential alone; of which exchange it is, the ledger knows."""
SHOWN = (*ENDED, *SETTLED.values())
TONES = {"granted": "ok", "denied": "warn", "rejected": "no", "refused": "info", "revoked": "info", "stuck": "no", "uncertain": "warn"}
NONE = "-"
Lent = Mapping[UUID, Mapping[str, Any]]
"""By credential: request_id, connector, project, environment, sub_hash, and the cause of its end."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """`took`: seconds from who asks being known to being on record; None where its first leaf is not at hand."""

    index: int
    request_id: str
    at: datetime | None
    connector: str
    project: str
    outcome: str
    code: str
    requester: str
    took: float | None = None

    @property
    def tone(self) -> str:
        return TONES[self.outcome]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty: any."""

    connector: str = ""
    outcome: str = ""
    project: str = ""

    def wants(self, one: Exchange) -> bool:
        """`project`: its name, or what its name begins with."""
        return (
            self.connector in ("", one.connector) and self.outcome in ("", one.outcome) and (not self.project or one.project.startswith(self.project))
        )


def settled(leaves: Iterable[Leaf]) -> set[UUID]:
    """The credentials that the ledger has to be asked for."""
    return {UUID(one.fact["credential_id"]) for one in leaves if one.kind in SETTLED}


Begun = dict[str, datetime | None]
"""By request: when who asks became known."""


def exchanges(leaves: Iterable[Leaf], lent: Lent | None = None, begun: Begun | None = None) -> Sequence[Exchange]:
    """`begun`: what leaves before these began, and after them what they leave open: an exchange may lie across two readings of the log."""
    leaves, known, begun = list(leaves), lent or {}, {} if begun is None else begun
    begun |= {request_hash(one): moment(one.fact.get("at")) for one in leaves if one.kind == "identity.verified"}
    found = []
    for one in leaves:
        if one.kind in ENDS and one.request_id:
            found.append(exchange(one, begun.pop(request_hash(one), None)))
        elif one.kind in SETTLED and (row := known.get(UUID(one.fact["credential_id"]))):
            place = f"{row['project']} / {row['environment']}"
            found.append(
                Exchange(one.index, str(row["request_id"]), one.at, row["connector"], place, SETTLED[one.kind], row["cause"] or "", row["sub_hash"])
            )
    return found


def exchange(one: Leaf, begun: datetime | None) -> Exchange:
    fact = one.fact
    asked: Mapping[str, object] = fact.get("asked") or {}
    place = f"{fact['project']} / {fact.get('environment')}" if fact.get("project") else NONE
    took = max(0.0, (one.at - begun).total_seconds()) if begun and one.at else None
    return Exchange(
        one.index, str(one.request_id), one.at, str(fact.get("connector") or asked.get("connector") or NONE), place, ENDS[one.kind],
        str(fact.get("code") or ""), str(fact.get("sub_hash") or NONE), took,
    )  # fmt: skip


def request_hash(one: Leaf) -> str:
    return str((one.fact.get("asked") or {}).get("request_hash"))


def moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
