"""The embedded Kafka: a real node that keeps its data, whatever ended the last run."""

import signal
import socket
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from services.dev import kafka as embedded
from services.dev import pids
from services.dev.children import Children
from services.dev.ports import HOST, free_port
from services.dev.trouble import Trouble
from tests.support.parts import say
from tests.support.runs import pid_in, run

pytestmark = pytest.mark.real
MOST_MEMORY = 350 * 1024


async def write(servers: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value)


async def read(servers: str, topic: str) -> bytes:
    async with AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        record = await consumer.getone()
    return bytes(record.value)


async def make_topic(servers: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    await admin.close()


def resident(pid: int) -> int:
    """In KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


async def test_a_record_comes_back(kafka: str):
    await make_topic(kafka, "there-and-back")

    await write(kafka, "there-and-back", b"hello")

    assert await read(kafka, "there-and-back") == b"hello"


async def test_topics_are_not_made_by_a_typing_error(kafka: str):
    async with AIOKafkaProducer(bootstrap_servers=kafka, request_timeout_ms=2_000, metadata_max_age_ms=500) as producer:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.send_and_wait("nobody-made-this", b"x")


async def test_data_survives_a_restart_on_other_ports(tmp_path: Path):
    async with Children(tmp_path) as children:
        node = await embedded.start(children, free_port(), free_port(), say)
        await make_topic(node.servers, "kept")
        await write(node.servers, "kept", b"still here")

    async with Children(tmp_path) as children:
        node = await embedded.start(children, free_port(), free_port(), say)

        assert await read(node.servers, "kept") == b"still here"


async def test_a_node_that_has_just_started_is_small(children: Children, kafka: str):
    assert kafka
    assert resident(pid_in(children.folder, "kafka")) <= MOST_MEMORY


async def test_a_taken_port_is_told_before_java_starts(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with Children(tmp_path) as children:
            with pytest.raises(Trouble, match=f"port {port}"):
                await embedded.start(children, free_port(), port, say)

            assert list(children.logs.iterdir()) == []


async def test_a_killed_run_does_not_stop_the_next_and_loses_nothing(tmp_path: Path):
    ports = [free_port() for _ in range(3)]
    argv = (
        "-m",
        "services.dev.parts",
        "--folder",
        str(tmp_path),
        *(f"--{name}-port={port}" for name, port in zip(("kafka", "controller", "postgres"), ports, strict=True)),
    )
    async with run(*argv) as first:
        await first.until("Logs")
        await make_topic(f"{HOST}:{ports[0]}", "kept")
        await write(f"{HOST}:{ports[0]}", "kept", b"still here")
        left = [pid_in(tmp_path, "kafka"), pid_in(tmp_path, "postgres")]
        await first.ended(signal.SIGKILL)

    async with run(*argv) as second:
        await second.until("Logs")

        assert await read(f"{HOST}:{ports[0]}", "kept") == b"still here"
        assert [pids.born(pid) for pid in left] == [None, None]
        now = [pid_in(tmp_path, "kafka"), pid_in(tmp_path, "postgres")]
        assert await second.ended(signal.SIGTERM) == 0

    assert [pids.born(pid) for pid in now] == [None, None]
