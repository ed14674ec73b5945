"""What `make up` is told by its environment, and what it says where that cannot be."""

import socket

import pytest

from services.dev import database, outside, settings
from services.dev.ports import HOST, free_port
from services.dev.settings import PORTS, Settings, variable
from services.dev.trouble import Trouble


def free() -> dict[str, str]:
    return {variable(name): str(free_port()) for name in PORTS}


def test_without_settings_everything_has_its_usual_port():
    assert Settings.read({}).ports == PORTS
    assert Settings.read({"COUNTERFOIL_PORT": ""}).ports["gateway-http"] == 8484


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "8484.0", "8484 "])
def test_what_is_no_port_is_named_and_not_repeated(text: str):
    with pytest.raises(Trouble, match="COUNTERFOIL_ISSUER_PORT is no port") as caught:
        Settings.read({"COUNTERFOIL_ISSUER_PORT": text})

    assert "8485" in caught.value.fix


def test_two_parts_on_one_port_are_both_named():
    with pytest.raises(Trouble, match="COUNTERFOIL_MINT_HEALTH_PORT and COUNTERFOIL_PORT are both 8484"):
        Settings.read({"COUNTERFOIL_MINT_HEALTH_PORT": "8484"})


def test_every_taken_port_is_said_at_once():
    env = free()
    gateway, kafka = (socket.create_server((HOST, int(env[name]))) for name in ("COUNTERFOIL_PORT", "COUNTERFOIL_KAFKA_PORT"))
    with gateway, kafka, pytest.raises(Trouble) as caught:
        Settings.read(env).need_free()
    Settings.read(env).need_free()  # free again

    assert caught.value.what.count("is taken") == 2
    assert "another: COUNTERFOIL_PORT=<port>" in caught.value.what
    assert "another: COUNTERFOIL_KAFKA_PORT=<port>" in caught.value.what


def test_the_ports_of_servers_that_are_not_ours_may_be_taken():
    env = free() | {"COUNTERFOIL_KAFKA": "kafka.example:9092", "COUNTERFOIL_POSTGRES": "postgresql://p:w@db.example/postgres"}
    with socket.create_server((HOST, int(env["COUNTERFOIL_KAFKA_PORT"]))), socket.create_server((HOST, int(env["COUNTERFOIL_POSTGRES_PORT"]))):
        Settings.read(env).need_free()


def test_no_secret_of_the_settings_is_shown():
    env = {"COUNTERFOIL_KAFKA": "k:1", "COUNTERFOIL_KAFKA_PASSWORD": "hunter2", "COUNTERFOIL_POSTGRES": "postgresql://p:hunter2@db/postgres"}
    found = Settings.read(env)

    assert "hunter2" not in repr(found)
    assert "hunter2" not in repr(found.connection())


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        ("postgresql://p:w@db.example:6543/postgres", ("db.example", 6543)),
        ("postgresql://p:w@db.example/postgres", ("db.example", 5432)),
        ("postgresql://postgres@/postgres?host=/run/postgres&port=6000", (HOST, 6000)),
        ("postgresql:///postgres", (HOST, 5432)),
    ],
)
def test_a_server_given_by_url_is_found_by_its_host_and_port(dsn: str, place: tuple[str, int]):
    assert database.place(dsn) == place


@pytest.mark.parametrize("dsn", ["hunter2", "postgresql://me:hunter2@127.0.0.1:1/x", "postgresql://me:hunter2@127.0.0.1:99999999/x"])
async def test_a_postgresql_that_cannot_be_used_is_told_without_its_dsn(dsn: str):
    with pytest.raises(Trouble, match="COUNTERFOIL_POSTGRES cannot be used") as caught:
        await outside.postgres(dsn)

    assert "hunter2" not in str(caught.value)
    assert "superuser" in caught.value.fix


async def test_a_user_of_no_power_is_told_what_it_lacks(postgres: str):
    await outside.postgres(postgres)
    with pytest.raises(Trouble, match="no superuser"):
        await outside.postgres(f"{postgres}{'&' if '?' in postgres else '?'}role=pg_monitor")


@pytest.mark.parametrize("servers", ["foo:bar", "127.0.0.1:1"])
async def test_a_kafka_that_does_not_answer_is_told(servers: str):
    with pytest.raises(Trouble) as caught:
        await outside.kafka(settings.Settings.read({"COUNTERFOIL_KAFKA": servers}).connection())

    assert "COUNTERFOIL_KAFKA" in caught.value.fix
