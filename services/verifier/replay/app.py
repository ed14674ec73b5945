"""Verify, replayed within a verifier process: its settings, its keys, its database role. It joins no group, sends nothing, writes nothing."""

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from counterfoil.contracts import exchange_requested, exchange_verified
from counterfoil.wire.kafka import KafkaError
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.outbound import careful
from counterfoil_server.runtime.recorded import Bound, Message, Span, side_by_side
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import database
from counterfoil_server.runtime.settings import Settings
from counterfoil_server.runtime.starting import Unusable, told
from counterfoil_server.runtime.tokens.jwks import Jwks
from services.verifier.replay.compare import Replay
from services.verifier.replay.record import from_export
from services.verifier.replay.tally import Tally
from services.verifier.tokens import Tokens

AGO = re.compile(r"(\d{1,6})([smhd])")
INTERRUPTED = 130
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
EXAMPLES = """examples:
  python -m services.verifier.replay --from 2h
  python -m services.verifier.replay --from 2h --record audit.jsonl -o json

The record is exchange.verified, where this principal may read it; else an export: counterfoil audit export.
Exit code 1: something differs."""


def run(arguments: Sequence[str]) -> None:
    given = parser().parse_args(arguments)
    try:
        with told("verifier"):
            tally = asyncio.run(replayed(Settings.read(os.environ), Span(given.first, given.last), given.record))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    text = json.dumps(tally.document(), indent=2, ensure_ascii=False) if given.output == "json" else "\n".join(tally.lines())
    sys.stdout.write(f"{text}\n")
    sys.exit(1 if tally.different else 0)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        "python -m services.verifier.replay", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--from", dest="first", type=bound, help="an offset, of each partition; or a time: 2h ago is 2h, or 2026-10-01T12:00Z")
    found.add_argument("--to", dest="last", type=bound, help="up to this offset or time")
    found.add_argument("--record", type=Path, help="an export of the audit log, beside which recorded tokens are held")
    found.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return found


def bound(text: str) -> Bound:
    """Raises ValueError, which argparse tells."""
    if text.isdecimal():
        return int(text)
    if ago := AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def replayed(settings: Settings, span: Span, record: Path | None) -> Tally:
    db = await database(settings, "verifier-replay")
    try:
        keys, registry = KeyRing(db, settings.keys, "verifier"), Registry(db, settings.database)
        await keys.load()
        await registry.load()
        tokens = Tokens(keys, registry, Jwks(careful(development=settings.development)), settings.audience)
        replay = Replay(tokens, settings.partitions, known=from_export(record) if record else None)
        try:
            return await replay.run(messages(settings, span, topics=record is None))
        except KafkaError as error:
            raise Unusable("exchange.requested, or without --record exchange.verified,", "its principal", error) from None
    finally:
        await asyncio.wait_for(db.close(), 5)


async def messages(settings: Settings, span: Span, *, topics: bool) -> AsyncIterator[Message]:
    spans = {exchange_requested.TOPIC: span}
    if topics:
        spans[exchange_verified.TOPIC] = Span(None if isinstance(span.first, int) else span.first, None)
    async for one in side_by_side(settings.kafka, spans):
        yield one
