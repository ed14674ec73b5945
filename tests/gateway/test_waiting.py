"""Callers who wait: whose answer counts, and what becomes of an answer that nobody takes."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from counterfoil.contracts.exchange_replied import ExchangeReplied
from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil.wire.kafka import KafkaError
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry.logs import Line
from tests.gateway.bus import Asked_, Keys, Raw, minted
from tests.gateway.conftest import Town, town
from tests.gateway.test_token_door import FORM, ask


async def in_ledger(root: asyncpg.Connection, asked: Asked_, state: str = "active") -> Any:
    """The row that mint wrote for it."""
    fact = minted(asked)
    await root.execute(
        "INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class,"
        " connector, installation, project, environment, deadline, ends_by_itself, sent_at, window_closes_at, expires_at) VALUES ($1, $2, $3, 1, $4,"
        " 'd', $5, 'w', $6, 1, 'by_name', 'postgres/demo', 'default', 'web', 'production', now(), false, now(), now(), now() + interval '5 min')",
        fact.issuer, fact.sub_hash, asked.envelope.request_id, fact.credential_id, asked.request_hash, state,
    )  # fmt: skip
    return fact.credential_id


async def ends(root: asyncpg.Connection) -> dict[Any, str]:
    return {row["credential_id"]: row["cause"] for row in await root.fetch("SELECT credential_id, cause FROM revocation")}


async def settled(gateway: Town) -> None:
    """Until nothing is on its way any more."""
    await until(lambda: not (gateway.bus._delivering or len(gateway.undelivered) or len(gateway.waiting)))


async def until(done: Any) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.01)


FOREIGN = {
    "signed by nobody": lambda bus, asked: stripped(bus.reply(asked, minted(asked))),
    "signed by the wrong role": lambda bus, asked: bus.reply(asked, minted(asked), signer=bus.keys.policy),
    "signed by a stranger": lambda bus, asked: bus.reply(asked, minted(asked), signer=type(bus.keys.audit).generate("audit")),
    "no JSON": lambda bus, asked: changed(bus.reply(asked, minted(asked)), b"{"),
    "of an unknown version": lambda bus, asked: of_version(bus.reply(asked, minted(asked)), b"counterfoil.exchange.replied.v2"),
    "sealed for another question": lambda bus, asked: bus.raw(renamed(bus, asked)),
    "another instance's": lambda bus, asked: bus.reply(asked, minted(asked), instance="client-7"),
    "about another request's leaf": lambda bus, asked: bus.reply(another(asked), minted(another(asked)), about=asked),
}


def stripped(raw: Raw) -> Raw:
    raw.headers = [(name, value) for name, value in raw.headers if name != "signature"]
    return raw


def changed(raw: Raw, value: bytes) -> Raw:
    raw.value = value
    return raw


def of_version(raw: Raw, kind: bytes) -> Raw:
    raw.headers = [(name, kind if name == "ce_type" else value) for name, value in raw.headers]
    return raw


def another(asked: Asked_) -> Asked_:
    """The same envelope under another id: a leaf that is as valid, and not this one's."""
    found = Asked_.__new__(Asked_)
    found.__dict__ |= asked.__dict__ | {"envelope": asked.envelope.model_copy(update={"request_id": uuid4()}), "request_hash": "e" * 64}
    return found


def renamed(bus: Any, asked: Asked_) -> ExchangeReplied:
    """A box for another question under this one's name."""
    other = another(asked)
    raw: Raw = bus.reply(other, minted(other))
    return ExchangeReplied.model_validate_json(raw.value).model_copy(update={"request_hash": asked.request_hash})


@pytest.mark.parametrize("case", FOREIGN)
async def test_a_reply_that_does_not_check_is_ignored_and_the_right_one_still_counts(gateway: Town, case: str):
    bus = gateway.bus
    bus.answers = lambda asked: [FOREIGN[case](bus, asked)]
    waits = asyncio.create_task(ask(gateway))
    await until(lambda: bus.asked and not bus._delivering)
    assert not waits.done()

    await bus.deliver([bus.reply(bus.asked[0], minted(bus.asked[0]))])

    assert (await waits).status_code == 200


async def test_nobodys_answer_in_time_is_a_504_and_its_late_credential_is_ended(db: Pool, root: asyncpg.Connection, keyed: tuple[KeyRing, Keys]):
    async with town(db, root, *keyed, patience=0.2) as gateway:
        gateway.bus.answers = lambda _: []

        answer = await ask(gateway)

        assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (504, "late", True)
        credential = await in_ledger(root, asked := gateway.bus.asked[0])
        await gateway.bus.deliver([gateway.bus.reply(asked, minted(asked))])
        await settled(gateway)
        assert await ends(root) == {credential: "undelivered"}
        assert await root.fetchval("SELECT id FROM revocation") == revocation_id(credential)


async def test_the_caller_may_wait_for_less_than_the_gateway_does(gateway: Town):
    gateway.bus.answers = lambda _: []

    answer = await gateway.http.post("/oauth2/token", data=FORM, headers={"prefer": "wait=1"})

    assert answer.status_code == 504
    envelope = gateway.bus.asked[0].envelope
    assert envelope.deadline - gateway.asker.now() < timedelta(seconds=1)


async def test_who_hangs_up_before_the_answer_has_its_credential_ended(gateway: Town):
    gateway.bus.answers = lambda _: []
    receive, left = hanging_up()
    waits = asyncio.create_task(gateway.app(scope(), receive, sent := Sent()))
    await until(lambda: gateway.bus.asked)
    left.set()
    await waits
    credential = await in_ledger(gateway.root, asked := gateway.bus.asked[0])

    await gateway.bus.deliver([gateway.bus.reply(asked, minted(asked))])
    await settled(gateway)

    assert await ends(gateway.root) == {credential: "undelivered"}
    assert b"hunter2" not in sent.body


async def test_who_hangs_up_while_the_answer_is_there_is_not_handed_it(gateway: Town):
    receive, left = hanging_up()
    minted_rows = []

    async def deliver(replies: Any) -> None:
        minted_rows.append(await in_ledger(gateway.root, gateway.bus.asked[0]))
        await gateway.replies.on_batch(replies)
        left.set()

    gateway.bus.deliver = deliver
    await gateway.app(scope(), receive, sent := Sent())
    await settled(gateway)

    assert await ends(gateway.root) == {minted_rows[0]: "undelivered"}
    assert b"hunter2" not in sent.body


async def test_a_reply_that_comes_twice_ends_nothing(gateway: Town):
    twice: list[Raw] = []

    def answers(asked: Asked_) -> list[Raw]:
        twice.append(gateway.bus.reply(asked, minted(asked)))
        return twice

    gateway.bus.answers = answers
    assert (await ask(gateway)).status_code == 200
    await in_ledger(gateway.root, gateway.bus.asked[0])

    await gateway.bus.deliver(twice)
    await settled(gateway)

    assert await ends(gateway.root) == {}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE connector SET state = 'fenced'",
        "UPDATE connector SET epoch = 2",
        "DELETE FROM connector",
        "INSERT INTO block (id, sub_hash, since) VALUES (gen_random_uuid(), repeat('a', 64), now())",
        "INSERT INTO block (id, project, environment, since) VALUES (gen_random_uuid(), 'web', 'production', now())",
    ],
)
async def test_a_credential_that_fell_under_a_fence_or_block_on_its_way_is_not_handed_over(gateway: Town, change: str):
    await gateway.root.execute(change)

    answer = await ask(gateway)

    assert (answer.status_code, answer.json()["code"]) == (502, "revoked")
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO block (id, project, environment, since) VALUES (gen_random_uuid(), 'web', 'preview', now())",
        "INSERT INTO block (id, project, since, lifted_at) VALUES (gen_random_uuid(), 'web', now(), now())",
        "INSERT INTO block (id, project, since, until) VALUES (gen_random_uuid(), 'web', now() - interval '2 h', now() - interval '1 h')",
    ],
)
async def test_a_block_that_is_another_callers_or_over_stops_nobody(gateway: Town, change: str):
    await gateway.root.execute(change)

    assert (await ask(gateway)).status_code == 200


async def test_while_the_audit_log_is_behind_nothing_is_asked(gateway: Town):
    await gateway.root.execute("UPDATE heartbeat SET caught_up_to = now() - interval '6 s'")

    answer = await ask(gateway)

    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "audit_unavailable", "1")
    assert gateway.bus.asked == []


async def test_a_bus_that_is_away_is_said_at_once(gateway: Town):
    gateway.bus.fault = KafkaError("no broker")

    answer = await ask(gateway)

    assert (answer.status_code, answer.json()["code"], answer.json()["error"]) == (503, "unavailable", "temporarily_unavailable")


async def test_an_accident_tells_nothing(gateway: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    def fails(_: str) -> bytes:
        raise ZeroDivisionError("hunter2-canary")

    with monkeypatch.context() as broken:
        broken.setattr(gateway.keys, "recipient", fails)
        answer = await ask(gateway)

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text
    assert "hunter2" not in "".join(Line("gateway").format(record) for record in caplog.records)
    assert (await ask(gateway)).status_code == 200


async def test_two_callers_with_the_very_same_bytes_are_not_given_each_others_answer(gateway: Town):
    """The same id, wish and microsecond, and two tokens: the hash cannot tell whose the answer is."""
    moment = gateway.asker.now()
    object.__setattr__(gateway.asker, "now", lambda: moment)
    gateway.bus.answers = lambda _: []
    request_id = str(uuid4())
    first = asyncio.create_task(ask(gateway, request_id=request_id, subject_token="a.a.a"))
    await until(lambda: gateway.bus.asked)

    second = await ask(gateway, request_id=request_id, subject_token="b.b.b")

    assert (second.status_code, second.json()["code"]) == (503, "in_progress")
    asked = gateway.bus.asked[0]
    await gateway.bus.deliver([gateway.bus.reply(asked, minted(asked))])
    assert (await first).status_code == 200
    assert [one.token for one in gateway.bus.asked] == ["a.a.a"]


async def test_a_hundred_callers_at_once_each_get_their_own(gateway: Town):
    answers = await asyncio.gather(*(ask(gateway, request_id=str(uuid4())) for _ in range(100)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["credential_id"] for answer in answers}) == 100
    assert gateway.handed.next_offset == gateway.bus.offset + 1


def scope() -> dict[str, Any]:
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    return {"type": "http", "method": "POST", "path": "/oauth2/token", "raw_path": b"/oauth2/token", "query_string": b"", "headers": headers,
            "http_version": "1.1", "scheme": "http", "server": ("gateway.test", 80), "client": ("127.0.0.1", 1), "root_path": ""}  # fmt: skip


def hanging_up() -> tuple[Any, asyncio.Event]:
    body = httpx.Request("POST", "http://x", data=FORM).content
    messages, left = [{"type": "http.request", "body": body, "more_body": False}], asyncio.Event()

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    return receive, left


class Sent:
    """What was sent to a caller."""

    def __init__(self) -> None:
        self.body = b""

    async def __call__(self, message: dict[str, Any]) -> None:
        self.body += message.get("body", b"")
