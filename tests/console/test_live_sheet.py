"""One exchange in full: which one is meant, what is said of it, and how it is found among a million."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from counterfoil.contracts.base import Asked
from counterfoil.contracts.exchange_authorized import GrantDenied, Grounds
from counterfoil.wire.envelope import encode
from counterfoil_server.runtime.store.database import Pool
from services.console import assets
from services.console.audit.leaves import Leaf, leaf
from services.console.live.feed import Feed
from services.console.live.one import COMING, CREDENTIALS, command, in_full, traced
from services.console.pages import live
from services.console.rendering import Renderer
from services.console.spans.store import Spans
from services.console.words import span
from tests.console.conftest import NOW, Visit, nothing, visiting
from tests.console.otlp import rows, spans
from tests.console.test_live import leaves
from tests.console.test_revoke import LEND
from tests.console.test_tally import empty, put
from tests.support.made_log import MadeLog, facts

TRACE = "0af7651916cd43dd8448eb211c80319c"
CANARY = "ghs_canary-of-the-sheet"


@pytest.fixture
async def log(owner: asyncpg.Connection) -> AsyncIterator[MadeLog]:
    """One exchange from who asks to its credential's end, in rows as audit writes them."""
    await empty(owner)
    await owner.execute("TRUNCATE mint, revocation")
    await owner.execute("SET session_replication_role = replica; DELETE FROM audit_about; SET session_replication_role = DEFAULT")
    made = MadeLog()
    for one in facts(0):
        if one.fact.kind in ("identity.verified", "grant.approved", "credential.minted", "credential.revoked"):
            made.append(one)
    await put(owner, made.leaves)
    await about(owner, made)
    yield made
    await empty(owner)


async def about(owner: asyncpg.Connection, made: MadeLog) -> None:
    named = [(one.fact.get("asked") or {}).get("request_id") or one.fact.get("credential_id") for one in leaves(made)]
    records = [(UUID(one), at) for at, one in enumerate(named) if one]
    await owner.copy_records_to_table("audit_about", records=records, columns=["id", "idx"])


@pytest.fixture
async def visit(db: Pool) -> AsyncIterator[Visit]:
    async with visiting([lambda site: live.pages(site, Feed(db))], db, nothing, trace_url="https://traces.test/{trace_id}") as found:
        yield found


def asked(log: MadeLog) -> dict[str, Any]:
    return dict(log.fact(log.find("credential.minted"))["asked"])


async def lend(owner: asyncpg.Connection, log: MadeLog, flags: str = "00") -> None:
    minted = log.fact(log.find("credential.minted"))
    row = (minted["sub_hash"], UUID(asked(log)["request_id"]), UUID(minted["credential_id"]), asked(log)["request_hash"], "revoked", "by_name",
           "postgres/demo", "web", NOW, False, NOW)  # fmt: skip
    await owner.execute(LEND, *row)
    await owner.execute("UPDATE mint SET traceparent = $1, seal_2 = $2", f"00-{TRACE}-b7ad6b7169203331-{flags}", CANARY.encode())


async def test_its_decision_its_claims_its_credential_and_its_leaves(visit: Visit, log: MadeLog, owner: asyncpg.Connection):
    await lend(owner, log)

    page = await visit.page(f"/live/{asked(log)['request_id']}")

    claims = log.fact(log.find("identity.verified"))["claims"]
    for words in ("web/production-&gt;postgres/demo", claims["repository"], log.fact(log.find("credential.minted"))["credential_id"], "revoked"):
        assert words in page
    for index in range(4):
        assert f'<a href="/audit/{index}">Leaf {index}</a>' in page
    assert "counterfoil get postgres/demo --scope read --detail" in page
    assert "drawn from its facts" in page
    assert CANARY not in page
    assert "traces.test" not in page


async def test_a_denial_says_what_it_knows_and_a_leaf_holds_no_member_that_is_empty(visit: Visit, log: MadeLog, owner: asyncpg.Connection):
    who = Asked.model_validate({**asked(log), "request_id": str(uuid4()), "request_hash": "d" * 64})
    place = {"connector": "postgres/demo", "issuer": "i", "sub_hash": "a" * 64, "project": "web", "environment": "production"}
    said = GrantDenied.about(who, at=NOW, code="forbidden", rule="main-only", grounds=Grounds(registry_revision=1), **place)
    fact = json.loads(encode(said))
    assert not {"beyond_lifetime", "nearest"} & fact.keys()
    await put(owner, [json.dumps({"fact": fact, "time": "2026-11-24T12:00:30.000000Z"}).encode()])
    await owner.execute("INSERT INTO audit_about (id, idx) VALUES ($1, $2)", who.request_id, len(log.leaves))

    page = await visit.page(f"/live/{who.request_id}")

    assert "<dt>Denied</dt><dd><code>forbidden</code>" in page
    assert "<code>main-only</code>" in page


async def test_a_sampled_one_is_drawn_from_its_spans_and_leads_to_its_trace(visit: Visit, log: MadeLog, owner: asyncpg.Connection, db: Pool):
    await lend(owner, log, "01")
    assert f"https://traces.test/{TRACE}" in await visit.page(f"/live/{asked(log)['request_id']}")
    store = Spans(db, lambda: NOW)
    await owner.execute("SELECT span_day(current_date)")
    today = await owner.fetchval("SELECT clock_timestamp()")
    named = rows(spans(today, "exchange postgres/demo", "process exchange.requested", request_id=UUID(asked(log)["request_id"])))
    await store._written(named)

    page = await visit.page(f"/live/{asked(log)['request_id']}")

    assert "process exchange.requested" in page
    assert "drawn from its facts" not in page
    assert f"https://traces.test/{(b't' * 16).hex()}" in page
    assert page.count('fill="url(#hatch-') == 2
    await owner.execute("TRUNCATE span")


async def test_a_sheet_asks_again_while_spans_may_be_on_their_way(visit: Visit, log: MadeLog, db: Pool):
    request_id = asked(log)["request_id"]
    found, ended = await in_full(db, UUID(request_id)), max(one.at for one in leaves(log) if one.at)
    assert found is not None
    assert (found.young(ended + COMING), found.young(ended + COMING / 2)) == (False, True)

    piece = Renderer(assets.assets(), development=False).text("live/waterfall.html", full=found, waterfall=found.waterfall, young=True)
    old = await visit.page(f"/live/{request_id}")

    assert f'hx-get="/live/{request_id}" hx-trigger="every 2s"' in piece
    assert "its spans come within seconds" in piece
    assert "every 2s" not in old
    assert "was not sampled, or is older" in old


async def test_of_two_callers_that_chose_one_id_each_has_a_sheet_of_its_own(visit: Visit, log: MadeLog, owner: asyncpg.Connection):
    """Claims of the one beside the decision of the other would be a lie."""
    request_id, size = asked(log)["request_id"], len(log.leaves)
    stranger = {**log.fact(0), "claims": {"repository": "evil/other"}, "asked": {**asked(log), "request_hash": "e" * 64}}
    await put(owner, [json.dumps({"fact": stranger, "time": "2026-11-24T12:00:30.000000Z"}).encode()])
    await owner.execute("INSERT INTO audit_about (id, idx) VALUES ($1, $2)", UUID(request_id), size)

    theirs = await visit.page(f"/live/{request_id}")
    ours = await visit.page(f"/live/{request_id}", exchange=asked(log)["request_hash"])

    assert "evil/other" in theirs
    assert "No decision is on record yet" in theirs
    assert f"?exchange={asked(log)['request_hash']}" in theirs
    assert "evil/other" not in ours
    assert "web/production-&gt;postgres/demo" in ours


async def test_its_credentials_are_found_by_an_index(owner: asyncpg.Connection):
    async with owner.transaction():
        await owner.execute("SET LOCAL enable_seqscan = off")
        plan = json.loads(await owner.fetchval(f"EXPLAIN (FORMAT JSON) {CREDENTIALS.replace('$1', repr('f' * 64))}"))

    assert "mint_request_hash" in json.dumps(plan)


@pytest.mark.parametrize(
    ("traceparent", "found"), [(f"00-{TRACE}-b7ad6b7169203331-01", TRACE), (f"00-{TRACE}-b7ad6b7169203331-00", None), ("x", None), (None, None)]
)
def test_only_a_sampled_trace_is_worth_a_link(traceparent: str | None, found: str | None):
    assert traced(traceparent) == found


def verified(wish: dict[str, Any]) -> list[Leaf]:
    return [leaf({"idx": 0, "bytes": json.dumps({"fact": {"kind": "identity.verified", "wish": wish}}).encode()})]


def test_a_line_that_is_pasted_runs_nothing_else():
    wish = {"connector": "postgres/demo", "scopes": ["read; rm -rf ~", "$(id)"], "lifetime": 300, "installation": "acme"}

    assert command(verified(wish)) == "counterfoil get postgres/demo --scope 'read; rm -rf ~' --scope '$(id)' --lifetime 300 --installation acme"
    assert command(verified({**wish, "scopes": ["a\nid\n"]})) == ""
    assert command([]) == ""


async def test_how_long_it_took_is_said(visit: Visit, log: MadeLog):
    recorded, begun = leaves(log)[log.find("credential.minted")].at, datetime.fromisoformat(log.fact(0)["at"])
    assert recorded is not None

    assert f'<td class="number">{span((recorded - begun).total_seconds())}</td>' in await visit.page("/live")
