"""The audit log of every service, taken away and checked; a leaf proven; ledger and log joined; a subject forgotten, and all of it once more.

In a town of its own: ledger and log of the session's are touched by tests that try what nobody may.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from services.ops.audit_erasing import hashed
from tests.cli.shell import Said, Shell
from tests.cli.stand_in import StandIn
from tests.support.town import Town, town_of_the_module
from tests.support.waiting import until

own = town_of_the_module


@pytest.fixture
def cf(town: Town) -> Shell:
    return Shell(StandIn(), town.plan.url, {"COUNTERFOIL_DATABASE": town.plan.dsns["ops"]})


def good(said: Said) -> Said:
    assert said.code == 0, said.err
    return said


async def lent_and_ended(cf: Shell) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(good(await cf("get", "postgres/demo", "--scope", "read", "--lifetime", "5m", "-o", "json")).out)
    good(await cf("revoke", found["credential_id"]))
    assert (await cf("get", "postgres/demo", "--lifetime", "5h")).code == 3
    return found


async def log_key(town: Town) -> str:
    found = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).json()
    return str(found["log_keys"][0])


async def exported(cf: Shell, file: Path) -> list[str]:
    good(await cf("audit", "export", "-o", str(file)))
    return file.read_text().splitlines()


async def test_an_exported_log_is_checked_by_its_key_alone_and_one_byte_breaks_it(cf: Shell, town: Town, tmp_path: Path):
    await lent_and_ended(cf)
    file, key = tmp_path / "log.jsonl", await log_key(town)
    lines = await exported(cf, file)
    offline = Shell(StandIn(), "http://127.0.0.1:1")
    found = json.loads(good(await offline("audit", "verify", str(file), "--log-key", key, "-o", "json")).out)
    raw = bytearray(file.read_bytes())
    at = raw.index(b"grant.approved")
    raw[at] ^= 1
    file.write_bytes(raw)
    broken = await offline("audit", "verify", str(file), "--log-key", key, "-o", "json")

    assert found["size"] == len(lines) - 1
    assert broken.code == 1
    assert json.loads(broken.out)["index"] == raw[:at].count(b"\n")
    assert json.loads((await cf("audit", "gaps", "-o", "json")).out)["breaks"] == []


async def test_a_part_and_what_others_read_are_exported_too(cf: Shell, town: Town, tmp_path: Path):
    await lent_and_ended(cf)
    first, rest = tmp_path / "first.jsonl", tmp_path / "rest.jsonl"
    good(await cf("audit", "export", "--to", "9", "-o", str(first)))
    good(await cf("audit", "export", "--from", "9", "-o", str(rest)))
    events = [json.loads(line) for line in good(await cf("audit", "export", "--since", "1h", "--format", "ocsf")).out.splitlines()]

    good(await cf("audit", "verify", str(rest), "--from-export", str(first), "--log-key", await log_key(town)))
    assert {3002, 3003, 3004, 6003} <= {event["class_uid"] for event in events}


async def test_a_proof_is_of_the_credential_that_was_lent(cf: Shell, town: Town, tmp_path: Path):
    lent, other = await lent_and_ended(cf), await lent_and_ended(cf)
    fresh, with_it, key = tmp_path / "proof.json", tmp_path / "lent.json", await log_key(town)
    good(await cf("audit", "prove", lent["credential_id"], "-o", str(fresh)))
    with_it.write_text(json.dumps(lent))
    checks = [
        await cf("audit", "verify-proof", str(fresh), "--log-key", key, "--credential", one["credential_id"], "-o", "json") for one in (lent, other)
    ]
    with_it_too = await cf("audit", "verify-proof", str(with_it), "--log-key", key, "-o", "json")
    with_it.write_text(json.dumps({**other, "receipt": lent["receipt"]}))
    exchanged = await cf("audit", "verify-proof", str(with_it), "--log-key", key)

    assert [one.code for one in checks] == [0, 1]
    assert json.loads(checks[0].out)["leaf"] == json.loads(with_it_too.out)["leaf"]
    assert exchanged.code == 1
    kinds = [one["leaf"]["fact"]["kind"] for one in json.loads(good(await cf("audit", "show", lent["request_id"], "-o", "json")).out)]
    assert kinds == ["identity.verified", "grant.approved", "credential.minted"]


async def test_ledger_and_log_say_the_same(cf: Shell, town: Town):
    lent = await lent_and_ended(cf)

    async def covered() -> bool:
        return (await cf("audit", "coverage", "--grace", "0")).code == 0

    await until(covered)
    async with town.sql() as db:
        await db.execute("UPDATE mint SET credential_id = gen_random_uuid() WHERE credential_id = $1", lent["credential_id"])
        said = await cf("audit", "coverage", "--grace", "0", "-o", "json")
        assert said.code == 1
        assert lent["credential_id"] in [row["name"] for row in json.loads(said.out)["missing"]]
        assert await db.execute("DELETE FROM mint WHERE NOT EXISTS (SELECT FROM reply WHERE reply.credential_id = mint.credential_id)") == "DELETE 1"


async def test_after_a_subject_was_forgotten_all_of_it_still_holds(cf: Shell, town: Town, tmp_path: Path):
    lent = await lent_and_ended(cf)
    proof, before, after, key = (tmp_path / name for name in ("proof.json", "before.jsonl", "after.jsonl", "key"))
    key_text = await log_key(town)
    key.write_text(key_text)
    good(await cf("audit", "prove", lent["credential_id"], "-o", str(proof)))
    await exported(cf, before)
    claims = json.loads(base64.urlsafe_b64decode((await town.id_token()).split(".")[1] + "=="))
    digest = hashed(town.plan.keys, claims["iss"], claims["sub"])
    async with town.sql() as db:
        assert await db.fetchval("SELECT count(*) FROM subject WHERE sub_hash = $1", digest) == 1
        arguments = ("--issuer", claims["iss"], "--subject", claims["sub"], "--root", str(town.plan.keys))
        assert good(await cf("audit", "erase-subject", *arguments)).out == f"{digest}\n"
        assert await db.fetchval("SELECT count(*) FROM subject WHERE sub_hash = $1", digest) == 0

    async def recorded() -> bool:
        return any('\\"subject_erased\\"' in line for line in await exported(cf, after))

    await until(recorded)
    good(await cf("audit", "verify", str(after), "--log-key", key_text, "--checkpoint", str(before)))
    good(await cf("audit", "verify-proof", str(proof), "--log-key", key_text, "--credential", lent["credential_id"]))
