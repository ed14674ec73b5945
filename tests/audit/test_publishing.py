"""Publishing: which head, when, and with whose cosignatures; a witness that is away, refuses or lies holds nothing up."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.cosignature import WitnessKey, WitnessVKey
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import leaf_hash
from counterfoil_server.runtime.outbound import Answer, Unfetched
from services.audit import publishing
from services.audit.publishing import Publishing
from services.audit.witnesses import Witness
from services.witness.memory import Memory
from services.witness.witness import Witness as Real
from tests.audit.facts import rejected
from tests.audit.house import ORIGIN, House

KEY, SECOND = WitnessKey("witness.test/w1", bytes(range(32))), WitnessKey("witness.test/w2", bytes(range(1, 33)))
LOG_KEY = LogKey(ORIGIN, bytes(range(2, 34)))
"""One for all tests here: they append to one log."""


class Line:
    """The wire to a real witness, which a test can cut, or answer in its place."""

    def __init__(self, folder: Path, key: WitnessKey) -> None:
        self.memory = Memory(folder / key.key_id.hex())
        self.memory.begin(key.vkey)
        self.real = Real(key, {ORIGIN: (LOG_KEY.vkey,)}, self.memory, lambda: 1_790_000_000.0)
        self.asked: list[bytes] = []
        self.instead: Answer | Unfetched | None = None

    async def send(self, method: str, url: str, content: bytes | None = None) -> Answer:
        assert (method, url) == ("POST", "https://witness.test/add-checkpoint")
        self.asked.append(content or b"")
        if isinstance(self.instead, Unfetched):
            raise self.instead
        return self.instead or answered(self.real, content or b"")


def answered(real: Real, content: bytes) -> Answer:
    answer = real.add(content)
    return Answer(answer.status, httpx.Headers(), answer.text.encode())


class Desk:
    """`at`: what the loop's clock says."""

    def __init__(self, house: House, lines: Sequence[tuple[WitnessKey, Line]]) -> None:
        self.house, self.lines, self.at = house, lines, 0.0
        self.restart()

    def restart(self) -> None:
        witnesses = [Witness("https://witness.test", WitnessVKey.parse(key.vkey), line) for key, line in self.lines]  # type: ignore[arg-type]
        self.loop = Publishing(self.house.writer, self.house.pool, witnesses, lambda: self.at)

    async def grow(self, leaves: int = 1) -> None:
        await self.house.run(*(rejected(self.house.asked()) for _ in range(leaves)))

    async def turn(self, later: float = 5.0) -> list[str]:
        """After so many seconds. The lines of whoever has signed the newest published head."""
        self.at += later
        await self.loop.turn(0)
        return await self.published()

    async def published(self) -> list[str]:
        return [one.name for one in checkpoints.parse(await self.note()).signatures]

    async def note(self) -> str:
        row = await self.house.owner.fetchrow("SELECT size, checkpoint FROM audit_published ORDER BY size DESC LIMIT 1")
        lines = await self.house.owner.fetch("SELECT line FROM audit_cosignature WHERE size = $1 ORDER BY witness", row["size"])
        return str(row["checkpoint"]) + "".join(one["line"] for one in lines)

    async def size(self) -> int:
        found: int = await self.house.owner.fetchval("SELECT size FROM audit_head")
        return found


@pytest.fixture
async def desk(house: House, tmp_path: Path) -> Desk:
    house.log_keys[:] = [LOG_KEY]
    return Desk(house, [(key, Line(tmp_path, key)) for key in (KEY, SECOND)])


async def test_the_newest_head_is_published_with_every_cosignature(desk: Desk):
    await desk.grow(3)
    signed_by = await desk.turn()
    head = checkpoints.check(await desk.note(), [LOG_KEY.vkey], ORIGIN)

    assert signed_by == [ORIGIN, KEY.name, SECOND.name]
    assert head.size == await desk.size()
    assert [WitnessVKey.parse(key.vkey).signed_at(head) for key in (KEY, SECOND)] == [1_790_000_000] * 2


async def test_it_grows_with_its_log_and_each_witness_is_shown_only_what_is_new(desk: Desk):
    await desk.grow(2)
    await desk.turn()
    before = await desk.size()
    await desk.grow(4)
    await desk.turn()
    (_, line), _ = desk.lines

    assert await desk.published() == [ORIGIN, KEY.name, SECOND.name]
    assert line.asked[-1].startswith(f"old {before}\n".encode())
    assert checkpoints.parse(line.memory.note(ORIGIN) or "").size == await desk.size()


async def test_it_is_published_every_five_seconds_or_thousand_leaves_and_not_without_news(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(publishing, "LEAVES", 10)
    (_, line), _ = desk.lines
    await desk.grow()
    await desk.turn()

    async def asks(leaves: int, later: float) -> bool:
        asked = len(line.asked)
        await desk.grow(leaves) if leaves else None
        await desk.turn(later)
        return len(line.asked) > asked

    assert [await asks(*what) for what in ((9, 1), (1, 1), (1, 3.9), (0, 1.2), (0, 5), (0, 100), (1, 0))] == [
        False, True, False, True, False, False, True,
    ]  # fmt: skip


async def test_after_a_restart_the_witness_says_itself_how_far_it_is(desk: Desk):
    await desk.grow()
    await desk.turn()
    (_, line), _ = desk.lines
    desk.restart()
    await desk.grow()
    asked = len(line.asked)

    assert await desk.turn() == [ORIGIN, KEY.name, SECOND.name]
    assert [content.partition(b"\n")[0] for content in line.asked[asked:]] == [b"old 0", f"old {await desk.size() - 1}".encode()]


AWAY = Unfetched("unreachable", "ConnectError")


def said(status: int, text: str) -> Answer:
    return Answer(status, httpx.Headers(), text.encode())


INSTEAD: Mapping[str, Any] = {
    "away": AWAY, "slow": Unfetched("timeout", "no answer", sent=True), "refuses": said(422, "no\n"), "knows no such log": said(404, "no\n"),
    "unwell": said(503, "no\n"), "says nothing": said(200, ""),
    "is no text": Answer(200, httpx.Headers(), b"\xff"), "a bad size": said(409, "many\n"),
    "a size that is not there": said(409, "99999999\n"), "the old size again": said(409, "0\n"),
    "another's cosignature": said(200, WitnessKey.generate("witness.test/w1").cosign("a\n1\nb\n", 1)),
    "of another head": said(200, KEY.cosign("a\n1\nb\n", 1)), "a line that is none": said(200, "- x\n"),
}  # fmt: skip


@pytest.mark.parametrize("what", INSTEAD)
async def test_a_witness_that_does_not_cosign_holds_nothing_up_and_is_asked_again(desk: Desk, caplog: pytest.LogCaptureFixture, what: str):
    (_, line), _ = desk.lines
    line.instead = INSTEAD[what]
    await desk.grow()
    with caplog.at_level("INFO"):
        assert await desk.turn() == [ORIGIN, SECOND.name]
        await desk.turn()
        line.instead = None
        assert await desk.turn() == [ORIGIN, KEY.name, SECOND.name]
    told = [(one.levelname, one.message.partition(":")[0]) for one in caplog.records if "witness" in one.message]

    refusal = ("ERROR", "a witness refuses this log") if what in ("refuses", "a size that is not there") else None
    assert told == [refusal or ("WARNING", "a witness does not cosign, and is asked again"), ("INFO", "a witness cosigns again")]


async def test_a_witness_that_has_seen_another_history_refuses_this_one(desk: Desk):
    """Its log was forked: the same key signed other leaves, and showed those to the witness first."""
    (_, line), _ = desk.lines
    await desk.grow()
    fork = LOG_KEY.sign(ORIGIN, 1, leaf_hash(b"another"))
    assert line.real.add(f"old 0\n\n{fork}".encode()).status == 200

    assert await desk.turn() == [ORIGIN, SECOND.name]
    assert checkpoints.parse(line.memory.note(ORIGIN) or "").size == 1


async def test_without_a_witness_heads_are_published_all_the_same(house: House):
    house.log_keys[:] = [LOG_KEY]
    desk = Desk(house, ())
    await desk.grow()

    assert await desk.turn() == [ORIGIN]
    assert checkpoints.parse(await desk.note()).size == await desk.size()


async def test_who_lost_the_logs_lock_publishes_nothing(desk: Desk):
    await desk.grow()
    await desk.turn()
    before = await desk.note()
    await desk.grow()
    await desk.house.writer.close()

    with pytest.raises(Exception, match="connection is closed"):
        await desk.turn()
    assert await desk.note() == before
