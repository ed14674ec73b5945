"""The script that checks a proof in a browser says what our own verifier says: of every leaf of trees of many shapes, and of whatever was changed."""

import json
import subprocess
from typing import Any

import pytest

from counterfoil.wire.armor import to_b64
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import leaf_hash, path
from services.console.assets import STATIC
from tests.console.conftest import __file__ as beside
from tests.support.made_log import MadeLog
from tests.support.node import binary

pytestmark = pytest.mark.counterparts
SCRIPT = STATIC / "own" / "proof.js"
VERIFY = ("proof-verify", "")


def pressed(data: dict[str, str], keys: str, *buttons: tuple[str, str], insecure: bool = False) -> list[list[Any]]:
    node = binary()
    if node is None:
        pytest.skip("Node is not here: run make test-providers")
    harness = beside.replace("conftest.py", "proof_in_node.mjs")
    given = json.dumps({"data": data, "keys": keys, "script": str(SCRIPT), "buttons": buttons, "insecure": insecure})
    ran = subprocess.run([str(node), harness], input=given, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def carried(log: MadeLog, index: int, head: str | None = None) -> dict[str, str]:
    steps = " ".join(to_b64(step) for step in path(index, log.hashes()))
    return {"index": str(index), "path": steps, "checkpoint": head or log.head(), "leaf": log.leaves[index].decode()}


@pytest.mark.parametrize(("size", "index"), [(1, 0), (2, 1), (3, 2), (7, 3), (7, 6), (8, 7), (256, 0), (257, 256), (300, 133)])
def test_a_leaf_is_proven_and_refused_with_one_byte_changed(size: int, index: int):
    log = MadeLog.of(size)
    where = ["leaf", "root", *(["path"] if size > 1 else [])]

    found = pressed(carried(log, index), log.key.vkey, VERIFY, *(("proof-tamper", one) for one in where), ("proof-restore", ""))

    assert [verdict for verdict, _, _ in found] == ["proven", *("refused" for _ in where), "proven"]
    assert leaf_hash(log.leaves[index]).hex() in found[0][2][0]
    assert len(found[0][2]) == len(path(index, log.hashes())) + 3


def test_a_witness_beside_the_log_does_no_harm_and_alone_proves_nothing():
    log, witness = MadeLog.of(5), LogKey.generate("witness.example")
    data = carried(log, 2, witness.cosign(log.head()))

    assert pressed(data, log.key.vkey, VERIFY)[0][0] == "proven"
    assert pressed(data, f"{log.key.vkey}\n{witness.vkey}", VERIFY)[0][0] == "proven"
    assert pressed(data, witness.vkey, VERIFY)[0][:2] == ["refused", "Refused: no key given here signed this head."]


@pytest.mark.parametrize("wrong", ["index", "path", "longer", "key", "signature", "signed", "name", "nothing"])
def test_whatever_else_is_wrong_is_refused(wrong: str):
    log = MadeLog.of(6)
    data, keys, last = carried(log, 2), log.key.vkey, log.head()
    changed = {
        "index": {"index": "3"}, "path": {"path": data["path"].rpartition(" ")[0]}, "longer": {"path": f"{data['path']} {to_b64(bytes(32))}"},
        "signature": {"checkpoint": last[:-12] + ("A" if last[-12] != "A" else "B") + last[-11:]},
        "signed": {"checkpoint": LogKey("log.test", log.key.private_bytes()).sign("log.test", 6, bytes(32))},
        "nothing": {"checkpoint": ""},
    }.get(wrong, {})  # fmt: skip
    keys = {"key": LogKey.generate("log.test").vkey, "name": keys.replace("log.test", "log.tesu")}.get(wrong, keys)

    assert pressed(data | changed, keys, VERIFY)[0][0] == "refused"


def test_a_leaf_in_the_place_of_another_is_refused():
    log = MadeLog.of(4)
    log.leaves[1] = log.leaves[2]

    assert pressed(carried(log, 1), log.key.vkey, VERIFY)[0][:2] == ["refused", "Refused: the leaf says that it is another one."]


def test_without_a_secure_context_it_says_so():
    log = MadeLog.of(2)

    verdict, text, _ = pressed(carried(log, 0), log.key.vkey, VERIFY, insecure=True)[0]

    assert verdict == "unsupported"
    assert "only on https or on localhost" in text
