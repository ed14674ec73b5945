"""deploy/kafka/setup.sh: users from files, by Kafka's own tool, and then what acls.sh grants."""

from pathlib import Path

import pytest

from counterfoil.wire import kafka_topics
from counterfoil.wire.kafka import Connection
from counterfoil.wire.secret import Secret
from deploy.acls import OPS, processes
from services.dev import jars
from services.dev.kafka import FILES
from tests.support import kafka_tools
from tests.support.guarded import PREFIX, Guarded

PASSWORDS = ("the first password", "and a later one")


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """The real kafka-configs.sh; a kafka-acls.sh that only counts, since the guarded Kafka has its rights."""
    folder = tmp_path / "bin"
    folder.mkdir()
    kafka_tools.program(folder / "kafka-configs.sh", str(jars.cache_folder() / "jars" / jars.KAFKA / "*"), "kafka.admin.ConfigCommand")
    (folder / "kafka-acls.sh").write_text('#!/bin/sh\necho "$@" >> "$0.said"\n')
    (folder / "kafka-acls.sh").chmod(0o700)
    return folder


async def test_a_user_is_made_from_a_file_and_given_another_password_by_another_run(guarded: Guarded, bin_folder: Path, tmp_path: Path):
    (tmp_path / "secrets").mkdir()
    env = {"KAFKA_BIN": str(bin_folder), "KAFKA_SECRETS": str(tmp_path / "secrets"), "COUNTERFOIL_KAFKA": guarded.administrators,
           "COUNTERFOIL_PREFIX": PREFIX}  # fmt: skip
    for password in PASSWORDS:
        (tmp_path / "secrets" / "kafka_late").write_text(password)

        said = await kafka_tools.finished("/bin/sh", str(FILES / "setup.sh"), env=env)

        assert password not in said
        comes_in = {one: await kafka_topics.answers(Connection(guarded.servers, PREFIX, f"{PREFIX}-late", Secret(one))) for one in PASSWORDS}
        assert comes_in == {one: one == password for one in PASSWORDS}

    granted = (bin_folder / "kafka-acls.sh.said").read_text()
    assert all(f"User:{PREFIX}-{role} " in granted for role in (*processes(), OPS))
