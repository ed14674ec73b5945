"""Where the time of an exchange went: bars of waiting and of work, from spans, or from its facts where it was not sampled. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from counterfoil_server.runtime.telemetry import names
from services.console.audit.leaves import Leaf
from services.console.spans.decoding import Row

LEAST = 0.15
"""Per cent of the width: what is shorter could not be seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Offsets and widths in per cent of the whole; times in seconds."""

    name: str
    service: str
    depth: int
    queued_at: float
    queued: float
    worked_at: float
    worked: float
    queue_seconds: float
    work_seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Waterfall:
    bars: Sequence[Bar]
    seconds: float
    sampled: bool


@dataclass(frozen=True, slots=True)
class Piece:
    name: str
    service: str
    depth: int
    started: datetime
    queue: float
    work: float
    note: str = ""

    @property
    def first(self) -> datetime:
        return self.started - timedelta(seconds=self.queue)


def drawn(pieces: Sequence[Piece], *, sampled: bool) -> Waterfall:
    if not pieces:
        return Waterfall((), 0.0, sampled)
    begin = min(one.first for one in pieces)
    whole = max((one.started - begin).total_seconds() + one.work for one in pieces) or 1e-6

    def bar(one: Piece) -> Bar:
        at, start = (one.first - begin).total_seconds(), (one.started - begin).total_seconds()
        return Bar(
            one.name, one.service, one.depth, cent(at, whole), cent(one.queue, whole) if one.queue else 0.0, cent(start, whole),
            max(LEAST, cent(one.work, whole)), one.queue, one.work, one.note,
        )  # fmt: skip

    return Waterfall([bar(one) for one in pieces], whole, sampled)


def cent(part: float, whole: float) -> float:
    return round(min(100.0, 100 * part / whole), 3)


def of_spans(rows: Sequence[Row]) -> Waterfall:
    """As the tree has them: each below its parent, brothers in order of time. A send is a moment, and stands for nothing that takes time."""
    known = {row.span_id: row for row in rows}
    children: dict[bytes | None, list[Row]] = {}
    for row in rows:
        children.setdefault(row.parent_id if row.parent_id in known else None, []).append(row)
    return drawn(list(walked(children, None, 0)), sampled=True)


def walked(children: dict[bytes | None, list[Row]], parent: bytes | None, depth: int) -> Iterable[Piece]:
    for row in sorted(children.get(parent, []), key=lambda one: one.started):
        send = row.name.startswith("send ")
        if not send:
            queue = row.attributes.get(names.QUEUE_SECONDS, 0.0)
            note = row.attributes.get(names.CODE) or row.attributes.get(names.DECISION) or row.attributes.get(names.OUTCOME) or ""
            yield Piece(row.name, row.service, depth, row.started, float(queue) if isinstance(queue, int | float) else 0.0, row.seconds, str(note))
        yield from walked({**children, parent: []}, row.span_id, depth if send else depth + 1)


def of_facts(leaves: Sequence[Leaf]) -> Waterfall:
    """From when each fact was made to when it was on record: what an exchange that was not sampled leaves behind."""
    pieces = []
    for one in leaves:
        made = moment(one.fact.get("at"))
        if made is not None and one.at is not None:
            pieces.append(Piece(one.words, one.kind, 0, made, 0.0, max(0.0, (one.at - made).total_seconds()), one.outcome))
    return drawn(pieces, sampled=False)


def moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
