"""`make up`: a real Kafka, a real PostgreSQL, a local issuer and every service, as one process tree."""

import argparse
import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from counterfoil.wire.kafka import KafkaError
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.migrate import Changed
from services.dev import database, demo, first, kafka, outside, postgres, preflight, seed, town
from services.dev.children import Children, together
from services.dev.jars import ROOT
from services.dev.login_link import link
from services.dev.ports import HOST
from services.dev.running import run
from services.dev.settings import Settings
from services.dev.supervision import watch
from services.dev.town import Plan
from services.dev.trouble import Say, Trouble, told

FULL = 64 * 2**20


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def clocked(began: float) -> Say:
    return lambda line: say(f"{time.monotonic() - began:6.1f} s  {line}")


async def our_kafka(settings: Settings, children: Children, progress: Say) -> str:
    """Where it is: our own, or the one that the settings name."""
    if settings.kafka:
        await outside.kafka(settings.connection())
        return settings.kafka
    progress("Kafka 4.3 ...")
    started = await kafka.start(children, settings.ports["kafka"], settings.ports["kafka-controller"], progress)
    progress("Kafka 4.3 answers")
    return started.servers


async def our_postgres(settings: Settings, children: Children, progress: Say) -> tuple[str, tuple[str, int]]:
    """The superuser's DSN, and where the services find it."""
    if settings.postgres:
        dsn = settings.postgres.text()
        await outside.postgres(dsn)
        return dsn, database.place(dsn)
    progress("PostgreSQL 18 ...")
    started = await postgres.start(children, settings.ports["postgres"], progress)
    progress("PostgreSQL 18 answers")
    return started.superuser_dsn, (HOST, started.port)


async def planned(settings: Settings, children: Children, progress: Say) -> Plan:
    log = asyncio.ensure_future(our_kafka(settings, children, progress))
    state = asyncio.ensure_future(our_postgres(settings, children, progress))
    await together(log, state)
    dsn, place = state.result()
    return Plan(children.folder, log.result(), dsn, place, settings.ports, prefix=settings.prefix, extra=handed_on(settings), sole=True)


def handed_on(settings: Settings) -> dict[str, str]:
    """What every service is told beside where things are: the console keeps everybody's spans."""
    return {**settings.kafka_access, "COUNTERFOIL_OTLP": f"http://127.0.0.1:{settings.ports['console-otlp']}"}


async def prepared(plan: Plan, broker: str, progress: Say) -> None:
    """Topics, tables, roles, keys and the demo's database: what is there already stays."""
    another = f"use that version again, or start with an empty folder (--folder; this one is {plan.folder})."
    logs = f"read the logs in {plan.folder / 'logs'}, then run the command again."
    with (
        told("the data was made by another version of Counterfoil", another, Changed),
        told("topics could not be made", logs, KafkaError),
        told("the databases could not be made ready", logs, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError),
    ):
        await town.prepare(plan, progress)
        await demo.prepare(plan.superuser_dsn, Secret(broker))
    await seed.same_issuer(plan)


async def up(folder: Path, env: Mapping[str, str]) -> None:
    for warning in preflight.check(folder):
        say(f"WARNING: {warning}")
    settings = Settings.read(env)
    try:
        async with Children(folder) as children:
            try:
                await run_in(children, settings)
            except (asyncio.CancelledError, Trouble):
                say("\nEnding everything ...")
                raise
    except (Trouble, OSError):
        preflight.disk(folder, FULL)  # where it is full, that is what has to be said
        raise


async def run_in(children: Children, settings: Settings) -> None:
    progress = clocked(time.monotonic())
    settings.need_free()
    plan, broker = await planned(settings, children, progress), database.password()
    progress("Topics, tables, roles, keys ...")
    await prepared(plan, broker, progress)
    progress("Services ...")
    await town.start(plan, children)
    await seed.sow(plan, broker)
    if await first.exchanges(plan):
        progress("Three exchanges made: granted, denied, revoked")
    progress("Up.")
    say(card(plan, link(plan.folder, plan.ports["console-http"])))
    await watch(children, say)


def card(plan: Plan, sign_in: str) -> str:
    """What runs where, and three commands that work as they stand."""
    another = ".venv/bin/python -m services.dev.login_link" + ("" if plan.folder == ROOT / ".counterfoil" else f" --folder {plan.folder}")
    exports = "" if plan.url == "http://127.0.0.1:8484" else f"  export COUNTERFOIL_URL={plan.url}\n"
    return (
        f"\nDEVELOPMENT: everything listens on this machine only, and the local issuer gives a token to whoever asks.\n\n"
        f"  console     {plan.console}\n  sign in     {sign_in}\n              (good once, for an hour; another: {another})\n\n"
        f"  gateway     {plan.url}\n  issuer      {plan.issuer}\n  Kafka       {plan.kafka}\n"
        f"  PostgreSQL  {plan.postgres[0]}:{plan.postgres[1]}\n  logs        {plan.folder / 'logs'}\n\n"
        f"Try, in another terminal, in {ROOT}:\n\n{exports}"
        "  ./counterfoil get postgres/demo --scope read\n"
        "  ./counterfoil run -c postgres/demo -- psql -c 'select current_user, now()'\n"
        "  ./counterfoil audit tail\n\nCtrl-C ends everything; the data stays."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog="Settings are COUNTERFOIL_* variables: see docs/reference/settings.md.")
    parser.add_argument("--folder", type=lambda text: Path(text).absolute(), default=ROOT / ".counterfoil", help="data, keys and logs")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it would say, we say
    return run(up(parser.parse_args().folder, os.environ))


if __name__ == "__main__":
    sys.exit(main())
