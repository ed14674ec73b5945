"""--witness: a log, and a proof, of which a reader is told whether those that it trusts have seen it."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.cosignature import WitnessKey
from counterfoil.wire.merkle import path
from counterfoil.wire.receipt import write_proof
from tests.cli.shell import Said, Shell
from tests.support.made_log import MadeLog, facts

SIZE, AT = 40, 1_790_000_000
ONE, TWO, THREE = (WitnessKey(f"witness.test/w{number}", bytes([number]) * 32) for number in (1, 2, 3))
Put = Callable[..., str]


@pytest.fixture(scope="module")
def log() -> MadeLog:
    return MadeLog.of(SIZE)


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def written(text: str, name: str = "file.json") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return written


def cosigned(note: str, *by: WitnessKey) -> str:
    return note + "".join(one.cosign(checkpoints.parse(note).body, AT) for one in by)


def named(*keys: WitnessKey) -> list[str]:
    return [word for key in keys for word in ("--witness", key.vkey)]


async def asked(sh: Shell, log: MadeLog, verb: str, file: str, *more: str) -> tuple[Said, dict[str, Any]]:
    said = await sh("audit", verb, file, "--log-key", log.key.vkey, "-o", "json", *more)
    return said, json.loads(said.out or "{}")


def proof(log: MadeLog, *by: WitnessKey, head: str | None = None) -> str:
    made = write_proof(17, path(17, log.hashes()), cosigned(head or log.head(), *by))
    return json.dumps({"leaf": log.leaves[17].decode(), "proof": made})


async def test_a_proof_whose_head_is_cosigned_holds_and_says_by_whom(sh: Shell, log: MadeLog, put: Put):
    said, found = await asked(sh, log, "verify-proof", put(proof(log, ONE, TWO)), *named(ONE, TWO))

    assert (said.code, found["witnessed_by"]) == (0, [ONE.name, TWO.name])
    assert found["signed_by"] == ["log.test", ONE.name, TWO.name]
    assert sh.gateway.asked == []


async def test_nobody_needs_a_witness_who_does_not_ask_for_one(sh: Shell, log: MadeLog, put: Put):
    said, found = await asked(sh, log, "verify-proof", put(proof(log, ONE)))

    assert (said.code, "witnessed_by" in found) == (0, False)


@pytest.mark.parametrize(
    ("by", "options", "code"),
    [
        ((), named(ONE), 1),
        ((TWO,), named(ONE), 1),
        ((ONE,), named(ONE, TWO), 1),
        ((ONE,), [*named(ONE, TWO), "--witnesses", "1"], 0),
        ((THREE, ONE), [*named(ONE, TWO, THREE), "--witnesses", "2"], 0),
        ((THREE,), [*named(ONE, TWO, THREE), "--witnesses", "2"], 1),
    ],
)
async def test_as_many_as_are_wanted_have_to_have_cosigned(
    sh: Shell, log: MadeLog, put: Put, by: tuple[WitnessKey, ...], options: list[str], code: int
):
    proven = await asked(sh, log, "verify-proof", put(proof(log, *by)), *options)
    verified = await asked(sh, log, "verify", put(log.export(head=cosigned(log.head(), *by))), *options)

    for said, found in (proven, verified):
        assert (said.code, found["valid"], found.get("code") == "not_witnessed") == (code, not code, bool(code))
        assert (
            code == 0 or f"no cosignature of {', '.join(one.name for one in (ONE, TWO, THREE) if one.vkey in options and one not in by)}" in said.err
        )


def spoiled(log: MadeLog) -> dict[str, str]:
    good, other = cosigned(log.head(), ONE), cosigned(log.head(30), ONE)
    stranger = WitnessKey(ONE.name, bytes([9]) * 32)
    line, wrong = good.splitlines()[-1], other.splitlines()[-1]
    return {
        "of another head": good.replace(line, wrong),
        "over another time": cosigned(log.head()).rstrip("\n") + "\n" + later(line),
        "one good, one bad": good + wrong + "\n",
        "of another key by that name": cosigned(log.head(), stranger),
        "without a time": log.head() + ONE.cosign(checkpoints.parse(log.head()).body, 0),
    }


def later(line: str) -> str:
    """The same signature with another time before it."""
    start, _, coded = line.rpartition(" ")
    raw = bytearray(base64.b64decode(coded))
    raw[11] ^= 1
    return f"{start} {base64.b64encode(raw).decode()}\n"


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("of another head", "bad_cosignature"),
        ("over another time", "bad_cosignature"),
        ("one good, one bad", "bad_cosignature"),
        ("of another key by that name", "not_witnessed"),
        ("without a time", "bad_cosignature"),
    ],
)
async def test_a_cosignature_that_is_wrong_is_told(sh: Shell, log: MadeLog, put: Put, what: str, code: str):
    note = spoiled(log)[what]
    proven = await asked(sh, log, "verify-proof", put(proof(log, head=note)), *named(ONE))
    verified = await asked(sh, log, "verify", put(log.export(head=note)), *named(ONE))

    assert [(said.code, found["code"]) for said, found in (proven, verified)] == [(1, code)] * 2


async def test_a_log_is_witnessed_by_a_head_that_was_kept_too_and_up_to_there(sh: Shell, log: MadeLog, put: Put):
    file = put(log.export())
    heads = [put(cosigned(log.head(30), ONE), "one.txt"), put(cosigned(log.head(35), TWO), "two.txt")]
    both = [word for head in heads for word in ("--checkpoint", head)]
    all_of_them = await asked(sh, log, "verify", file, *both, *named(ONE, TWO))
    either = await asked(sh, log, "verify", file, *both, *named(ONE, TWO), "--witnesses", "1")
    without = await asked(sh, log, "verify", file, *named(ONE, TWO))

    assert [(said.code, found.get("witnessed")) for said, found in (all_of_them, either, without)] == [(0, 30), (0, 35), (1, None)]
    assert "--checkpoint" in without[0].err


async def test_a_history_that_the_witness_has_not_seen_is_found_by_its_head(sh: Shell, log: MadeLog, put: Put):
    """The log's key signed both. The reader holds the one, the witness's head is of the other."""
    seen = put(cosigned(log.head(30), ONE), "seen.txt")
    fork = MadeLog(log.key, log.leaves[:20])
    for one in reversed(facts(2)):
        fork.append(one)
    said, found = await asked(sh, log, "verify", put(fork.export()), "--checkpoint", seen, *named(ONE))
    alone, _ = await asked(sh, log, "verify", put(fork.export()), *named(ONE))

    assert len(fork.leaves) > 30
    assert (said.code, found["code"]) == (1, "fork")
    assert alone.code == 1
    assert (await asked(sh, log, "verify", put(fork.export())))[0].code == 0


@pytest.mark.parametrize(
    "options",
    [["--witness", "nonsense"], ["--witnesses", "1"], [*named(ONE), "--witnesses", "2"], [*named(ONE), "--witnesses", "0"], named(ONE, ONE)],
    ids=["no vkey", "none named", "more than named", "zero", "twice"],
)
async def test_what_cannot_be_meant_is_a_usage_error(sh: Shell, log: MadeLog, put: Put, options: list[str]):
    file = put(proof(log, ONE))

    assert (await sh("audit", "verify-proof", file, "--log-key", log.key.vkey, *options)).code == 2
    assert (await sh("audit", "verify", file, "--log-key", log.key.vkey, *options)).code == 2


async def test_a_log_key_is_no_witness(sh: Shell, log: MadeLog, put: Put):
    said = await sh("audit", "verify-proof", put(proof(log, ONE)), "--log-key", log.key.vkey, "--witness", log.key.vkey)

    assert said.code == 2
