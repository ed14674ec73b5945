"""The letters that `counterfoil dlq` is about: found, recorded, put back."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import typer

from counterfoil.cli.exits import UNAVAILABLE, say
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire.canonical import digest
from counterfoil.wire.kafka import Connection, KafkaError
from counterfoil_server.runtime import dead_letters
from counterfoil_server.runtime.dead_letters import Letter
from counterfoil_server.runtime.settings import BadSetting, connection
from counterfoil_server.runtime.store.database import prepare
from counterfoil_server.runtime.store.dead_letters import Act, Place, done
from services.ops.keys import now, on_database

T = TypeVar("T")
NOT_THERE = 3
ACTOR = Actor(issuer="urn:counterfoil:ops", sub_hash=digest(b"counterfoil dlq"), role="ops")


def lying(topic: str | None = None) -> Sequence[Letter]:
    if topic is not None and topic not in dead_letters.names():
        raise typer.BadParameter(f"one of {', '.join(dead_letters.names())}", param_hint="--topic")
    return on_kafka(lambda kafka: dead_letters.letters(kafka, [topic] if topic else dead_letters.names()))


def wanted(texts: Sequence[str]) -> Sequence[Letter]:
    """All of them, or nothing is done."""
    try:
        places = {Place.parse(text) for text in texts}
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    topics = {place.topic for place in places}
    if unknown := topics - set(dead_letters.names()):
        raise typer.BadParameter(f"there is no topic {min(unknown)}: it is one of {', '.join(dead_letters.names())}")
    found = {one.place: one for one in on_kafka(lambda kafka: dead_letters.letters(kafka, topics))}
    if missing := sorted(places - set(found)):
        say(f"counterfoil: no dead letter lies at {', '.join(map(str, missing))}: see counterfoil dlq ls")
        raise typer.Exit(NOT_THERE)
    return [found[place] for place in sorted(places)]


def noted(found: Sequence[Letter], act: Act, reason: str) -> None:
    """First the record, then the act: what was done and is not on record would be worse than the other way round."""

    async def note(db: Any) -> int:
        await prepare(db)
        async with db.transaction():
            return await done(db, [one.place for one in found], act, reason, ACTOR, now())

    on_database(note)


def on_kafka(work: Callable[[Connection], Awaitable[T]]) -> T:
    async def worked(kafka: Connection) -> T:
        return await work(kafka)

    try:
        return asyncio.run(worked(connection(os.environ)))
    except BadSetting as error:
        raise typer.BadParameter(str(error)) from None
    except (KafkaError, OSError) as error:
        say(f"counterfoil: Kafka cannot be used: {type(error).__name__}. Is it up, and may COUNTERFOIL_KAFKA_USERNAME read the graves? Run it again")
    raise typer.Exit(UNAVAILABLE)
