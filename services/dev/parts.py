"""Kafka and PostgreSQL alone, for whoever works on one service: `python -m services.dev.parts --folder FOLDER`."""

import argparse
import os
import sys
from pathlib import Path

from services.dev import kafka, postgres
from services.dev.children import Children
from services.dev.running import run


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def serve(folder: Path, kafka_port: int, controller_port: int, postgres_port: int) -> None:
    """Start both, print where they are, and keep them until somebody says stop."""
    async with Children(folder) as children:
        server = await postgres.start(children, postgres_port, say)
        node = await kafka.start(children, kafka_port, controller_port, say)
        say(f"Kafka       {node.servers}")
        say(f"PostgreSQL  {server.superuser_dsn}   (superuser; others by 127.0.0.1:{server.port})")
        say(f"Logs        {children.logs}   Ctrl-C ends both (process {os.getpid()})")
        await children.died()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=lambda text: Path(text).absolute(), required=True)
    for part, port in (("kafka", 9092), ("controller", 9093), ("postgres", 5432)):
        parser.add_argument(f"--{part}-port", type=int, default=port)
    asked = parser.parse_args()
    return run(serve(asked.folder, asked.kafka_port, asked.controller_port, asked.postgres_port))


if __name__ == "__main__":
    sys.exit(main())
