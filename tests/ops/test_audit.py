"""counterfoil audit coverage and erase-subject, as the role ops, on a real PostgreSQL."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.store.database import prepare
from counterfoil_server.runtime.subjects import sub_hash
from services.gateway.relay import changed
from services.ops import audit_coverage, audit_erasing
from services.ops.audit import app
from tests.support.made_log import MadeLog, facts

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = timedelta(0)
TABLES = "audit_leaf, audit_head, mint, revocation, reply, subject, registry_change, revocation_order"
MINT = """INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class,
    connector, installation, project, environment, deadline, ends_by_itself, sent_at, window_closes_at, expires_at)
    VALUES ('https://i', $1, $2, 1, $3, 'd', $4, 'w', $5, 1, 'by_name', 'postgres/demo', 'main', 'web', 'production', $6, true, $6, $6, $6)"""


@pytest.fixture(autouse=True)
async def owner(root: asyncpg.Connection) -> asyncpg.Connection:
    for table in ("audit_leaf", "registry_change"):
        await root.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    await root.execute(f"TRUNCATE {TABLES} CASCADE")
    for table in ("audit_leaf", "registry_change"):
        await root.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
    await prepare(root)
    return root


@pytest.fixture
async def log(owner: asyncpg.Connection) -> MadeLog:
    """Ledger and log as they are after one exchange, its end, and a change of the registry."""
    made = MadeLog.of(12)
    for at, leaf in enumerate(made.leaves):
        await put_leaf(owner, at, leaf)
    minted = made.fact(made.find("credential.minted"))
    ends = [made.fact(made.find(kind)) for kind in ("revocation.ordered", "credential.revoked", "revocation.stuck", "revocation.uncertain")]
    for credential in {one["credential_id"] for one in (minted, *ends)}:
        await lend(owner, UUID(credential), "revoked")
    for credential in {one["credential_id"] for one in ends}:
        statement = "INSERT INTO revocation (id, credential_id, cause, ordered_at) VALUES ($1, $2, 'requested', $3)"
        await owner.execute(statement, uuid4(), UUID(credential), LONG_AGO if credential == ends[0]["credential_id"] else None)
    change = made.fact(made.find("registry.changed"))
    await owner.execute("INSERT INTO registry_change VALUES (1, $1, $2, '{}', 'put', 'link', 'x', NULL)", UUID(change["id"]), LONG_AGO)
    order = made.fact(made.find("revocation.requested"))
    await owner.execute("INSERT INTO revocation_order (id, actor, predicate, cause, at) VALUES ($1, '{}', '{}', '', $2)", UUID(order["id"]), LONG_AGO)
    return made


async def put_leaf(db: asyncpg.Connection, at: int, leaf: bytes) -> None:
    members = json.loads(leaf)
    await db.execute("INSERT INTO audit_leaf VALUES ($1, $2, $3, $4, $5)", at, UUID(members["fact"]["id"]), bytes.fromhex(members["fact_sha256"]),
                     hashlib.sha256(b"\x00" + leaf).digest(), leaf)  # fmt: skip


async def lend(db: asyncpg.Connection, credential_id: UUID, state: str, request_hash: str = "r", at: datetime = LONG_AGO) -> None:
    await db.execute(MINT, "c" * 64, uuid4(), credential_id, request_hash, state, at)


async def found(ops: asyncpg.Connection, grace: timedelta = AT_ONCE) -> list[tuple[str, str]]:
    return [(row["kind"], row["name"]) for row in (await audit_coverage.covered(ops, grace)).missing]


@pytest.mark.usefixtures("log")
async def test_where_both_match_nothing_is_missing(ops: asyncpg.Connection):
    covered = await audit_coverage.covered(ops, AT_ONCE)

    assert covered.missing == []
    assert covered.counts == {"leaves": 0, "credentials": 1, "revocations": 1, "answers": 0, "changes": 1}  # no head: these leaves were put there


@pytest.mark.parametrize("state", ["active", "revoked", "stuck", "expired", "failed", "minting"])
@pytest.mark.usefixtures("log")
async def test_a_credential_of_which_the_log_says_nothing_is_found(owner: asyncpg.Connection, ops: asyncpg.Connection, state: str):
    credential = uuid4()
    await lend(owner, credential, state)

    kind = "credential_without_leaf" if state == "active" else "row_without_leaf"
    assert await found(ops) == [(kind, str(credential))]


async def test_an_active_credential_needs_the_very_leaf_that_it_was_minted(owner: asyncpg.Connection, ops: asyncpg.Connection, log: MadeLog):
    ordered = next(one for one in facts(1) if one.fact.kind == "revocation.ordered")
    await put_leaf(owner, 12, log.append(ordered))
    await lend(owner, ordered.fact.credential_id, "active")
    await owner.execute("INSERT INTO revocation (id, credential_id, cause) VALUES ($1, $2, 'requested')", uuid4(), ordered.fact.credential_id)

    assert await found(ops) == [("credential_without_leaf", str(ordered.fact.credential_id))]


async def test_what_failed_needs_no_more_than_its_exchange(owner: asyncpg.Connection, ops: asyncpg.Connection, log: MadeLog):
    await lend(owner, uuid4(), "failed", log.fact(log.find("grant.denied"))["asked"]["request_hash"])

    assert await found(ops) == []


@pytest.mark.parametrize(("kind", "missing", "table", "key", "member"), [
    ("credential.minted", "leaf_without_credential", "mint", "credential_id", "credential_id"),
    ("credential.revoked", "leaf_without_revocation", "revocation", "credential_id", "credential_id"),
    ("registry.changed", "leaf_without_change", "registry_change", "id", "id"),
    ("revocation.requested", "leaf_without_request", "revocation_order", "id", "id"),
])  # fmt: skip
async def test_a_leaf_without_its_row_is_found(
    owner: asyncpg.Connection, ops: asyncpg.Connection, log: MadeLog, kind: str, missing: str, table: str, key: str, member: str
):
    name = log.fact(log.find(kind))[member]
    await owner.execute(
        f"ALTER TABLE {table} DISABLE TRIGGER ALL; DELETE FROM {table} WHERE {key} = '{name}'; ALTER TABLE {table} ENABLE TRIGGER ALL"  # noqa: S608
    )

    assert set(await found(ops)) == {(missing, name)}


@pytest.mark.usefixtures("log")
async def test_rows_whose_leaf_is_not_there_are_found(owner: asyncpg.Connection, ops: asyncpg.Connection):
    change, order, end, credential = (uuid4() for _ in range(4))
    await lend(owner, credential, "failed", "of nobody")
    await owner.execute("INSERT INTO revocation (id, credential_id, cause, ordered_at) VALUES ($1, $2, 'orphan', $3)", end, credential, LONG_AGO)
    await owner.execute("INSERT INTO registry_change VALUES (2, $1, $2, '{}', 'removed', 'link', 'x', NULL)", change, LONG_AGO)
    await owner.execute("INSERT INTO revocation_order (id, actor, predicate, cause, at) VALUES ($1, '{}', '{}', '', $2)", order, LONG_AGO)
    await owner.execute(
        "INSERT INTO reply (request_hash, fact_hash, outcome, idx, proof, deadline) VALUES ('q', 'other', 'denied', 3, '', $1)", LONG_AGO
    )

    assert await found(ops) == [
        ("row_without_leaf", str(credential)), ("order_without_leaf", str(end)), ("answer_without_leaf", "q"), ("change_without_leaf", "2"),
        ("request_without_leaf", str(order)),
    ]  # fmt: skip


async def test_an_end_needs_the_very_fact_that_settled_it(owner: asyncpg.Connection, ops: asyncpg.Connection, log: MadeLog):
    credential = UUID(log.fact(log.find("credential.revoked"))["credential_id"])
    settled = json.dumps({"id": log.fact(log.find("credential.revoked"))["id"], "kind": "credential.revoked"}).encode()
    identifier = await owner.fetchval(
        "UPDATE revocation SET ordered_at = $2, settled = $3, published_at = $2 WHERE credential_id = $1 RETURNING id", credential, LONG_AGO, settled
    )

    assert await found(ops) == [("settlement_without_leaf", str(identifier))]


@pytest.mark.usefixtures("log")
async def test_what_is_on_its_way_is_not_missing_yet(owner: asyncpg.Connection, ops: asyncpg.Connection):
    await lend(owner, uuid4(), "active", at=datetime.now(UTC))

    assert await found(ops, audit_coverage.GRACE) == []
    assert len(await found(ops)) == 1


async def counterfoil_audit(ops_dsn: str, *arguments: str, **more: Any) -> Any:
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, env={"COUNTERFOIL_DATABASE": ops_dsn}, **more)


@pytest.mark.usefixtures("log")
async def test_the_command_lists_what_does_not_match_and_ends_with_one(ops_dsn: str, owner: asyncpg.Connection):
    good = await counterfoil_audit(ops_dsn, "coverage", "--grace", "0")
    credential = uuid4()
    await lend(owner, credential, "active")
    bad, names = await counterfoil_audit(ops_dsn, "coverage", "-o", "json"), await counterfoil_audit(ops_dsn, "coverage", "-o", "token")

    assert (good.exit_code, good.stdout, bad.exit_code) == (0, "", 1)
    assert [row["name"] for row in json.loads(bad.stdout)["missing"]] == [str(credential)]
    assert names.stdout == f"{credential}\n"


async def test_a_subjects_text_goes_and_the_log_is_told(ops: asyncpg.Connection, owner: asyncpg.Connection):
    await owner.execute("INSERT INTO subject VALUES ('a', 'canary'), ('b', 'canary')")

    assert await audit_erasing.erase(ops, "a", NOW)
    assert not await audit_erasing.erase(ops, "a", NOW)
    assert [row["sub_hash"] for row in await owner.fetch("SELECT sub_hash FROM subject")] == ["b"]
    (row,) = await owner.fetch("SELECT * FROM registry_change")
    fact: Any = changed(row).fact
    assert (fact.change, fact.entry_kind, fact.name, fact.actor.role) == ("subject_erased", "subject", "a", "ops")


async def test_nobody_at_ops_reads_what_it_erases(ops: asyncpg.Connection):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ops.fetch("SELECT box FROM subject")


async def test_a_subject_is_erased_by_its_digest_or_by_its_text(ops_dsn: str, owner: asyncpg.Connection, tmp_path: Path):
    key_folder.write(tmp_path / "verifier" / "subject.key", b"k" * 32)
    by_text, digest = sub_hash(Secret(b"k" * 32), "https://id.example", "ada"), "e" * 64
    await owner.executemany("INSERT INTO subject VALUES ($1, 'canary')", [(by_text,), (digest,)])
    asked = ("erase-subject", "--issuer", "https://id.example", "--subject", "-", "--root", str(tmp_path))
    first, second = await counterfoil_audit(ops_dsn, *asked, input="ada\n"), await counterfoil_audit(ops_dsn, "erase-subject", "--sub-hash", digest)
    again = await counterfoil_audit(ops_dsn, "erase-subject", "--sub-hash", digest)

    assert [first.stdout, second.stdout] == [f"{by_text}\n", f"{digest}\n"]
    assert (again.exit_code, again.stdout) == (3, "")
    assert await owner.fetchval("SELECT count(*) FROM subject") == 0


NOT_ONE_WAY: list[tuple[str, ...]] = [
    (),
    ("--sub-hash", "short"),
    ("--subject", "ada"),
    ("--sub-hash", "e" * 64, "--issuer", "x"),
    ("--subject", "ada", "--issuer", "x"),
    ("--subject", "ada", "--issuer", "x", "--root", "/nowhere"),
]


@pytest.mark.parametrize("arguments", NOT_ONE_WAY)
async def test_a_subject_is_named_in_one_way(ops_dsn: str, arguments: tuple[str, ...]):
    assert (await counterfoil_audit(ops_dsn, "erase-subject", *arguments)).exit_code == 2
