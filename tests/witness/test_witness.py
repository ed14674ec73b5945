"""The witness's answers: every status of the specification, and a cosignature that this test works out by hand."""

import base64
import hashlib
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.cosignature import WitnessVKey
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import EMPTY
from tests.witness.conftest import NAME, Bench
from tests.witness.growing import KEY, ORIGIN, Growing, body

LOG, FORK = Growing(), Growing("two", shared=5)


async def test_the_cosignature_is_the_one_of_the_specification(bench: Bench):
    """Nothing of ours is used: key id, message and signature as tlog-cosignature says them."""
    answer = bench.add(LOG.body(0, 7))
    name, key_id, coded = bench.key.vkey.split("+", 2)
    public = base64.b64decode(coded)[1:]
    dash, signer, line = answer.text.removesuffix("\n").split(" ")
    raw = base64.b64decode(line)

    assert (answer.status, answer.kind, answer.text.count("\n")) == (200, "text/plain; charset=utf-8", 1)
    assert (dash, signer, name) == ("\u2014", NAME, NAME)
    assert base64.b64decode(coded)[0] == 4
    assert raw[:4] == hashlib.sha256(NAME.encode() + b"\n\x04" + public).digest()[:4] == bytes.fromhex(key_id)
    (stamp,) = struct.unpack(">Q", raw[4:12])
    text = LOG.head(7).partition("\n\n")[0] + "\n"
    assert stamp == 1_790_000_000
    assert text.splitlines()[:2] == [ORIGIN, "7"]
    Ed25519PublicKey.from_public_bytes(public).verify(raw[12:], b"cosignature/v1\ntime 1790000000\n" + text.encode())


async def test_a_log_that_grows_is_cosigned_again_and_again(bench: Bench):
    assert [bench.add(LOG.body(old, size)).status for old, size in [(0, 1), (1, 7), (7, 7), (7, 8), (8, 300), (300, 700)]] == [200] * 6
    assert bench.memory.note(ORIGIN) == LOG.head(700) + bench.key.cosign(checkpoints.parse(LOG.head(700)).body, int(bench.now))


async def test_an_empty_log_is_cosigned_too_and_only_with_the_root_of_nothing(bench: Bench):
    assert bench.add(body(0, [], KEY.sign(ORIGIN, 0, bytes(32)))).status == 422
    assert bench.add(body(0, [], KEY.sign(ORIGIN, 0, EMPTY))).status == 200
    assert bench.add(LOG.body(0, 3)).status == 200


async def test_whoever_begins_elsewhere_is_told_the_size(bench: Bench):
    """409 with text/x.tlog.size, and nothing more."""
    assert bench.add(LOG.body(3, 7)).text == "0\n"
    bench.add(LOG.body(0, 7))
    answers = [bench.add(LOG.body(0, 9)), bench.add(LOG.body(8, 9)), bench.add(LOG.body(0, 3)), bench.add(FORK.body(3, 7))]

    assert {(one.status, one.kind, one.text) for one in answers} == {(409, "text/x.tlog.size", "7\n")}
    assert checkpoints.parse(bench.memory.note(ORIGIN) or "").size == 7


async def test_an_old_size_beyond_the_checkpoint_is_malformed_and_a_rollback_is_never_cosigned(bench: Bench):
    bench.add(LOG.body(0, 7))

    assert bench.add(body(7, [], LOG.head(5))).status == 400
    assert bench.add(LOG.body(0, 5)).status == 409
    assert checkpoints.parse(bench.memory.note(ORIGIN) or "").size == 7


async def test_a_fork_is_refused_whatever_proof_comes_with_it(bench: Bench):
    bench.add(LOG.body(0, 7))
    before = bench.memory.note(ORIGIN)
    answers = [
        bench.add(FORK.body(7, 9)), bench.add(body(7, LOG.proof(7, 9), FORK.head(9))), bench.add(body(7, [], FORK.head(9))),
        bench.add(body(7, [], FORK.head(7))), bench.add(FORK.body(5, 9)),
    ]  # fmt: skip

    assert [one.status for one in answers] == [422, 422, 422, 422, 409]
    assert bench.memory.note(ORIGIN) == before
    assert bench.add(LOG.body(7, 9)).status == 200


BAD_PROOFS = {
    "one step less": LOG.proof(7, 12)[:-1], "one step more": [*LOG.proof(7, 12), bytes(32)], "none": [], "another's": LOG.proof(6, 12),
    "turned round": LOG.proof(7, 12)[::-1], "a step changed": [bytes(32), *LOG.proof(7, 12)[1:]],
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_PROOFS)
async def test_a_bad_proof_is_refused(bench: Bench, what: str):
    bench.add(LOG.body(0, 7))

    assert bench.add(body(7, BAD_PROOFS[what], LOG.head(12))).status == 422


async def test_there_is_no_proof_from_nothing_and_none_to_itself(bench: Bench):
    assert bench.add(body(0, [bytes(32)], LOG.head(7))).status == 422
    bench.add(LOG.body(0, 7))
    assert bench.add(body(7, [bytes(32)], LOG.head(7))).status == 422


async def test_a_log_that_is_not_known_is_not_found(bench: Bench):
    other = LogKey.generate("other.test/log")

    assert bench.add(Growing(key=other).body(0, 3)).status == 404
    assert bench.add(body(0, [], KEY.sign("other.test/log", 3, bytes(32)))).status == 404
    assert bench.memory.note("other.test/log") is None


async def test_a_signature_has_to_be_good_and_of_a_key_that_is_trusted(bench: Bench):
    stranger = LogKey.generate(ORIGIN)
    changed = LOG.head(3).replace("\n3\n", "\n4\n")

    assert bench.add(body(0, [], stranger.sign(ORIGIN, 3, bytes(32)))).status == 403
    assert bench.add(body(0, [], changed)).status == 403
    assert bench.add(body(0, [], KEY.cosign(changed))).status == 403  # one good, one bad of the same key: a note that nobody may believe
    assert bench.memory.note(ORIGIN) is None


async def test_who_else_has_signed_is_ignored_and_not_repeated(bench: Bench):
    stranger = LogKey.generate("stranger.test")
    assert bench.add(body(0, [], stranger.cosign(LOG.head(7)))).status == 200

    assert [one.name for one in checkpoints.parse(bench.memory.note(ORIGIN) or "").signatures] == [ORIGIN, NAME]


async def test_while_a_log_key_is_rotated_either_is_good(bench: Bench):
    new = LogKey.generate(ORIGIN)
    bench.logs[ORIGIN] = (KEY.vkey, new.vkey)
    assert bench.add(body(0, [], new.cosign(LOG.head(7)))).status == 200
    assert bench.add(body(7, LOG.proof(7, 9), new.sign(ORIGIN, 9, checkpoints.parse(LOG.head(9)).root))).status == 200


async def test_extension_lines_are_cosigned_as_they_stand(bench: Bench):
    text = LOG.head(3).partition("\n\n")[0] + "\nan extension\n"
    note = KEY.cosign(f"{text}\n")
    answer = bench.add(body(0, [], note))

    assert answer.status == 200
    assert WitnessVKey.parse(bench.key.vkey).signed_at(checkpoints.parse(note + answer.text)) == 1_790_000_000


GOOD = LOG.body(7, 12)
MALFORMED = {
    "nothing": b"", "no old": GOOD.removeprefix(b"old "), "no gap": GOOD.replace(b"\n\n", b"\n"), "a leading zero": GOOD.replace(b"old 7", b"old 07"),
    "a sign": GOOD.replace(b"old 7", b"old +7"), "two spaces": GOOD.replace(b"old 7", b"old  7"), "capital": GOOD.replace(b"old", b"Old"),
    "a return": GOOD.replace(b"old 7\n", b"old 7\r\n"), "too large": GOOD.replace(b"old 7", b"old 9223372036854775808"), "not text": b"\xff" + GOOD,
    "a short step": body(7, [bytes(31)], LOG.head(12)), "no base64": GOOD.replace(b"old 7\n", b"old 7\nnot base64\n"),
    "sixty-four steps": body(7, [bytes(32)] * 64, LOG.head(12)), "no checkpoint": b"old 7\n\n", "no signature": GOOD.rpartition(b"\n\n")[0] + b"\n\n",
    "no last newline": GOOD.removesuffix(b"\n"), "an empty line before": b"\n" + GOOD,
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
async def test_what_is_malformed_is_said_to_be(bench: Bench, what: str):
    bench.add(LOG.body(0, 7))

    assert bench.add(MALFORMED[what]).status == 400
    assert bench.add(GOOD).status == 200


async def test_sixty_three_steps_are_read(bench: Bench):
    assert bench.add(body(0, [bytes(32)] * 63, LOG.head(7))).status == 422


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(GOOD) - 1), new=st.binary(max_size=3), cut=st.integers(0, 3))
def test_no_change_of_a_good_body_gets_another_head_cosigned(bench: Bench, at: int, new: bytes, cut: int):
    """Whatever is changed: refused in an orderly way, or it is the same head that was asked for."""
    if bench.memory.note(ORIGIN) is None:
        bench.add(LOG.body(0, 7))
    answer = bench.add(GOOD[:at] + new + GOOD[at + cut :])

    assert answer.status in (200, 400, 403, 404, 409, 422)
    assert checkpoints.parse(bench.memory.note(ORIGIN) or "").root in (checkpoints.parse(LOG.head(size)).root for size in (7, 12))
