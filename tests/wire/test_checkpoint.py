"""Checkpoints: a real one of a public log, rotation, and every change."""

import base64

import pytest

from counterfoil.wire.checkpoint import BadCheckpoint, LogKey, check, parse

ORIGIN = "log.example/audit"
ROOT = bytes(range(32))
OLD, NEW, OTHER = LogKey.generate(ORIGIN), LogKey.generate(ORIGIN), LogKey.generate("other.example/log")
NOTE = OLD.sign(ORIGIN, 42, ROOT)

# Go's checksum database, as it stands in the documentation of c2sp.org/tlog-checkpoint, with its own origin line.
SUMDB_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUMDB = """go.sum database tree
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""


def code(note: str, *keys: LogKey, origin: str | None = None) -> str:
    with pytest.raises(BadCheckpoint) as caught:
        check(note, [key.vkey for key in keys or (OLD,)], origin)
    return caught.value.code


def test_a_real_checkpoint_of_a_public_log_is_good() -> None:
    head = check(SUMDB, [SUMDB_VKEY], origin="go.sum database tree")
    assert (head.origin, head.size) == ("go.sum database tree", 20852163)
    assert head.root == base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    with pytest.raises(BadCheckpoint, match="bad_signature"):
        check(SUMDB.replace("20852163", "20852164"), [SUMDB_VKEY], origin="go.sum database tree")


def test_what_is_signed_is_read_back() -> None:
    head = check(NOTE, [OTHER.vkey, OLD.vkey])
    assert (head.origin, head.size, head.root) == (ORIGIN, 42, ROOT)
    assert head.body == f"{ORIGIN}\n42\n{base64.b64encode(ROOT).decode()}\n"
    assert [(each.name, each.key_id) for each in head.signatures] == [(ORIGIN, OLD.key_id)]


def test_during_rotation_either_key_suffices() -> None:
    note = NEW.cosign(NOTE)
    for keys in ([OLD], [NEW], [OLD, NEW]):
        assert check(note, [key.vkey for key in keys]).size == 42
    assert len(parse(note).signatures) == 2


def test_signatures_of_strangers_are_ignored_but_do_not_count() -> None:
    assert check(OTHER.cosign(NOTE), [OLD.vkey]).size == 42
    assert code(NOTE, NEW) == "unknown_key"
    assert code(NOTE, OTHER) == "unknown_key"
    with pytest.raises(BadCheckpoint, match="unknown_key"):
        check(NOTE, [])


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    forged = NEW.sign(ORIGIN, 43, ROOT).splitlines()[-1]
    assert code(NOTE + forged + "\n", OLD, NEW) == "bad_signature"
    assert check(NOTE + forged + "\n", [OLD.vkey]).size == 42


def test_a_key_speaks_for_the_log_of_its_name_only() -> None:
    assert code(OTHER.sign(ORIGIN, 42, ROOT), OLD, OTHER) == "wrong_origin"
    assert check(OTHER.sign(ORIGIN, 42, ROOT), [OTHER.vkey], origin=ORIGIN).origin == ORIGIN
    assert code(NOTE, OLD, origin="other.example/log") == "wrong_origin"
    assert code(NOTE, OLD, origin="") == "wrong_origin"


def test_every_changed_letter_is_refused() -> None:
    for at in range(len(NOTE)):
        for other in {chr(ord(NOTE[at]) ^ 1), "A", "\n", " ", "\u2014"} - {NOTE[at]}:
            assert code(NOTE[:at] + other + NOTE[at + 1 :]) in {"malformed_checkpoint", "unknown_key", "bad_signature"}, (at, other)


def test_every_cut_is_refused() -> None:
    for at in range(len(NOTE)):
        assert code(NOTE[:at]) in {"malformed_checkpoint", "bad_signature"}
        assert code(NOTE[at + 1 :]) in {"malformed_checkpoint", "bad_signature"}


LINES = ["origin", "1", base64.b64encode(ROOT).decode()]
GOOD = "\u2014 key " + base64.b64encode(bytes(5)).decode()


def note(*lines: str, signatures: tuple[str, ...] = (GOOD,)) -> str:
    return "\n".join(lines) + "\n\n" + "".join(line + "\n" for line in signatures)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        note(*LINES)[:-1],
        note(*LINES) + "\n",
        note(*LINES).replace("\n", "\r\n"),
        note(*LINES[:2]),
        note("", *LINES[1:]),
        note("origin", "01", LINES[2]),
        note("origin", "-1", LINES[2]),
        note("origin", "+1", LINES[2]),
        note("origin", "\u0661", LINES[2]),
        note("origin", str(2**63), LINES[2]),
        note("origin", "1", base64.b64encode(bytes(31)).decode()),
        note("origin", "1", base64.b64encode(bytes(33)).decode()),
        note("origin", "1", LINES[2][:-2] + "9="),
        note("origin", "1", LINES[2][:-1]),
        note(*LINES, ""),
        note(*LINES, "", "x"),
        note("\x00rigin", *LINES[1:]),
        note("orig\tin", *LINES[1:]),
        note("orig\ud800in", *LINES[1:]),
        note(*LINES, signatures=()),
        note(*LINES, signatures=("",)),
        note(*LINES, signatures=("- key AAAAAAA=",)),
        note(*LINES, signatures=("key AAAAAAA=",)),
        note(*LINES, signatures=("\u2014 key AAAA",)),
        note(*LINES, signatures=("\u2014 key AAAAAA==",)),
        note(*LINES, signatures=("\u2014 key",)),
        note(*LINES, signatures=("\u2014  AAAAAAA=",)),
        note(*LINES, signatures=("\u2014 a b AAAAAAA=",)),
        note(*LINES, signatures=("\u2014 a+b AAAAAAA=",)),
        note(*LINES, signatures=(GOOD,) * 33),
        note(*LINES, "x" * (1 << 17)),
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint, match="malformed_checkpoint"):
        parse(text)


def test_extension_lines_and_sixteen_signatures_are_accepted() -> None:
    head = parse(note(*LINES, "extension", "and another", signatures=(GOOD,) * 16))
    assert head.body.endswith("extension\nand another\n")
    assert len(head.signatures) == 16


def test_an_empty_log_has_a_checkpoint() -> None:
    assert check(OLD.sign(ORIGIN, 0, ROOT), [OLD.vkey]).size == 0


def test_a_malformed_pinned_key_is_told_apart_from_a_bad_note() -> None:
    with pytest.raises(BadCheckpoint, match="malformed_key"):
        check(NOTE, [OLD.vkey, "nonsense"])


def test_a_signature_of_another_length_is_bad() -> None:
    short = note(*NOTE.split("\n")[:3], signatures=(f"\u2014 {ORIGIN} {base64.b64encode(OLD.key_id + bytes(10)).decode()}",))
    assert code(short) == "bad_signature"
