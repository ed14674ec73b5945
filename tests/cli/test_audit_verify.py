"""counterfoil audit verify: a good log holds, and of a bad one it says where and what."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil.audit import export_file
from counterfoil.audit.chain import Chain
from counterfoil.wire.canonical import canonical
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import leaf_hash, root
from tests.cli.shell import Said, Shell
from tests.support.made_log import ORIGIN, MadeLog

SIZE = 60
Lines = list[str]


@pytest.fixture(scope="module")
def log() -> MadeLog:
    return MadeLog.of(SIZE)


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str], str]:
    def written(text: str, name: str = "log.jsonl") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return written


Put = Callable[..., str]


async def verified(sh: Shell, log: MadeLog, file: str, *more: str) -> tuple[Said, Any]:
    said = await sh("audit", "verify", file, "--log-key", log.key.vkey, "-o", "json", *more)
    return said, json.loads(said.out) if said.out else None


async def test_a_good_log_holds(sh: Shell, log: MadeLog, put: Put):
    said, found = await verified(sh, log, put(log.export()), "--checkpoint", put(log.head(17), "old.txt"))

    assert said.code == 0
    assert found == {"valid": True, "origin": ORIGIN, "size": SIZE, "root": root(log.hashes()).hex(), "heads": 2}
    assert sh.gateway.asked == []


async def test_without_a_head_kept_elsewhere_it_says_what_it_cannot_tell(sh: Shell, log: MadeLog, put: Put):
    said, _ = await verified(sh, log, put(log.export()))

    assert said.code == 0
    assert "only a head kept elsewhere can tell" in said.err


async def test_the_root_alone_can_be_had_and_the_key_may_come_from_the_environment(sh: Shell, log: MadeLog, put: Put):
    sh.env["COUNTERFOIL_LOG_KEY"] = f"{LogKey.generate('other.test').vkey} {log.key.vkey}"

    assert (await sh("audit", "verify", put(log.export()), "-o", "token")).out == root(log.hashes()).hex() + "\n"


def rechained(log: MadeLog, at: int, change: Callable[[dict[str, Any]], None]) -> str:
    """By somebody who can write but not sign: one leaf is changed, and all after it are made to fit."""
    leaves, last = log.leaves[:at], leaf_hash(log.leaves[at - 1]) if at else bytes(32)
    for place, leaf in enumerate(log.leaves[at:], at):
        members = json.loads(leaf) | {"prev": last.hex()}
        change(members) if place == at else None
        leaves.append(canonical(members))
        last = leaf_hash(leaves[-1])
    return MadeLog(log.key, leaves).export(head=log.head())


def text_of(members: dict[str, Any]) -> None:
    members["fact"]["at"] = "2020-01-01T00:00:00Z"


def edited(at: int) -> Callable[[Lines], Lines]:
    def edit(lines: Lines) -> Lines:
        found = json.loads(lines[at])
        found["leaf"] = found["leaf"].replace('"v":1', '"v":1 ')
        return [*lines[:at], json.dumps(found), *lines[at + 1 :]]

    return edit


@pytest.mark.parametrize(
    ("change", "code", "index", "words"),
    [
        (edited(7), "not_canonical", 7, "leaf 7 is not in canonical form"),
        (lambda lines: [*lines[:7], *lines[8:]], "missing", 7, "leaf 7 is missing"),
        (lambda lines: [*lines[:7], lines[6], *lines[7:]], "out_of_order", 6, "comes again"),
        (lambda lines: [*lines[:7], lines[8], lines[7], *lines[9:]], "missing", 7, "leaf 7 is missing"),
        (lambda lines: [*lines[:7], lines[7].replace('"index":7', '"index":8')], "missing", 7, "leaf 7"),
        (lambda lines: [*lines[:7], lines[8].replace('"index":8', '"index":7'), *lines[9:]], "wrong_seq", 7, "does not say that it is this leaf"),
        (lambda lines: lines[:-1], "truncated", SIZE, "no checkpoint at its end"),
        (lambda lines: [*lines[:30], lines[-1]], "truncated", 30, "only 30 stand here"),
        (lambda lines: [lines[-1], *lines], "malformed", 0, "goes on after its checkpoint"),
    ],
)
async def test_it_says_what_is_wrong_and_where(
    sh: Shell, log: MadeLog, put: Put, change: Callable[[Lines], Lines], code: str, index: int, words: str
):
    said, found = await verified(sh, log, put("\n".join([*change(log.export().splitlines()), ""])))

    assert said.code == 1
    assert (found["valid"], found["code"], found["index"]) == (False, code, index)
    assert words in said.err


async def test_a_changed_leaf_is_told_by_the_next(sh: Shell, log: MadeLog, put: Put):
    lines = log.export().splitlines()
    members = json.loads(log.leaves[7])
    text_of(members)
    lines[7] = export_file.leaf_line(7, canonical(members).decode())
    said, found = await verified(sh, log, put("\n".join([*lines, ""])))

    assert (said.code, found["code"], found["index"]) == (1, "wrong_prev", 7)
    assert "leaf 8 does not follow on leaf 7" in said.err


async def test_a_log_that_was_made_to_fit_is_told_by_its_root_and_bracketed_by_old_heads(sh: Shell, log: MadeLog, put: Put):
    file = put(rechained(log, 33, text_of))
    heads = [part for size in (20, 40) for part in ("--checkpoint", put(log.head(size), f"{size}.txt"))]
    (alone, first), (bracketed, second) = await verified(sh, log, file), await verified(sh, log, file, *heads)

    assert (alone.code, first["code"], first["index"]) == (1, "wrong_root", 0)
    assert (bracketed.code, second["code"], second["index"]) == (1, "wrong_root", 20)
    assert "a leaf from 20 to 39" in bracketed.err


async def test_a_log_that_was_cut_back_to_an_older_head_is_told_by_a_newer_one_only(sh: Shell, log: MadeLog, put: Put):
    file = put(MadeLog(log.key, log.leaves[:30]).export())
    (alone, _), (against, found) = await verified(sh, log, file), await verified(sh, log, file, "--checkpoint", put(log.head(), "new.txt"))

    assert alone.code == 0
    assert (against.code, found["code"], found["index"]) == (1, "truncated", 30)


async def test_leaves_beyond_the_head_are_signed_by_nobody(sh: Shell, log: MadeLog, put: Put):
    said, found = await verified(sh, log, put(log.export(head=log.head(30))))

    assert (said.code, found["code"], found["index"]) == (1, "unsigned", 30)


async def test_two_histories_are_told_by_a_head_of_the_other(sh: Shell, log: MadeLog, put: Put):
    other = MadeLog(log.key, [json.loads(line)["leaf"].encode() for line in rechained(log, 33, text_of).splitlines()[:-1]])
    for size in (40, SIZE):
        said, found = await verified(sh, log, put(log.export()), "--checkpoint", put(other.head(size), "other.txt"))

        assert (said.code, found["code"]) == (1, "fork")
        assert "two histories" in said.err


async def test_heads_of_one_size_that_differ_are_a_fork_whatever_the_log_is(sh: Shell, log: MadeLog, put: Put):
    other = log.key.sign(ORIGIN, 20, bytes(32))
    kept = put(export_file.head_line(log.head(20)) + "\n" + export_file.head_line(other) + "\n", "heads.jsonl")
    said, found = await verified(sh, log, put(log.export()), "--checkpoint", kept)

    assert (said.code, found["code"]) == (1, "fork")


async def test_an_export_may_go_on_where_another_ended(sh: Shell, log: MadeLog, put: Put):
    first, second = put(log.export(0, 25), "first.jsonl"), put(log.export(25), "second.jsonl")
    alone, both = await sh("audit", "verify", second, "--log-key", log.key.vkey), await verified(sh, log, second, "--from-export", first)

    assert alone.code == 2
    assert "begins with leaf 25" in alone.err
    assert (both[0].code, both[1]["size"], both[1]["heads"]) == (0, SIZE, 2)


async def test_a_part_up_to_a_leaf_is_whole_with_what_follows(sh: Shell, log: MadeLog, put: Put):
    first, second = put(log.export(0, 25, head=log.head()), "first.jsonl"), put(log.export(25), "second.jsonl")

    assert (await verified(sh, log, first))[1]["code"] == "truncated"
    assert (await verified(sh, log, second, "--from-export", first))[0].code == 0


async def test_a_head_of_another_key_or_another_log_is_refused(sh: Shell, log: MadeLog, put: Put):
    other = LogKey.generate(ORIGIN)
    by_other = await verified(sh, log, put(log.export(head=other.sign(ORIGIN, SIZE, root(log.hashes())))))
    elsewhere = await verified(sh, log, put(log.export(head=log.key.sign("elsewhere.test", SIZE, root(log.hashes())))))

    assert (by_other[0].code, by_other[1]["code"]) == (1, "unknown_key")
    assert (elsewhere[0].code, elsewhere[1]["code"]) == (1, "wrong_origin")


@pytest.mark.parametrize("line", ["", "{", "[]", '{"index":true,"leaf":"x"}', '{"index":0,"leaf":"x","more":1}', '{"index":0,"index":0,"leaf":"x"}'])
async def test_a_line_that_is_none_is_named(sh: Shell, log: MadeLog, put: Put, line: str):
    lines = log.export().splitlines()
    said, found = await verified(sh, log, put("\n".join([*lines[:3], line, *lines[3:], ""])))

    assert (said.code, found["code"], found["line"]) == (1, "malformed_line", 4)


async def test_a_line_without_end_is_refused_before_it_fills_the_memory(sh: Shell, log: MadeLog, put: Put):
    said, found = await verified(sh, log, put("{" * (export_file.LONGEST + 10)))

    assert (said.code, found["code"]) == (1, "line_too_long")


async def test_without_a_key_nothing_is_believed(sh: Shell, log: MadeLog, put: Put):
    none, no_key, no_file = (
        await sh("audit", "verify", put(log.export())),
        await sh("audit", "verify", put(log.export()), "--log-key", "rubbish"),
        await sh("audit", "verify", "/no/such/file", "--log-key", log.key.vkey),
    )

    assert (none.code, no_key.code, no_file.code) == (2, 2, 2)
    assert "give the log's public key" in none.err


def test_the_chain_keeps_no_more_than_the_edge(log: MadeLog):
    chain = Chain()
    for at, leaf in enumerate(log.leaves, 1):
        chain.add(leaf)
        assert len(chain.edge.peaks) == at.bit_count()
        assert chain.root() == root(log.hashes(at))
    assert Chain(chain.edge, chain.last).root() == chain.root()


def test_an_export_reads_as_it_was_written(log: MadeLog):
    lines = list(export_file.read(io.BytesIO(log.export().encode())))

    assert lines[:-1] == [export_file.Leaf(at, leaf) for at, leaf in enumerate(log.leaves)]
    assert lines[-1] == export_file.Head(log.head())
