"""A process of its own that fetches jars: jgo keeps all it loads in memory, and looks into HOME, so its HOME is the folder it fills."""

import sys
import time
from pathlib import Path

from jgo.env import EnvironmentBuilder, LinkStrategy
from jgo.maven import MavenContext

# Each version is named: jgo alone would take kafka-clients 3.9.1, and the logging backend is compile-only in Kafka's own POM.
COORDINATES = (
    "org.apache.kafka:kafka_2.13:4.3.1",
    "org.apache.kafka:kafka-clients:4.3.1",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.2",
    "org.apache.logging.log4j:log4j-core:2.25.2",
)
ATTEMPTS = 3


def fetch(folder: Path) -> None:
    """Resolve and download; the jars end up flat in `folder/jars`."""
    context = MavenContext(repo_cache=folder / "maven", timeout=30)
    builder = EnvironmentBuilder(context=context, cache_dir=folder / "env", link_strategy=LinkStrategy.HARD)
    environment = builder.from_endpoint("+".join(COORDINATES))
    target = folder / "jars"
    target.mkdir(exist_ok=True)
    for jar in environment.path.rglob("*.jar"):
        jar.rename(target / jar.name)


def main(folder: Path) -> int:
    """Try again where the network failed: what has arrived is kept."""
    for attempt in range(ATTEMPTS):
        time.sleep(attempt)
        try:
            fetch(folder)
        except OSError as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        else:
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
