"""`make up`: a real Kafka, a real PostgreSQL, a local issuer and every service, as one process tree."""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from counterfoil.wire.secret import Secret
from services.dev import database, demo, kafka, postgres, preflight, seed, town
from services.dev.children import Children
from services.dev.jars import ROOT
from services.dev.running import run
from services.dev.supervision import watch
from services.dev.town import MODULES, Plan
from services.dev.trouble import Trouble

PORTS = {"gateway-http": 8484, "issuer": 8485, "kafka": 8492, "kafka-controller": 8493, "postgres": 8432} | {
    role: 8500 + place for place, role in enumerate(MODULES)
}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def ports(env: Mapping[str, str]) -> dict[str, int]:
    """`COUNTERFOIL_PORT` is the gateway's; the others are `COUNTERFOIL_<NAME>_PORT`."""
    found = {}
    for name, usual in PORTS.items():
        variable = "COUNTERFOIL_PORT" if name == "gateway-http" else f"COUNTERFOIL_{name.upper().replace('-', '_')}_PORT"
        try:
            found[name] = int(env.get(variable, usual))
        except ValueError:
            raise Trouble(f"{variable} is no number", f"set it to a port, such as {usual}.") from None
    return found


async def parts(children: Children, found: Mapping[str, int], env: Mapping[str, str]) -> Plan:
    """Our own Kafka and PostgreSQL, or those that the settings name."""
    servers, dsn = env.get("COUNTERFOIL_KAFKA"), env.get("COUNTERFOIL_POSTGRES")
    place = database.place(dsn) if dsn else ("127.0.0.1", found["postgres"])
    if not dsn:
        say("PostgreSQL 18 ...")
        dsn = (await postgres.start(children, found["postgres"], say)).superuser_dsn
    if not servers:
        say("Kafka 4.3 ...")
        servers = (await kafka.start(children, found["kafka"], found["kafka-controller"], say)).servers
    return Plan(children.folder, servers, dsn, place, found, prefix=env.get("COUNTERFOIL_PREFIX", "counterfoil"))


async def up(folder: Path, env: Mapping[str, str]) -> None:
    began = time.monotonic()
    preflight.check(folder)
    found = ports(env)
    async with Children(folder) as children:
        plan = await parts(children, found, env)
        say("Topics, tables, roles, keys ...")
        await town.prepare(plan, say)
        broker = database.password()
        await demo.prepare(plan.superuser_dsn, Secret(broker))
        say("Services ...")
        await town.start(plan, children)
        await seed.sow(plan, broker)
        say(f"Up after {time.monotonic() - began:.1f} s.")
        say(card(plan))
        await watch(children, say)


def card(plan: Plan) -> str:
    """What runs where, and three commands that work as they stand."""
    exports = "" if plan.url == "http://127.0.0.1:8484" else f"  export COUNTERFOIL_URL={plan.url}\n"
    return (
        f"\nDEVELOPMENT: everything listens on this machine only, and the local issuer gives a token to whoever asks.\n\n"
        f"  gateway     {plan.url}\n  issuer      {plan.issuer}\n  Kafka       {plan.kafka}\n"
        f"  PostgreSQL  {plan.postgres[0]}:{plan.postgres[1]}\n  logs        {plan.folder / 'logs'}\n\nTry, in another terminal:\n\n{exports}"
        "  ./counterfoil get postgres/demo --scope read\n"
        "  ./counterfoil run -c postgres/demo -- psql -c 'select current_user, now()'\n"
        "  ./counterfoil audit tail\n\nCtrl-C ends everything; the data stays."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog="Settings are COUNTERFOIL_* variables: see CONTRIBUTING.md.")
    parser.add_argument("--folder", type=lambda text: Path(text).absolute(), default=ROOT / ".counterfoil", help="data, keys and logs")
    return run(up(parser.parse_args().folder, os.environ))


if __name__ == "__main__":
    sys.exit(main())
