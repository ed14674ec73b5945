"""Keys are made, published and rotated as the role ops, on a real PostgreSQL."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from counterfoil.contracts import revocation_requested
from counterfoil.contracts.registry_changed import RegistryChanged
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire.signing import BadSignature, Checker
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.keys import KeyRing, NoKey
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.database import Pool
from services.gateway.relay import changed
from services.ops import key_chest, key_rotation
from services.ops.keys import app
from tests.registry.conftest import AsRole

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ORIGIN = "log.test"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now.timestamp()


async def ring(db: Pool, folder: Path, role: str, clock: Clock) -> KeyRing:
    made = KeyRing(db, folder / role, role, clock)
    await made.load()
    return made


async def test_init_makes_what_each_role_needs_and_nothing_more(ops: asyncpg.Connection, tmp_path: Path) -> None:
    made = await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN)
    assert len(made) == 12
    files = {folder.name: sorted({file.name.split("-")[0].removesuffix(".key") for file in folder.iterdir()}) for folder in tmp_path.iterdir()}
    assert files == {
        "gateway": ["lookup", "sign", "subject"],
        "verifier": ["open", "sign", "subject"],
        "policy": ["sign"],
        "mint": ["kek", "lookup", "open", "sign"],
        "revoke": ["kek", "open", "sign"],
        "audit": ["log", "open", "sign"],
        "revoker": ["sign"],
    }
    assert {oct(file.stat().st_mode & 0o777) for file in tmp_path.glob("*/*")} == {"0o400"}
    assert {oct(folder.stat().st_mode & 0o777) for folder in tmp_path.iterdir()} == {"0o700"}
    assert (tmp_path / "gateway/subject.key").read_text() == (tmp_path / "verifier/subject.key").read_text()
    assert (tmp_path / "mint/kek-1.key").read_text() == (tmp_path / "revoke/kek-1.key").read_text()


async def test_init_again_makes_nothing(ops: asyncpg.Connection, tmp_path: Path) -> None:
    await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN)
    before = {file: file.read_text() for file in tmp_path.glob("*/*")}
    assert await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN) == []
    assert {file: file.read_text() for file in tmp_path.glob("*/*")} == before


async def test_two_inits_at_once_make_one_set(ops: asyncpg.Connection, ops_dsn: str, tmp_path: Path) -> None:
    other = await asyncpg.connect(ops_dsn)
    key_chest.shared_files(tmp_path)
    await asyncio.gather(*(key_chest.init(db, tmp_path, NOW, origin=ORIGIN) for db in (ops, other)))
    await other.close()
    assert await ops.fetchval("SELECT count(*) FROM service_key") == 12


async def test_each_new_key_is_a_change_that_tells_nothing_private(ops: asyncpg.Connection, tmp_path: Path) -> None:
    made = await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN)
    rows = await ops.fetch("SELECT * FROM registry_change ORDER BY revision")
    assert [(row["revision"], row["change"], row["entry_kind"], row["name"]) for row in rows] == [
        (place, "key_added", "key", key.kid) for place, key in enumerate(made, 1)
    ]
    facts = [changed(row).fact for row in rows]
    assert all(isinstance(fact, RegistryChanged) for fact in facts)
    text = "".join(fact.model_dump_json() for fact in facts)
    assert made[0].kid in text
    for file in tmp_path.glob("*/*"):
        assert file.read_text().strip() not in text


async def test_the_first_admin_still_comes_after_the_keys(ops: asyncpg.Connection, gateway: Pool, tmp_path: Path) -> None:
    await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN)
    actor = Actor(issuer="https://issuer.example", sub_hash="d" * 64, role="admin")
    assert await registry_rows.first_admin(gateway, "https://issuer.example", "root", actor, NOW) == 14
    assert await registry_rows.first_admin(gateway, "https://issuer.example", "eve", actor, NOW) == 14
    assert await gateway.fetchval("SELECT count(*) FROM registry_entry") == 2


async def test_a_new_signing_key_takes_over_when_all_know_it_and_old_facts_are_still_read(
    ops: asyncpg.Connection, as_role: AsRole, tmp_path: Path
) -> None:
    await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN)
    clock, db = Clock(), await as_role("policy")
    before = await ring(db, tmp_path, "policy", clock)
    (old_header,) = before.signer().sign("t", [b"fact"])
    fresh = await key_rotation.rotate(ops, tmp_path, "policy", "sign", NOW)
    keys = await ring(db, tmp_path, "policy", clock)
    assert fresh.kid.encode() not in keys.signer().sign("t", [b"x"])[0]
    clock.now += timedelta(seconds=90)
    (header,) = keys.signer().sign("t", [b"x"])
    assert header.startswith(fresh.kid.encode())
    for later, good in ((timedelta(hours=24), True), (timedelta(hours=25), False)):
        clock.now = NOW + timedelta(seconds=90) + later
        checker = Checker(keys.public)
        if good:
            assert checker.check("t", b"fact", old_header, ("policy",), clock()) == "policy"
        else:
            with pytest.raises(BadSignature, match="key_not_valid"):
                checker.check("t", b"fact", old_header, ("policy",), clock())


def test_a_signature_is_good_for_as_long_as_its_topic_keeps_it() -> None:
    assert key_rotation.keep("policy", "sign") == timedelta(hours=25)
    assert key_rotation.keep("gateway", "sign") == revocation_requested.TOPIC.keep + timedelta(hours=1)
    assert key_rotation.keep("verifier", "open") == timedelta(hours=24)
    assert {key_rotation.keep(role, "open") for role in ("mint", "revoke", "audit")} == {None}


async def test_a_role_without_the_new_keys_file_says_so(ops: asyncpg.Connection, as_role: AsRole, tmp_path: Path) -> None:
    await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN)
    fresh = await key_rotation.rotate(ops, tmp_path, "policy", "sign", NOW)
    (tmp_path / "policy" / f"sign-{fresh.kid}.key").unlink()
    clock = Clock()
    keys = await ring(await as_role("policy"), tmp_path, "policy", clock)
    clock.now += timedelta(seconds=90)
    with pytest.raises(NoKey, match=fresh.kid):
        keys.signer()


@pytest.mark.parametrize(("role", "retired"), [("verifier", True), ("revoke", False)])
async def test_old_opening_keys_are_kept(ops: asyncpg.Connection, as_role: AsRole, tmp_path: Path, role: str, retired: bool) -> None:
    made = await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN)
    old = next(key for key in made if (key.role, key.use) == (role, "open"))
    fresh = await key_rotation.rotate(ops, tmp_path, role, "open", NOW)
    clock, db = Clock(), await as_role("policy")
    keys = await ring(db, tmp_path, role, clock)
    assert keys.recipient(role) == old.public
    clock.now += timedelta(seconds=90)
    assert keys.recipient(role) == fresh.public
    assert {kid for kid, _ in key_folder.each(tmp_path / role, "open")} == {old.kid, fresh.kid}
    after = await ops.fetchval("SELECT not_after FROM service_key WHERE kid = $1", old.kid)
    assert after == (NOW + timedelta(seconds=90, hours=24) if retired else None)


async def test_while_the_log_key_rotates_both_sign(ops: asyncpg.Connection, as_role: AsRole, tmp_path: Path) -> None:
    await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN)
    await key_rotation.rotate(ops, tmp_path, "audit", "log", NOW)
    clock = Clock()
    keys = await ring(await as_role("audit"), tmp_path, "audit", clock)
    assert len(keys.log_keys()) == 1
    clock.now += timedelta(seconds=90)
    assert [key.name for key in keys.log_keys()] == [ORIGIN, ORIGIN]
    clock.now += timedelta(days=30)
    assert len(keys.log_keys()) == 1
    assert len(keys.log_vkeys()) == 2


async def test_keys_are_read_again_however_the_database_was_away(ops: asyncpg.Connection, as_role: AsRole, tmp_path: Path) -> None:
    """A server that is killed says so in words of its own, which are no OSError: whoever took them for news ended with it."""
    await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN)
    keys = await ring(await as_role("policy"), tmp_path, "policy", Clock())
    loads: list[Exception | None] = [asyncpg.CannotConnectNowError(), asyncpg.ConnectionDoesNotExistError(), OSError(), None]
    again = asyncio.Event()

    async def load() -> None:
        if error := loads.pop(0):
            raise error
        again.set()

    keys.load = load  # type: ignore[method-assign]
    keeping = asyncio.create_task(keys.keep_fresh(every=0.01))
    await asyncio.wait({asyncio.ensure_future(again.wait()), keeping}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    keeping.cancel()

    assert again.is_set()


async def test_a_rotation_is_two_changes(ops: asyncpg.Connection, tmp_path: Path) -> None:
    await key_chest.init(ops, tmp_path, NOW, origin=ORIGIN)
    fresh = await key_rotation.rotate(ops, tmp_path, "policy", "sign", NOW)
    rows = await ops.fetch("SELECT change, name, entry FROM registry_change WHERE revision > 12 ORDER BY revision")
    assert [row["change"] for row in rows] == ["key_added", "key_retired"]
    assert rows[0]["name"] == fresh.kid
    assert rows[1]["entry"]["not_after"] == (NOW + timedelta(seconds=90, hours=25)).isoformat()


@pytest.mark.parametrize(
    ("role", "use", "ahead", "words"),
    [("policy", "sign", 59, "60 s before"), ("policy", "open", 90, "no key to open"), ("gateway", "sign", 90, "run keys init")],
)
async def test_what_cannot_be_rotated_is_not(ops: asyncpg.Connection, tmp_path: Path, role: str, use: str, ahead: int, words: str) -> None:
    with pytest.raises(key_rotation.NotRotated, match=words):
        await key_rotation.rotate(ops, tmp_path, role, use, NOW, timedelta(seconds=ahead))
    assert await ops.fetchval("SELECT count(*) FROM service_key") == 0


@pytest.mark.parametrize("role", ["gateway", "verifier", "policy", "mint", "revoke", "audit", "revoker"])
async def test_no_service_may_publish_a_key(as_role: AsRole, role: str, tmp_path: Path) -> None:
    db = await as_role(role)
    async with db.acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await key_chest.init(connection, tmp_path, NOW, origin=ORIGIN)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE service_key SET public = 'x'",
        "UPDATE service_key SET not_before = now()",
        "DELETE FROM service_key",
        "INSERT INTO registry_entry VALUES ('operator', 'x', '{}', 1)",
        "UPDATE registry_change SET actor = '{}'",
        "DELETE FROM registry_change",
        "UPDATE connector SET state = 'active'",
        "SELECT seal_2 FROM mint",
        "SELECT sealed FROM root_secret",
    ],
)
async def test_the_role_ops_changes_keys_and_nothing_else(ops: asyncpg.Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ops.execute(statement)


async def counterfoil_keys(ops_dsn: str, *arguments: str, **env: str) -> Any:
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, env={"COUNTERFOIL_DATABASE": ops_dsn, **env})


@pytest.mark.usefixtures("root")
async def test_the_command_makes_lists_and_rotates(ops_dsn: str, tmp_path: Path) -> None:
    made = await counterfoil_keys(ops_dsn, "init", COUNTERFOIL_KEYS_ROOT=str(tmp_path), COUNTERFOIL_ORIGIN=ORIGIN)
    assert (made.exit_code, len(made.stdout.splitlines())) == (0, 12)
    rotated = await counterfoil_keys(ops_dsn, "rotate", "policy", "sign", "--root", str(tmp_path))
    assert rotated.exit_code == 0
    kid = rotated.stdout.split()[-1]
    found = json.loads((await counterfoil_keys(ops_dsn, "list", "-o", "json", "--root", str(tmp_path))).stdout)["keys"]
    assert {(one["state"], one["file"]) for one in found} == {("valid", True), ("retiring", True), ("coming", True)}
    assert [one["kid"] for one in found if one["state"] == "coming"] == [kid]
    table = (await counterfoil_keys(ops_dsn, "list")).stdout
    assert kid in table
    assert table.startswith("KID")
    for file in tmp_path.glob("*/*"):
        assert file.read_text().strip() not in table


async def test_the_command_says_what_is_missing_and_quotes_no_password(tmp_path: Path) -> None:
    unset = await asyncio.to_thread(CliRunner().invoke, app, ["list"], env={"COUNTERFOIL_DATABASE": ""})
    assert unset.exit_code == 2
    assert "COUNTERFOIL_DATABASE is not set" in unset.output
    away = await counterfoil_keys("postgresql://counterfoil_ops:hunter2@127.0.0.1:1/x", "list")
    assert away.exit_code == 6
    assert "hunter2" not in away.output
    bad = await counterfoil_keys("postgresql://x:hunter2@127.0.0.1:1/x", "init", "--root", str(tmp_path), "--origin", "two words")
    assert bad.exit_code == 2
    assert "without spaces" in bad.output
