"""Settings that are files: a secret that no environment shows. What is wrong with one is said by its setting's name alone."""

from pathlib import Path

import pytest

from counterfoil_server.runtime.settings import BadSetting, connection, database
from services.ops.database import ROLES, user
from services.ops.setup import Wanted

DSN = "postgresql://counterfoil_mint:hidden@host:5432/counterfoil"


def test_a_secret_comes_from_the_file_without_its_lines_end(tmp_path: Path):
    (tmp_path / "database").write_text(f"{DSN}\n")
    (tmp_path / "kafka").write_text("hidden\n")

    found = connection({"COUNTERFOIL_KAFKA": "b:1", "COUNTERFOIL_KAFKA_PASSWORD_FILE": str(tmp_path / "kafka")}).password

    assert database({"COUNTERFOIL_DATABASE_FILE": str(tmp_path / "database")}).text() == DSN
    assert found is not None
    assert found.text() == "hidden"


@pytest.mark.parametrize("text", ["", "\n", None, b"\xff"])
def test_a_file_that_holds_nothing_is_told_by_the_settings_name(tmp_path: Path, text: str | bytes | None):
    file = tmp_path / "database"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(BadSetting, match="the file that COUNTERFOIL_DATABASE_FILE names") as error:
        database({"COUNTERFOIL_DATABASE_FILE": str(file)})
    assert error.value.__cause__ is None


def test_both_at_once_is_refused_since_nobody_could_say_which_counts(tmp_path: Path):
    (tmp_path / "database").write_text(DSN)

    with pytest.raises(BadSetting, match="are both set"):
        database({"COUNTERFOIL_DATABASE": DSN, "COUNTERFOIL_DATABASE_FILE": str(tmp_path / "database")})


def test_neither_is_told_by_the_one_that_everyone_knows():
    with pytest.raises(BadSetting, match="COUNTERFOIL_DATABASE is not set"):
        database({})


@pytest.fixture
def given(tmp_path: Path) -> dict[str, str]:
    for role in ROLES:
        (tmp_path / f"database_{role}").write_text(f"postgresql://{user(role)}:hidden%2F{role}@host/counterfoil")
    return {"COUNTERFOIL_ROLES": str(tmp_path), "COUNTERFOIL_KAFKA": "b:1", "COUNTERFOIL_DATABASE": DSN, "COUNTERFOIL_KEYS_ROOT": "keys",
            "COUNTERFOIL_ORIGIN": "log.example.org"}  # fmt: skip


def test_setup_takes_each_roles_password_from_that_roles_dsn(given: dict[str, str]):
    assert {role: found.text() for role, found in Wanted.read(given).passwords.items()} == {role: f"hidden/{role}" for role in ROLES}


@pytest.mark.parametrize("dsn", ["postgresql://counterfoil_audit:hidden@host/c", "postgresql://counterfoil_mint@host/c", "postgresql://[hidden", "x"])
def test_a_dsn_of_another_role_or_without_a_password_is_refused_and_not_quoted(given: dict[str, str], dsn: str):
    Path(given["COUNTERFOIL_ROLES"], "database_mint").write_text(dsn)

    with pytest.raises(BadSetting, match="database_mint in the folder of COUNTERFOIL_ROLES") as error:
        Wanted.read(given)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize("name", ["COUNTERFOIL_ROLES", "COUNTERFOIL_KEYS_ROOT", "COUNTERFOIL_ORIGIN", "COUNTERFOIL_DATABASE", "COUNTERFOIL_KAFKA"])
def test_setup_says_what_it_misses(given: dict[str, str], name: str):
    with pytest.raises(BadSetting, match=name):
        Wanted.read({key: value for key, value in given.items() if key != name})


def test_an_origin_that_no_receipt_could_carry_is_refused(given: dict[str, str]):
    with pytest.raises(BadSetting, match="COUNTERFOIL_ORIGIN"):
        Wanted.read(given | {"COUNTERFOIL_ORIGIN": "a log"})
