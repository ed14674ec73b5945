"""exchange.verified decided again beside exchange.authorized."""

from datetime import timedelta

from counterfoil.contracts.exchange_authorized import Grounds
from counterfoil_server.domain.grants import Known, unavailable
from counterfoil_server.replay.backtest_kept import NO_EVIDENCE
from counterfoil_server.replay.backtest_rules import Rules
from counterfoil_server.replay.source import leaves
from counterfoil_server.runtime.recorded import Message
from services.ops.replay.stage_authorize import ON_ITS_WAY, Authorize, FromLeaves
from services.ops.replay.stage_tally import Tally
from tests.replay.stages import Walked, checker, stream
from tests.support.facts import NOW, connector, link

LATER = NOW + timedelta(hours=1)


def exchange(traffic: Walked) -> list[Message]:
    return [one for one in traffic.messages if one.topic.name in ("exchange.verified", "exchange.authorized")]


async def compared(traffic: Walked, messages: list[Message] | None = None, *, later: bool = True) -> Tally:
    running = Authorize(Rules(traffic.history()), checker(), lambda: LATER if later else traffic.at)
    return await running.run(stream(exchange(traffic) if messages is None else messages))


async def test_what_was_decided_is_decided_again_byte_by_byte_under_each_revision():
    traffic = Walked(connector(), link())
    traffic.approve()
    traffic.ask(project="shop")
    traffic.remove("link", link().name)
    traffic.ask()

    tally = await compared(traffic)

    assert (tally.different, dict(tally.equal), dict(tally.apart)) == (0, {"grant.approved": 1, "grant.denied": 2}, {})


async def test_a_decision_may_come_before_its_identity_and_an_identity_twice():
    traffic = Walked(connector(), link())
    traffic.approve()
    one, other = exchange(traffic)

    tally = await compared(traffic, [other, one, one, other])

    assert (tally.different, tally.equal["grant.approved"]) == (0, 2)


async def test_another_decision_is_shown_with_what_differs():
    traffic = Walked(connector(), link())
    traffic.approve()
    traffic.replace(len(traffic.messages) - 1, lifetime=7, rule="other")

    tally = await compared(traffic)
    (shown,) = tally.document()["differences"]

    assert tally.different == 1
    assert shown["where"] == "exchange.authorized.v1 0:3"
    assert [one["member"] for one in shown["differences"]] == ["lifetime", "rule"]
    assert "  - lifetime: 7" in "\n".join(tally.lines())


async def test_evidence_of_other_bytes_is_taken_for_what_it_is():
    traffic = Walked(connector(), link())
    grant = traffic.approve()
    traffic.replace(len(traffic.messages) - 2, project="shop")

    tally = await compared(traffic)

    assert grant.project == "web"
    assert tally.equal["grant.approved"] == 1


async def test_a_late_decision_and_one_without_a_registry_come_out_the_same():
    traffic = Walked(connector(), link())
    who = traffic.identity()
    traffic.record(who)
    traffic.record(traffic.decide(who, who.asked.deadline))
    other = traffic.identity()
    traffic.record(other)
    traffic.record(unavailable(other, Known(Grounds(registry_revision=traffic.revision), NO_EVIDENCE), traffic.at))

    tally = await compared(traffic)

    assert (tally.different, tally.equal["grant.denied"]) == (0, 2)


async def test_an_identity_without_a_decision_is_missed_once_its_deadline_has_passed():
    traffic = Walked(connector(), link())
    traffic.record(traffic.identity())

    assert dict((await compared(traffic, later=False)).apart) == {ON_ITS_WAY: 1}
    late = await compared(traffic)
    assert late.different == 1
    assert "nothing on exchange.authorized answers it" in "\n".join(late.lines())


async def test_what_is_not_rightly_signed_decides_nothing():
    traffic = Walked(connector(), link())
    traffic.approve()
    one, other = exchange(traffic)
    forged = Message(one.topic, 0, 0, one.at_ms, one.value, {"signature": other.headers["signature"]})

    assert dict((await compared(traffic, [forged])).apart) == {"exchange.verified: wrong_role, so a dead letter": 1}


async def test_beyond_retention_the_leaves_say_the_same():
    traffic = Walked(connector(), link())
    traffic.approve()
    traffic.ask(project="shop")
    tally = await FromLeaves(Rules(traffic.history())).run(leaves(traffic))

    assert (tally.different, dict(tally.equal)) == (0, {"grant.approved": 1, "grant.denied": 1})


async def test_beyond_retention_a_leaf_that_says_otherwise_is_shown():
    traffic = Walked(connector(), link())
    traffic.approve()
    index, text = traffic.texts[-1]
    traffic.texts[-1] = (index, text.replace(b'"lifetime":900', b'"lifetime":901'))
    tally = await FromLeaves(Rules(traffic.history())).run(leaves(traffic))

    assert [one.member for one in tally.shown[0].differences] == ["lifetime"]
