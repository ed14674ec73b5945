"""counterfoil audit prove, verify-proof: one leaf is in the log, and it is about what it is said to be about."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil.audit import proof_file
from counterfoil.client.credential import Receipt
from counterfoil.wire.merkle import path, root
from counterfoil.wire.receipt import write_proof
from tests.cli.served_log import serve
from tests.cli.shell import Said, Shell
from tests.cli.stand_in import Asked
from tests.support.made_log import MadeLog

OTHER = "11111111-2222-5333-8444-555555555555"
Put = Callable[[Any], str]


@pytest.fixture(scope="module")
def log() -> MadeLog:
    return MadeLog.of(60)


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def written(document: Any) -> str:
        file = tmp_path / "proof.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(file)

    return written


async def checked(sh: Shell, log: MadeLog, file: str, *more: str) -> tuple[Said, dict[str, Any]]:
    said = await sh("audit", "verify-proof", file, "--log-key", log.key.vkey, "-o", "json", *more)
    return said, json.loads(said.out)


def saved(log: MadeLog, index: int) -> dict[str, Any]:
    return {"leaf": log.leaves[index].decode(), "proof": log.proof(index)}


async def test_what_is_proven_can_be_checked_by_anybody(sh: Shell, log: MadeLog, tmp_path: Path):
    serve(sh, log)
    file = str(tmp_path / "proof.json")
    made = await sh("audit", "prove", "17", "-o", file)
    sh.gateway.asked.clear()
    said, found = await checked(sh, log, file)

    assert (made.code, made.out, said.code, sh.gateway.asked) == (0, "", 0, [])
    assert (found["valid"], found["index"], found["size"], found["signed_by"]) == (True, 17, 60, ["log.test"])
    assert found["leaf"] == json.loads(log.leaves[17])
    assert "log key: fetched" in made.err


async def test_of_a_request_or_a_credential_what_was_answered_is_proven(sh: Shell, log: MadeLog, put: Put):
    serve(sh, log)
    minted = log.fact(log.find("credential.minted"))
    by_request, by_credential = await sh("audit", "prove", minted["asked"]["request_id"]), await sh("audit", "prove", minted["credential_id"])
    about_request = await checked(sh, log, put(by_request.out), "--request", minted["asked"]["request_id"])
    about_credential = await checked(sh, log, put(by_credential.out), "--credential", minted["credential_id"])

    assert (about_request[0].code, about_request[1]["kind"]) == (0, "identity.rejected")  # the first answer of that request in this log
    assert (about_credential[0].code, about_credential[1]["kind"]) == (0, "credential.minted")


async def test_a_leaf_that_no_checkpoint_has_yet_is_waited_for(sh: Shell, log: MadeLog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("counterfoil.cli.audit_proof.EVERY", 0)
    serve(sh, log)
    door, early = sh.gateway.says["/v1/audit/proof/inclusion"], [400, 400]

    def later(asked: Asked) -> tuple[int, Any]:
        return (early.pop(), {"code": "beyond_log", "message": "m"}) if early else door(asked)

    sh.gateway.says["/v1/audit/proof/inclusion"] = later

    assert (await sh("audit", "prove", "17")).code == 0
    assert len(sh.gateway.at("/v1/audit/proof/inclusion")) == 3


async def test_a_proof_that_does_not_hold_is_not_written(sh: Shell, log: MadeLog, tmp_path: Path):
    serve(sh, log, [*log.leaves[:17], log.leaves[17].replace(b'"v":1', b'"v":1 '), *log.leaves[18:]])
    said = await sh("audit", "prove", "17", "-o", str(tmp_path / "proof.json"))

    assert said.code == 1
    assert "not_included" in said.err
    assert list(tmp_path.iterdir()) == []


def changed(log: MadeLog) -> dict[str, tuple[dict[str, Any], str]]:
    good, other = saved(log, 17), saved(log, 18)
    hashes = log.hashes()
    forged = write_proof(17, path(17, hashes), MadeLog().key.sign("log.test", 60, root(hashes)))
    return {
        "leaf": ({**good, "leaf": good["leaf"].replace('"v":1', '"v":2')}, "not_included"),
        "another leaf": ({**good, "leaf": other["leaf"]}, "not_included"),
        "index": ({**good, "proof": good["proof"].replace("index 17", "index 16")}, "not_included"),
        "path": ({**good, "proof": "\n".join(good["proof"].split("\n")[:2] + good["proof"].split("\n")[3:])}, "malformed_proof"),
        "another key": ({**good, "proof": forged}, "unknown_key"),
        "size": ({**good, "proof": good["proof"].replace("\n60\n", "\n61\n")}, "bad_signature"),
        "no proof": ({"leaf": good["leaf"]}, "malformed_file"),
        "no leaf": ({"proof": good["proof"]}, "no_leaf"),
    }


@pytest.mark.parametrize("what", ["leaf", "another leaf", "index", "path", "another key", "size", "no proof", "no leaf"])
async def test_whatever_is_changed_is_told(sh: Shell, log: MadeLog, put: Put, what: str):
    document, code = changed(log)[what]
    said, found = await checked(sh, log, put(document))

    assert (said.code, found["valid"], found["code"]) == (1, False, code)
    assert code in said.err


async def test_a_good_proof_of_something_else_is_refused(sh: Shell, log: MadeLog, put: Put):
    file = put(saved(log, log.find("credential.minted")))
    about = (await checked(sh, log, file, "--credential", OTHER)), (await checked(sh, log, file, "--request", OTHER))

    assert [(said.code, found["code"]) for said, found in about] == [(1, "wrong_credential"), (1, "wrong_request")]


async def test_a_leaf_that_says_it_is_another_one_is_refused_though_it_was_signed(sh: Shell, log: MadeLog, put: Put):
    moved = MadeLog(log.key, [log.leaves[1], log.leaves[0]])
    said, found = await checked(sh, moved, put(saved(moved, 0)))

    assert (said.code, found["code"]) == (1, "wrong_index")


def lent(log: MadeLog, index: int) -> dict[str, Any]:
    """As `get -o json` prints it."""
    fact = log.fact(index)
    receipt = Receipt(index, log.proof(index), log.leaves[index].decode(), "given").document()
    return {
        "credential_id": fact["credential_id"], "request_id": fact["asked"]["request_id"], "connector": fact["connector"],
        "scopes": fact["scopes"], "expires_at": fact["expires_at"].replace("Z", "+00:00"), "access_token": "canary", "receipt": receipt,
    }  # fmt: skip


async def test_a_credential_is_bound_to_its_own_leaf(sh: Shell, log: MadeLog, put: Put):
    good = lent(log, log.find("credential.minted"))
    said, found = await checked(sh, log, put(good))

    assert (said.code, found["credential_id"]) == (0, good["credential_id"])
    assert "canary" not in said.out + said.err


@pytest.mark.parametrize(("member", "value"), [("credential_id", OTHER), ("connector", "a/b"), ("scopes", ["all"]), ("request_id", OTHER),
                                               ("expires_at", "2030-01-01T00:00:00+00:00")])  # fmt: skip
async def test_a_credential_beside_another_ones_leaf_is_refused(sh: Shell, log: MadeLog, put: Put, member: str, value: Any):
    said, found = await checked(sh, log, put({**lent(log, log.find("credential.minted")), member: value}))

    assert (said.code, found["valid"]) == (1, False)


async def test_a_leaf_of_a_credentials_end_is_no_proof_that_it_was_minted(sh: Shell, log: MadeLog, put: Put):
    index = log.find("credential.revoked")
    said, _ = await checked(sh, log, put({"credential_id": log.fact(index)["credential_id"], "receipt": saved(log, index)}))

    assert said.code == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"receipt": 3}', '{"proof": 3, "leaf": "x"}'])
def test_what_is_no_proof_is_said_to_be_none(text: str):
    with pytest.raises(proof_file.BadProof, match="malformed_file"):
        proof_file.read(text.encode())


async def test_a_key_is_needed_and_a_file(sh: Shell, log: MadeLog, put: Put):
    assert (await sh("audit", "verify-proof", put(saved(log, 3)))).code == 2
    assert (await sh("audit", "verify-proof", "/no/such/file", "--log-key", log.key.vkey)).code == 2
