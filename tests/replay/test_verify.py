"""Every decision of a log is made again: equal, or named with what differs."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil.contracts import exchange_verified
from counterfoil.contracts.exchange_verified import IdentityRejected, IdentityVerified
from counterfoil.wire.canonical import canonical
from counterfoil_server.replay.history import History
from counterfoil_server.replay.source import Window
from services.ops.replay.export import Export
from services.ops.replay.verify import KEPT, Verification
from services.ops.replay.verify_outcome import Tally
from tests.replay.logs import CLAIMS, CONNECTOR, ISSUER, LINK, READ, WORKLOADS, Leaves, exchanges, exported, recorder, small

BOTH = pytest.mark.parametrize("kept", [0, KEPT], ids=["each at length", "answers kept"])


def verified(path: Path, leaves: Leaves, kept: int = KEPT, window: Window | None = None) -> Tally:
    async def run() -> Tally:
        source = Export(exported(path / "log", leaves))
        return await Verification(source, await History.read(source), kept).run(window or Window())

    return asyncio.run(run())


def edited(leaves: Leaves, kind: str, edit: Callable[[dict[str, Any]], object], which: int = -1) -> tuple[int, Leaves]:
    """One leaf of this kind, changed by hand as somebody with the database might, its text canonical again."""
    index = [index for index, text in leaves if f'"kind":"{kind}"'.encode() in text][which]
    members = json.loads(leaves[index][1])
    edit(members["fact"])
    return index, [*leaves[:index], (index, canonical(members)), *leaves[index + 1 :]]


@BOTH
def test_every_decision_of_a_log_is_made_again_and_equal(kept: int, tmp_path: Path):
    found = verified(tmp_path, small(), kept)

    assert found.document()["drift"] == []
    assert set(found.equal) == {"identity.verified", "identity.rejected", "grant.approved", "grant.denied"}
    assert found.equal["identity.rejected"] == 5
    assert dict(found.shape) == {"malformed_wish": 5}
    assert found.decisions == found.leaves - 8
    assert not found.apart


def test_answers_are_kept_and_are_the_same(tmp_path: Path):
    log, leaves = recorder(ISSUER, WORKLOADS, CONNECTOR, LINK)
    leaves += exchanges(log, range(200))

    async def run() -> Verification:
        source = Export(exported(tmp_path / "log", leaves))
        work = Verification(source, await History.read(source))
        await work.run()
        return work

    work = asyncio.run(run())
    assert work.identities.hits > 0.7 * work.identities.asked
    assert work.grants.hits > 0.6 * work.grants.asked  # the pods are another subject each time
    assert work.tally.document() == verified(tmp_path, leaves, 0).document()


LATER = {"identity.verified": 10, "grant.approved": 6, "grant.denied": 4, "identity.rejected": 4}
"""Of the third round of the same callers: by then their answers are kept."""
EDITS: list[tuple[str, str, Callable[[dict[str, Any]], object]]] = [
    ("identity.verified", "claims", lambda fact: fact["claims"].update(environment="preview")),
    ("identity.verified", "project", lambda fact: fact.update(project="api")),
    ("identity.verified", "environment", lambda fact: fact.update(environment="preview")),
    ("identity.verified", "wish", lambda fact: fact["wish"].update(scopes=["write"])),
    ("identity.verified", "id", lambda fact: fact.update(id="00000000-0000-5000-8000-000000000000")),
    ("identity.verified", "asked", lambda fact: fact["asked"].update(wish_hash="0" * 64)),
    ("identity.verified", "asked", lambda fact: fact["asked"].update(deadline="2027-01-01T00:00:00Z")),
    ("identity.verified", "asked", lambda fact: fact["asked"].update(deadline="2026-11-24T12:00:10.000000Z")),
    ("identity.verified", "basis", lambda fact: fact["basis"].update(registry_revision=0)),
    ("identity.verified", "basis", lambda fact: fact["basis"].update(issuer_hash="0" * 64)),
    ("identity.verified", "subject", lambda fact: fact.update(subject="root")),
    ("identity.verified", "new", lambda fact: fact.update(new=1)),
    ("identity.rejected", "basis", lambda fact: fact["basis"].update(issuer_hash="0" * 64)),
    ("identity.rejected", "claims", lambda fact: fact["claims"].update(owner="acme")),
    ("identity.rejected", "claims", lambda fact: fact["claims"].update(ref="refs/heads/side")),
    ("identity.rejected", "claims", lambda fact: fact["claims"].update(new=1)),
    ("identity.rejected", "claims", lambda fact: fact.pop("claims")),
    ("identity.rejected", "message", lambda fact: fact.update(message="the issuer entry ci finds no project in this token")),
    ("identity.rejected", "at", lambda fact: fact.update(at="2026-11-24T13:00:00.000000Z")),
    ("identity.rejected", "code", lambda fact: fact.update(code="expired")),
    ("grant.approved", "scopes", lambda fact: fact.update(scopes=["read", "write"])),
    ("grant.approved", "lifetime", lambda fact: fact.update(lifetime=fact["lifetime"] + 1)),
    ("grant.approved", "rule", lambda fact: fact.update(rule="main-only")),
    ("grant.approved", "caused_by", lambda fact: fact.update(caused_by="00000000-0000-5000-8000-000000000000")),
    ("grant.approved", "evidence", lambda fact: fact["evidence"].update(sha256="0" * 64)),
    ("grant.approved", "revision", lambda fact: fact["grounds"].update(registry_revision=3)),
    ("grant.approved", "policy", lambda fact: fact["grounds"].update(policy_hash="0" * 64)),
    ("grant.approved", "at", lambda fact: fact.update(at="2026-11-24T12:00:59Z")),
    ("grant.denied", "code", lambda fact: fact.update(code="forbidden")),
    ("grant.denied", "message", lambda fact: fact.update(message="no")),
    ("grant.denied", "entitled", lambda fact: fact.update(entitled=not fact["entitled"])),
]


@BOTH
@pytest.mark.parametrize(("kind", "what", "edit"), EDITS, ids=[f"{kind} {what} {at}" for at, (kind, what, _) in enumerate(EDITS)])
def test_one_edit_is_found_where_it_is(kind: str, what: str, edit: Callable[[dict[str, Any]], object], kept: int, tmp_path: Path):
    log, leaves = recorder(ISSUER, WORKLOADS, CONNECTOR, LINK)
    leaves += exchanges(log, range(21))
    index, changed = edited(leaves, kind, edit, which=LATER[kind])

    found = verified(tmp_path, changed, kept)

    assert found.drifted >= 1
    assert index in [one.index for one in found.drifts], what


def test_a_claim_with_members_in_any_order_leads_to_the_bytes_that_were_sent(tmp_path: Path):
    log, leaves = recorder(ISSUER.model_copy(update={"record": frozenset({"deep"})}), CONNECTOR, LINK)
    deep = {"z": [{"y": 1, "a": None}], "\U0001f600": 1, "\uffff": {"b": True, "a": "\u00fc"}}
    leaves += log.exchange(1, log.snapshot.issuers[ISSUER.issuer], "eve", {"owner": "evil", "deep": deep}, READ)

    found = verified(tmp_path, leaves)

    assert (dict(found.equal), dict(found.shape), found.document()["drift"]) == ({"identity.rejected": 1}, {}, [])


def test_a_rejection_of_before_its_claims_were_recorded_is_held_against_its_issuer_entry(tmp_path: Path):
    log, leaves = recorder(ISSUER, CONNECTOR, LINK)
    before = log.identified(ISSUER, "eve", {**CLAIMS, "owner": "evil"}, READ, log.asked(1, READ)).model_copy(update={"claims": None})
    leaves.append(log.leaf(exchange_verified.TOPIC, before))

    found = verified(tmp_path, leaves)

    assert (dict(found.equal), dict(found.shape), found.drifted) == ({}, {"unmapped": 1}, 0)


@BOTH
def test_a_denial_whose_bytes_were_others_is_found(kept: int, tmp_path: Path):
    log, leaves = recorder(ISSUER, WORKLOADS, CONNECTOR, LINK)
    leaves += exchanges(log, range(21))
    index = [index for index, text in leaves if b'"grant.denied"' in text][LATER["grant.denied"]]
    before, _, after = leaves[index][1].rpartition(b'"fact_sha256":"')
    leaves[index] = index, before + b'"fact_sha256":"' + b"0" * 64 + after[64:]

    assert [(one.index, one.why) for one in verified(tmp_path, leaves, kept).drifts] == [(index, "its bytes are not those that were sent")]


def test_a_drift_says_which_member_and_both_values(tmp_path: Path):
    index, leaves = edited(small(), "grant.approved", lambda fact: fact.update(scopes=["read", "write"]))

    (drift,) = verified(tmp_path, leaves).drifts

    assert list(drift.lines())[1:] == ['  - scopes: ["read", "write"]', '  + scopes: ["read"]']
    assert (drift.index, drift.document()["differences"]) == (index, [{"member": "scopes", "recorded": ["read", "write"], "now": ["read"]}])


def test_a_registry_of_the_past_that_was_edited_is_a_drift_of_what_rests_on_it(tmp_path: Path):
    _, leaves = edited(small(), "registry.changed", lambda fact: fact["entry"]["ceiling"].update(longest=600), which=3)

    found = verified(tmp_path, leaves)

    assert {one.kind for one in found.drifts} >= {"grant.approved"}


def test_a_decision_of_older_code_is_named_and_not_decided_anew(tmp_path: Path):
    _, leaves = edited(small(), "grant.denied", lambda fact: fact["grounds"].update(schema_version=0))
    _, leaves = edited(leaves, "identity.verified", lambda fact: fact["basis"].update(schema_version=0))

    found = verified(tmp_path, leaves)

    assert found.drifted == 0
    assert sorted(found.apart) == [
        "grant.denied: schema-upgraded, decided by code of schema 0; this is 1",
        "identity.verified: schema-upgraded, decided by code of schema 0; this is 1",
    ]


def test_a_fact_of_newer_code_is_named(tmp_path: Path):
    _, leaves = edited(small(), "registry.changed", lambda fact: fact.update(kind="quota.changed"), which=4)

    found = verified(tmp_path, leaves)

    assert found.apart["quota.changed: of newer code, unknown to this"] == 1
    assert found.drifted > 0  # its revision is missing now


@BOTH
def test_leaves_stand_in_any_order(kept: int, tmp_path: Path):
    """No topic has an order towards another: changes behind what rests on them, decisions before their identities."""
    shuffled = [(at, text) for at, (_, text) in enumerate(reversed(small()))]

    found = verified(tmp_path, shuffled, kept)

    assert found.document()["drift"] == []
    assert found.equal == verified(tmp_path, small(), kept).equal


def test_what_rests_on_leaves_before_the_window_is_looked_up(tmp_path: Path):
    leaves = small()
    approved = [index for index, text in leaves if b'"grant.approved"' in text]

    found = verified(tmp_path, leaves, window=Window(first=approved[3]))

    assert found.drifted == 0
    assert found.equal["grant.approved"] == len(approved) - 3


def test_a_part_of_a_log_says_what_it_could_not_decide(tmp_path: Path):
    leaves = small()

    found = verified(tmp_path, leaves[6:])

    assert found.drifted == 0
    assert found.apart["identity.verified: the registry's changes stand before this part of the log"] > 0


def test_late_and_far_and_unconfirmed_are_decided_again_whole(tmp_path: Path):
    log, leaves = recorder(ISSUER, CONNECTOR, LINK)
    who = log.identified(ISSUER, "alice", CLAIMS, READ, log.asked(1, READ))
    assert isinstance(who, IdentityVerified)
    leaves.append(log.leaf(exchange_verified.TOPIC, who))
    rejected = [log.identified(ISSUER, "alice", CLAIMS, READ, log.asked(2, READ, ahead)) for ahead in (0, 90)]
    assert [one.code for one in rejected if isinstance(one, IdentityRejected)] == ["late", "bad_deadline"]
    leaves += [log.leaf(exchange_verified.TOPIC, one) for one in rejected]
    leaves.append(log.authorized_leaf(who, fresh=False))
    log.now = who.asked.deadline
    leaves.append(log.authorized_leaf(who))

    found = verified(tmp_path, leaves)

    assert found.drifted == 0
    assert found.equal == {"identity.verified": 1, "identity.rejected": 2, "grant.denied": 2}


def test_a_request_that_was_verified_twice_is_decided_on_the_one_it_rests_on(tmp_path: Path):
    log, leaves = recorder(ISSUER, CONNECTOR, LINK)
    first = log.identified(ISSUER, "alice", CLAIMS, READ, log.asked(1, READ))
    second = first.model_copy(update={"subject_box": "b3RoZXI", "at": first.at.replace(microsecond=7)})
    assert isinstance(first, IdentityVerified)
    assert isinstance(second, IdentityVerified)
    leaves += [log.leaf(exchange_verified.TOPIC, one) for one in (first, second)]
    leaves += [log.authorized_leaf(one) for one in (second, first)]

    found = verified(tmp_path, leaves)

    assert found.drifted == 0
    assert found.equal == {"identity.verified": 2, "grant.approved": 2}
