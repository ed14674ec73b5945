"""One exchange in full: its facts, where its time went, what was lent, and the line that asks for the same again."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from counterfoil_server.runtime.store.database import Pool
from services.console.audit import timeline
from services.console.audit.leaves import Leaf
from services.console.live.exchanges import Exchange, exchanges, request_hash
from services.console.live.waterfall import Waterfall, of_facts, of_spans
from services.console.spans.store import of_request

CREDENTIALS = """SELECT credential_id, state, expires_at, class, traceparent FROM mint WHERE request_hash = $1 ORDER BY attempt DESC LIMIT 5"""
"""By the hash: of an id alone the ledger has no index."""

COMING = timedelta(seconds=15)
"""A process sends its spans every five seconds, each on its own: a tree has all its branches some time after its first."""


@dataclass(frozen=True, slots=True)
class InFull:
    """`chosen`: the hash of this one's request. `others`: those of other exchanges under the same id, which is the caller's own choice."""

    request_id: UUID
    leaves: Sequence[Leaf]
    one: Exchange | None
    facts: Mapping[str, dict[str, Any]]
    waterfall: Waterfall
    credentials: Sequence[Any]
    trace_id: str | None
    line: str
    chosen: str
    others: Sequence[str]

    def young(self, now: datetime) -> bool:
        """Whether spans of it may still be on their way."""
        return any(one.at is not None and now - one.at < COMING for one in self.leaves)


async def in_full(db: Pool, request_id: UUID, wanted: str = "") -> InFull | None:
    """`wanted`: the hash of the request, where there are several; the last one otherwise."""
    leaves = [step.leaf for step in await timeline.about(db, request_id)]
    hashes = list(dict.fromkeys(request_hash(one) for one in leaves if one.request_id == str(request_id)))
    if not hashes:
        return None
    chosen = wanted if wanted in hashes else hashes[-1]
    credentials = await db.fetch(CREDENTIALS, chosen)
    names = {str(row["credential_id"]) for row in credentials}
    own = [one for one in leaves if one.request_id and request_hash(one) == chosen]
    ends = [one for one in leaves if not one.request_id and str(one.fact.get("credential_id")) in names]
    spans = await of_request(db, request_id) if len(hashes) == 1 else []  # they are found by the id, which is not this one's alone
    ended = exchanges(own)
    trace_id = spans[0].trace_id.hex() if spans else next((traced(row["traceparent"]) for row in credentials), None)
    return InFull(
        request_id, [*own, *ends], ended[-1] if ended else None, {one.kind: one.fact for one in own}, of_spans(spans) if spans else of_facts(own),
        credentials, trace_id, command(own), chosen, [one for one in hashes if one != chosen],
    )  # fmt: skip


def traced(traceparent: str | None) -> str | None:
    """The trace, where it was sampled: elsewhere there would be nothing to see of it."""
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) == 4 and parts[3][-1:] in "13579bdf" else None


def command(leaves: Sequence[Leaf]) -> str:
    """The same request as a line of the command line; whoever runs it asks as themselves."""
    wish: dict[str, Any] = next((one.fact["wish"] for one in leaves if isinstance(one.fact.get("wish"), dict)), {})
    if not wish.get("connector"):
        return ""
    parts = ["counterfoil", "get", str(wish["connector"])]
    parts += [part for scope in wish.get("scopes") or () for part in ("--scope", str(scope))]
    parts += [part for detail in wish.get("details") or () for part in ("--detail", json.dumps(detail))]
    parts += ["--lifetime", str(wish["lifetime"])] if wish.get("lifetime") else []
    parts += ["--installation", str(wish["installation"])] if wish.get("installation") else []
    line = shlex.join(parts)
    return line if line.isprintable() else ""  # it will be pasted into a terminal
