"""Recorded grants decided again over the ledger: what was minted, what was refused, and nobody asked for anything."""

from datetime import timedelta
from typing import Any

import pytest

from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.registry import Policy
from counterfoil_server.replay.source import leaves
from services.ops.replay.stage_grants import Grants
from services.ops.replay.stage_mint import Minting
from services.ops.replay.stage_provider import NetworkUse, shadows
from services.ops.replay.stage_tally import Tally
from tests.replay.stages import Walked, checker, row, stream
from tests.support.facts import connector, link


async def compared(traffic: Walked, *, after: timedelta = timedelta(minutes=1), from_leaves: bool = False) -> Tally:
    grants = Grants(Minting(traffic.history(), lambda: traffic.at + after), traffic, checker())
    if from_leaves:
        return await grants.from_leaves(leaves(traffic))
    return await grants.from_topics(stream(one for one in traffic.messages if one.topic.name in ("exchange.authorized", "exchange.minted")))


def walked() -> Walked:
    return Walked(connector(), link())


@pytest.mark.parametrize("from_leaves", [False, True])
async def test_what_was_minted_is_in_the_ledger_and_would_be_minted_again(from_leaves: bool):
    traffic = walked()
    traffic.mint()
    traffic.mint()
    traffic.ask(project="shop")

    tally = await compared(traffic, from_leaves=from_leaves)

    assert (tally.different, dict(tally.equal), dict(tally.apart)) == (0, {"credential.minted": 2}, {})


@pytest.mark.parametrize(
    ("row_changed", "said"),
    [
        (None, "the ledger has no row of the credential"),
        ({"epoch": 2}, "the ledger's row is another"),
        ({"state": "failed"}, "the ledger's row is another"),
        ({"project": "shop"}, "the ledger's row is another"),
    ],
)
async def test_a_ledger_that_says_otherwise_is_shown(row_changed: dict[str, Any] | None, said: str):
    traffic = walked()
    grant = traffic.approve()
    traffic.mint(grant)
    traffic.ledger = {}
    if row_changed is not None:
        traffic.enter(row(grant, traffic.at, **row_changed))

    tally = await compared(traffic)

    assert tally.different == 1
    assert said in "\n".join(tally.lines())


async def test_a_credential_that_rests_on_another_decision_is_shown():
    traffic = walked()
    traffic.mint(decision_hash="e" * 64)

    assert "the answer rests on another decision" in "\n".join((await compared(traffic)).lines())


async def test_what_was_minted_against_a_fence_is_shown():
    traffic = walked()
    traffic.change("fenced", "connector", "postgres/demo")
    traffic.at += timedelta(minutes=1)
    traffic.mint()

    assert "today's code would not" in "\n".join((await compared(traffic)).lines())


async def test_what_was_minted_though_the_registry_had_changed_since_is_shown():
    traffic = walked()
    grant = traffic.approve()
    traffic.at += timedelta(seconds=10)
    traffic.put(Policy(name="a", cedar="forbid (principal, action, resource);"))
    traffic.at += timedelta(seconds=10)
    traffic.mint(grant)

    assert (await compared(traffic)).different == 1


def refused(code: str) -> Walked:
    """Each as it comes about."""
    traffic = walked()
    if code == "revoked":
        traffic.change("fenced", "connector", "postgres/demo")
        traffic.at += timedelta(minutes=1)
    grant = traffic.approve()
    if code == "late":
        traffic.at = grant.asked.deadline
    if code == "stale_decision":
        traffic.put(link())
    if code in ("request_id_reused", "already_answered"):
        earlier(traffic, grant, code)
    traffic.refuse(grant, code)
    return traffic


def earlier(traffic: Walked, grant: GrantApproved, code: str) -> None:
    """Under the same id, and in the ledger."""
    changed = {"request_hash": "9" * 64} | ({"wish_hash": "8" * 64} if code == "request_id_reused" else {})
    first = grant.model_copy(update={"asked": grant.asked.model_copy(update=changed)})
    place = len(traffic.messages)
    traffic.record(first)
    traffic.messages.insert(0, traffic.messages.pop(place))
    traffic.enter(row(first, traffic.at - timedelta(seconds=1)))


@pytest.mark.parametrize("code", ["late", "revoked", "stale_decision", "request_id_reused", "already_answered"])
async def test_a_refusal_comes_out_again(code: str):
    tally = await compared(refused(code))

    assert tally.equal[f"mint.refused: {code}"] == 1


async def test_a_refusal_that_would_not_come_out_again_is_shown():
    traffic = walked()
    traffic.at += timedelta(minutes=1)
    traffic.refuse(traffic.approve(), "revoked")

    tally = await compared(traffic)

    assert "today's code would not refuse it so" in "\n".join(tally.lines())


async def test_a_block_that_was_lifted_refused_until_then():
    traffic = walked()
    block = "00000000-0000-0000-0000-00000000000b"
    traffic.change("blocked", "block", block, {"project": "web"})
    traffic.at += timedelta(minutes=1)
    traffic.refuse(traffic.approve(), "revoked")
    traffic.change("unblocked", "block", block)
    traffic.at += timedelta(minutes=1)
    traffic.mint()

    tally = await compared(traffic)

    assert (tally.different, dict(tally.equal)) == (0, {"mint.refused: revoked": 1, "credential.minted": 1})


async def test_what_no_log_holds_is_set_aside_by_its_code():
    traffic = walked()
    traffic.refuse(traffic.approve(), "audit_unavailable")

    assert dict((await compared(traffic)).apart) == {"audit_unavailable: rests on what no log holds": 1}


async def test_a_grant_without_an_answer_is_missed_once_its_deadline_has_passed():
    traffic = walked()
    traffic.approve()

    assert (await compared(traffic, after=timedelta())).different == 0
    assert "nothing on exchange.minted answers it" in "\n".join((await compared(traffic)).lines())


async def test_a_credential_in_the_ledger_that_nothing_tells_of_is_shown():
    traffic = walked()
    grant = traffic.approve()
    traffic.enter(row(grant, traffic.at))

    assert "the ledger has a credential, and nothing on exchange.minted tells of it" in "\n".join((await compared(traffic)).lines())


def test_a_provider_in_shadow_declares_and_does_nothing():
    shadow = shadows()["postgres"]

    assert (shadow.by_name, shadow.longest > timedelta(0)) == (True, True)
    for name in ("mint", "revoke", "alive", "sweep"):
        with pytest.raises(NetworkUse, match=f"postgres.{name}"):
            getattr(shadow, name)
