"""What a machine lacks is said before anything is fetched."""

import socket
from pathlib import Path

import pytest

from services.dev import preflight
from services.dev.ports import HOST, LAST, free_port, need_free
from services.dev.trouble import Trouble


def test_an_old_python_is_refused():
    with pytest.raises(Trouble, match=r"Python 3\.10, Counterfoil needs 3\.11") as caught:
        preflight.python((3, 10))

    assert "PYTHON=" in caught.value.fix


def test_a_linux_without_glibc_is_refused():
    with pytest.raises(Trouble, match="musl"):
        preflight.machine("linux", "x86_64", "")


def test_an_untested_platform_is_a_warning_that_says_what_to_do():
    warning = preflight.machine("darwin", "arm64", "")

    assert warning is not None
    assert "untested platform: darwin on arm64" in warning
    assert "COUNTERFOIL_KAFKA" in warning


@pytest.mark.parametrize("kind", ["x86_64", "aarch64"])
def test_the_tested_platforms_pass_in_silence(kind: str):
    assert preflight.machine("linux", kind, "glibc") is None


def test_a_full_disk_is_refused(tmp_path: Path):
    with pytest.raises(Trouble, match="GB are free on the disk of") as caught:
        preflight.disk(tmp_path, needed=2**60)

    assert "larger disk" in caught.value.fix


def test_a_folder_that_is_not_there_yet_is_on_the_disk_that_it_will_be_on(tmp_path: Path):
    preflight.disk(tmp_path / "not" / "yet", needed=1)


def test_a_taken_port_is_named_with_the_setting_that_changes_it():
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(Trouble, match=f"port {port} on {HOST} is taken; Kafka needs it") as caught:
            need_free(port, "Kafka", "COUNTERFOIL_KAFKA_PORT")
    need_free(port, "Kafka", "COUNTERFOIL_KAFKA_PORT")  # free again

    assert "COUNTERFOIL_KAFKA_PORT=" in caught.value.fix


def test_a_free_port_is_given_once_and_is_none_that_a_connection_going_out_may_have():
    given = [free_port() for _ in range(200)]

    assert len(set(given)) == 200
    assert max(given) < LAST
