"""counterfoil audit show, export, gaps: what is read from the gateway, page by page, and what is made of it."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from counterfoil.cli import audit_pages
from tests.cli.served_log import serve
from tests.cli.shell import Said, Shell, ended
from tests.cli.stand_in import Asked
from tests.support.made_log import MadeLog

SIZE = 60


@pytest.fixture(scope="module")
def log() -> MadeLog:
    return MadeLog.of(SIZE)


@pytest.fixture(autouse=True)
def pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_pages, "PAGE", 7)


async def test_an_export_is_every_leaf_and_the_head_that_was_signed_over_them(sh: Shell, log: MadeLog, tmp_path: Path):
    serve(sh, log)
    said = await sh("audit", "export", "-o", str(tmp_path / "log.jsonl"))

    assert (said.code, said.out) == (0, "")
    assert (tmp_path / "log.jsonl").read_text() == log.export()
    assert [file.name for file in tmp_path.iterdir()] == ["log.jsonl"]
    assert (await sh("audit", "verify", str(tmp_path / "log.jsonl"), "--log-key", log.key.vkey)).code == 0


async def test_without_a_file_it_goes_to_stdout_and_nothing_else_does(sh: Shell, log: MadeLog):
    serve(sh, log)

    assert (await sh("audit", "export")).out == log.export()


@pytest.mark.parametrize(
    ("arguments", "first", "end"),
    [
        (("--from", "20"), 20, SIZE), (("--from", "20", "--to", "31"), 20, 31), (("--to", "0"), 0, 0), (("--from", "99"), 99, 99),
        (("--since", "2026-11-24T12:00:30Z"), 30, SIZE), (("--until", "2026-11-24T12:00:30.5Z"), 0, 31),
        (("--since", "2026-11-24T12:00:10+00:00", "--until", "2026-11-24T12:00:12Z"), 10, 12), (("--since", "2030-01-01T00:00:00Z"), SIZE, SIZE),
    ],
)  # fmt: skip
async def test_a_part_is_by_index_or_by_time(sh: Shell, log: MadeLog, arguments: tuple[str, ...], first: int, end: int):
    serve(sh, log)

    assert (await sh("audit", "export", *arguments)).out == log.export(first, end, head=log.head())


async def test_a_log_that_grows_meanwhile_is_written_up_to_the_head_it_began_with(sh: Shell, tmp_path: Path):
    growing = MadeLog.of(20)
    serve(sh, growing)
    door = sh.gateway.says["/v1/audit/leaves"]

    def grown(asked: Asked) -> tuple[int, Any]:
        answer = door(asked)
        growing.leaves.append(growing.leaves[0])
        return answer

    sh.gateway.says["/v1/audit/leaves"] = grown
    await sh("audit", "export", "-o", str(tmp_path / "log.jsonl"))

    assert (await sh("audit", "verify", str(tmp_path / "log.jsonl"), "--log-key", growing.key.vkey)).code == 0


async def test_a_gap_leaves_no_file_and_what_was_there_stays(sh: Shell, log: MadeLog, tmp_path: Path):
    serve(sh, log, [*log.leaves[:30], *log.leaves[31:]])
    file = tmp_path / "log.jsonl"
    file.write_text("before")
    said = await sh("audit", "export", "-o", str(file))

    assert (said.code, file.read_text(), len(list(tmp_path.iterdir()))) == (1, "before", 1)
    assert "counterfoil audit gaps" in said.err


async def test_ctrl_c_leaves_nothing(sh: Shell, log: MadeLog, tmp_path: Path):
    """The log is so long that it would not end by itself."""
    serve(sh, log)
    head, reached, leaf = log.head(), asyncio.Event(), log.leaves[0].decode()

    def endless(asked: Asked) -> tuple[int, Any]:
        start = int(asked.query["after"]) + 1 if "after" in asked.query else 0
        if start > 5000:
            reached.set()
        leaves = [{"index": at, "leaf": leaf} for at in range(start, start + int(asked.query["limit"]))]
        return 200, {"leaves": leaves, "size": 1 << 40, "checkpoint": head}

    sh.gateway.says["/v1/audit/leaves"] = endless
    process = await sh.start("audit", "export", "-o", str(tmp_path / "log.jsonl"))
    await reached.wait()
    assert len(list(tmp_path.iterdir())) == 1  # the part
    said = await ended(process, signal.SIGINT)

    assert said.code != 0
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


async def test_there_has_to_be_a_folder_and_a_log(sh: Shell, tmp_path: Path):
    serve(sh, MadeLog())

    assert (await sh("audit", "export", "-o", str(tmp_path / "none" / "log.jsonl"))).code == 2
    said = await sh("audit", "export")
    assert (said.code, said.out) == (1, "")
    assert "no leaf yet" in said.err


async def test_all_about_a_request_a_credential_or_one_index_is_shown(sh: Shell, log: MadeLog):
    serve(sh, log)
    minted = log.fact(log.find("credential.minted"))
    names = (minted["asked"]["request_id"], minted["credential_id"], "17")
    request, credential, one = [json.loads((await sh("audit", "show", name, "-o", "json")).out) for name in names]

    assert [leaf["leaf"]["fact"]["kind"] for leaf in request][:3] == ["identity.rejected", "identity.verified", "grant.approved"]
    assert {leaf["leaf"]["fact"]["credential_id"] for leaf in credential} == {minted["credential_id"]}
    assert one == [{"index": 17, "leaf": json.loads(log.leaves[17])}]
    assert (await sh("audit", "show", "17", "-o", "token")).out == log.leaves[17].decode() + "\n"
    assert "fact.kind" in (await sh("audit", "show", "17")).out


@pytest.mark.parametrize(("name", "code"), [("soon", 2), ("99", 3), ("11111111-2222-5333-8444-555555555555", 3)])
async def test_what_the_log_does_not_have_cannot_be_shown(sh: Shell, log: MadeLog, name: str, code: int):
    serve(sh, log)

    assert (await sh("audit", "show", name)).code == code


async def gaps(sh: Shell, *more: str) -> tuple[Said, list[tuple[int, str]]]:
    said = await sh("audit", "gaps", "-o", "json", *more)
    return said, [(one["index"], one["code"]) for one in json.loads(said.out)["breaks"]]


async def test_a_whole_log_has_no_gaps_and_its_head_is_kept(sh: Shell, log: MadeLog, tmp_path: Path):
    serve(sh, log)
    seen = tmp_path / "heads.jsonl"

    for _ in range(2):
        said, found = await gaps(sh, "--seen", str(seen))
        assert (said.code, found) == (0, [])
        assert seen.read_text() == json.dumps({"checkpoint": log.head()}, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert "log key: fetched" in said.err


async def test_every_gap_is_listed(sh: Shell, log: MadeLog):
    changed = json.loads(log.leaves[50]) | {"time": "2020-01-01T00:00:00.000000Z"}
    leaves = [leaf for at, leaf in enumerate(log.leaves) if at not in (10, 11, 30, SIZE - 1)]
    leaves[leaves.index(log.leaves[50])] = json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    serve(sh, log, leaves)
    said, found = await gaps(sh)

    assert said.code == 1
    assert found == [(10, "missing"), (30, "missing"), (51, "wrong_prev"), (SIZE - 1, "missing")]
    assert (await sh("audit", "gaps", "-o", "token")).out.split() == ["10", "30", "51", "59"]


async def test_a_log_that_was_cut_back_or_written_anew_shows_against_what_was_seen(sh: Shell, log: MadeLog, tmp_path: Path):
    seen = tmp_path / "heads.jsonl"
    serve(sh, log)
    await gaps(sh, "--seen", str(seen))
    shorter, other = MadeLog(log.key, log.leaves[:30]), MadeLog.of(40)
    serve(sh, shorter)
    cut = await gaps(sh, "--seen", str(seen))
    serve(sh, MadeLog(log.key, other.leaves))
    seen.write_text(json.dumps({"checkpoint": log.key.sign("log.test", 20, bytes(32))}))
    anew = await gaps(sh, "--seen", str(seen))

    assert (cut[0].code, cut[1]) == (1, [(30, "truncated")])
    assert (anew[0].code, anew[1]) == (1, [(19, "wrong_root")])


async def test_a_head_that_another_key_signed_is_a_break(sh: Shell, log: MadeLog):
    serve(sh, log)
    said, found = await gaps(sh, "--log-key", MadeLog().key.vkey)

    assert (said.code, found) == (1, [(0, "unknown_key")])
