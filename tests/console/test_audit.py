"""The page *Audit*: what the log has is found, shown and proven; and what a browser checks of it is what our own verifier checks."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from counterfoil.contracts import TOPICS
from counterfoil.contracts.base import named
from counterfoil.wire import receipt
from counterfoil.wire.armor import from_b64, to_b64
from counterfoil.wire.envelope import adapter
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import leaf_hash, root
from counterfoil.wire.receipt import BadReceipt, write_proof
from counterfoil_server.runtime.store.database import Pool
from services.console.audit import search
from services.console.audit.leaves import KINDS
from services.console.pages import audit
from tests.console.conftest import Visit, answering, visiting
from tests.support.made_log import START, MadeLog

SIZE = 300
EMPTY = """
    ALTER TABLE audit_leaf DISABLE TRIGGER USER; ALTER TABLE audit_about DISABLE TRIGGER USER; ALTER TABLE audit_tile DISABLE TRIGGER USER;
    DELETE FROM audit_leaf; DELETE FROM audit_about; DELETE FROM audit_tile; DELETE FROM audit_head;
    ALTER TABLE audit_leaf ENABLE TRIGGER USER; ALTER TABLE audit_about ENABLE TRIGGER USER; ALTER TABLE audit_tile ENABLE TRIGGER USER;
    TRUNCATE mint, service_key, registry_entry
"""


@pytest.fixture(scope="module")
def log() -> MadeLog:
    return MadeLog.of(SIZE)


async def stored(owner: asyncpg.Connection, log: MadeLog) -> None:
    """As the audit process would have appended it."""
    await owner.execute(EMPTY)
    facts = [log.fact(at) for at in range(len(log.leaves))]
    rows = [
        (at, UUID(facts[at]["id"]), bytes.fromhex(json.loads(log.leaves[at])["fact_sha256"]), hashed, log.leaves[at])
        for at, hashed in enumerate(log.hashes())
    ]
    await owner.executemany("INSERT INTO audit_leaf VALUES ($1, $2, $3, $4, $5)", rows)
    about = [(facts[at].get("asked", {}).get("request_id") or facts[at].get("credential_id"), at) for at in range(len(facts))]
    await owner.executemany("INSERT INTO audit_about VALUES ($1, $2)", [(UUID(one), at) for one, at in about if one])
    await owner.execute("INSERT INTO audit_tile VALUES (1, 0, $1)", root(log.hashes(256)))
    await owner.execute("INSERT INTO audit_head (size, edge, last_leaf, checkpoint) VALUES ($1, '', '', $2)", len(log.leaves), log.head())
    await owner.execute("INSERT INTO service_key (kid, role, use, public, name, not_before) VALUES ('1og', 'audit', 'log', $1, 'log.test', now())",
                        log.key.vkey.encode())  # fmt: skip


@pytest.fixture
async def visit(db: Pool, owner: asyncpg.Connection, log: MadeLog) -> AsyncIterator[Visit]:
    await stored(owner, log)
    gateway = answering({"GET /v1/audit/proof/inclusion": {"leaf": log.leaves[7].decode(), "proof": log.proof(7)}})
    async with visiting([audit.pages], db, gateway) as found:
        yield found


class Page(HTMLParser):
    """What script finds on it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.keys, self._in_keys = "", False
        self.feed(text)

    def handle_starttag(self, _: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self._in_keys = found.get("id") == "proof-keys"
        if found.get("id") == "proof":
            self.data = {name.removeprefix("data-"): value for name, value in found.items() if name.startswith("data-")}

    def handle_endtag(self, _: str) -> None:
        self._in_keys = False

    def handle_data(self, data: str) -> None:
        self.keys += data if self._in_keys else ""

    def proof(self) -> str:
        return write_proof(int(self.data["index"]), [from_b64(step) for step in self.data["path"].split()], self.data["checkpoint"])

    def proven(self) -> dict[str, object]:
        return receipt.check(self.data["leaf"].encode(), self.proof(), self.keys.split())


@pytest.mark.parametrize("index", [0, 7, 255, 256, SIZE - 1])
async def test_what_the_page_carries_proves_the_leaf(visit: Visit, log: MadeLog, index: int):
    page = Page(await visit.page(f"/audit/{index}"))

    assert page.data["leaf"].encode() == log.leaves[index]
    assert page.proven()["seq"] == index


@pytest.mark.parametrize("where", ["leaf", "path", "checkpoint"])
async def test_what_the_page_carries_proves_nothing_with_one_byte_changed(visit: Visit, where: str):
    page = Page(await visit.page("/audit/7"))
    if where == "path":
        first, *rest = page.data["path"].split()
        raw = bytearray(from_b64(first))
        raw[16] ^= 1
        page.data["path"] = " ".join([to_b64(bytes(raw)), *rest])
    else:
        text = page.data[where]
        at = text.index("\n300\n") + 5 if where == "checkpoint" else len(text) // 2
        page.data[where] = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]

    with pytest.raises(BadReceipt) as refused:
        page.proven()
    assert refused.value.code in {"not_included", "bad_signature"}


async def test_a_leaf_is_shown_with_its_hashes_and_its_head(visit: Visit, log: MadeLog):
    index = log.find("grant.denied")
    page = await visit.page(f"/audit/{index}")

    assert "Policy denied it" in page
    for shown in (leaf_hash(log.leaves[index]).hex(), json.loads(log.leaves[index])["prev"], json.loads(log.leaves[index])["fact_sha256"]):
        assert shown in page
    assert "300 leaves of <code>log.test</code>" in page
    assert f"counterfoil audit prove {index} -o leaf-{index}.json --url https://exchange.test" in page
    assert f"--log-key &#39;{log.key.vkey}&#39;" in page.replace("'", "&#39;")
    for anchor in ("proof-verify", "proof-tamper", "proof-restore", "proof-verdict", "proof-keys", "proof-steps", "proof-where"):
        assert f'id="{anchor}"' in page


async def test_whoever_signed_beside_the_log_is_listed(visit: Visit, owner: asyncpg.Connection, log: MadeLog):
    await owner.execute("UPDATE audit_head SET checkpoint = $1", LogKey.generate("witness.example").cosign(log.head()))

    page = await visit.page("/audit/7")

    assert "witness.example+" in page
    assert page.count("this log</span>") == 1
    assert page.count("witness, not checked here") == 1
    assert Page(page).proven()["seq"] == 7


async def test_markup_in_a_leaf_is_text(visit: Visit, owner: asyncpg.Connection, log: MadeLog):
    fact = {"id": str(uuid4()), "kind": "<img src=x>", "project": '"><script>alert(1)</script>', "environment": "e"}
    planted = MadeLog(log.key, [json.dumps({"fact": fact, "fact_sha256": "00", "seq": 0}).encode()])
    await stored(owner, planted)

    for path in ("/audit", "/audit/0"):
        text = await visit.page(path)
        assert "<img src=x>" not in text
        assert "<script>alert" not in text
    assert Page(text).data["leaf"].encode() == planted.leaves[0]


@pytest.mark.parametrize("index", [SIZE, 2**53, 2**63, 2**70])
async def test_a_leaf_that_is_not_there_is_not_found(visit: Visit, index: int):
    assert (await visit.http.get(f"/audit/{index}")).status_code == 404


async def test_missing_tiles_are_told_of(visit: Visit, owner: asyncpg.Connection):
    await owner.execute("ALTER TABLE audit_tile DISABLE TRIGGER USER; DELETE FROM audit_tile; ALTER TABLE audit_tile ENABLE TRIGGER USER")

    page = await visit.page(f"/audit/{SIZE - 1}")

    assert "It cannot be proven right now" in page
    assert 'id="proof-verify"' not in page


async def test_the_newest_leaves_come_first_and_the_rest_page_by_page(visit: Visit):
    seen, path = [], "/audit"
    while path:
        text = (await visit.http.get(path)).text
        seen += [int(row.partition('"')[0]) for row in text.split('<td class="number"><a href="/audit/')[1:]]
        path = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")

    assert seen == list(reversed(range(SIZE)))


async def test_a_kind_is_looked_through_for_piece_by_piece(visit: Visit, log: MadeLog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "WINDOW", 40)
    wanted = [at for at in reversed(range(SIZE)) if log.fact(at)["kind"] == "mint.refused"]
    seen: list[int] = []
    query = {"kind": "mint.refused"}
    for _ in range(-(-SIZE // 40)):
        text = await visit.page("/audit", **query)
        seen += [int(row.partition('"')[0]) for row in text.split('<td class="number"><a href="/audit/')[1:]]
        more = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        query = {name: value for name, (value,) in parse_qs(urlsplit(more).query).items()}

    assert seen == wanted
    assert query == {}


async def test_the_first_page_says_what_it_looked_through_and_what_is_quicker(visit: Visit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "WINDOW", 40)

    page = await visit.page("/audit", connector="nowhere/at-all")

    assert "Looked through leaves 260 to 299" in page
    assert "Quicker is an index, a request or a credential" in page
    assert "Older leaves were not looked at yet." in page


async def test_a_connector_is_found_and_another_is_not(db: Pool, visit: Visit):
    found = await search.search(db, search.Wanted(connector="postgres/demo"))

    assert visit
    assert found.leaves
    assert all('"postgres/demo"' in one.text for one in found.leaves)
    assert (await search.search(db, search.Wanted(connector="postgres/dem"))).leaves == []


@pytest.mark.parametrize(
    ("since", "until", "expected"), [(10, 20, range(10, 20)), (290, None, range(290, SIZE)), (None, 5, range(5)), (400, None, ())]
)
async def test_a_time_is_found_by_halves(db: Pool, visit: Visit, since: int | None, until: int | None, expected: range):
    times = [START + timedelta(seconds=one) if one is not None else None for one in (since, until)]

    found = await search.search(db, search.Wanted(since=times[0], until=times[1]))

    assert visit
    assert [one.index for one in found.leaves] == list(reversed(expected))
    assert found.more is None


async def test_a_request_is_shown_from_end_to_end(visit: Visit, log: MadeLog):
    minted = log.find("credential.minted")
    fact, end = log.fact(minted), log.find("credential.revoked")
    assert log.fact(end)["credential_id"] == fact["credential_id"]

    page = await visit.page("/audit", about=fact["asked"]["request_id"])

    for index in (log.find("identity.verified"), minted, end):
        assert f'<a href="/audit/{index}">{index}</a>' in page
    assert page.index("A caller proved who it is</span>") < page.index("A credential was minted</span>") < page.index("A credential is dead</span>")


async def test_a_credential_begins_with_its_request(visit: Visit, owner: asyncpg.Connection, log: MadeLog):
    credential, request_hash = uuid4(), uuid4().hex * 2
    fact_id, verified = named("verify", request_hash), log.find("identity.verified")
    await owner.execute("ALTER TABLE audit_leaf DISABLE TRIGGER USER; ")
    await owner.execute("UPDATE audit_leaf SET fact_id = $1 WHERE idx = $2", fact_id, verified)
    await owner.execute("ALTER TABLE audit_leaf ENABLE TRIGGER USER")
    await owner.execute(
        """INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class,
        connector, installation, project, environment, deadline, ends_by_itself, sent_at, window_closes_at, expires_at)
        VALUES ('i', 's', $1, 1, $2, 'd', $3, 'w', 'active', 1, 'by_name', 'c', 'd', 'p', 'e', now(), false, now(), now(), now())""",
        uuid4(), credential, request_hash,
    )  # fmt: skip

    page = await visit.page("/audit", about=str(credential))

    assert f'<a href="/audit/{verified}">{verified}</a>' in page


async def test_an_order_is_found_by_its_own_id(visit: Visit, log: MadeLog):
    index = log.find("revocation.requested")

    assert f'<a href="/audit/{index}">{index}</a>' in await visit.page("/audit", about=log.fact(index)["id"])


async def test_an_index_leads_to_its_leaf_and_nonsense_is_told(visit: Visit):
    assert (await visit.http.get("/audit", params={"about": "64"})).headers["location"] == "/audit/64"
    for query in ({"about": "nobody"}, {"since": "yesterday"}, {"before": "-1"}, {"before": "9" * 30}):
        assert (await visit.http.get("/audit", params=query)).status_code == 422
    assert "nothing about this" in await visit.page("/audit", about=str(uuid4()))


async def test_an_empty_log_says_what_to_do(visit: Visit, owner: asyncpg.Connection):
    await owner.execute(EMPTY)

    assert "Nothing was recorded yet." in await visit.page("/audit")
    assert (await visit.http.get("/audit/0")).status_code == 404


async def test_the_proof_is_the_gateways_and_is_asked_for_with_the_operators_own_token(visit: Visit, log: MadeLog):
    proof, both = await visit.http.get("/audit/7/proof"), await visit.http.get("/audit/7/proof.json")

    assert proof.text == log.proof(7)
    assert proof.headers["content-disposition"] == 'attachment; filename="leaf-7.tlog-proof"'
    assert json.loads(both.text) == {"leaf": log.leaves[7].decode(), "proof": log.proof(7)}
    assert [one.headers["authorization"] for one in visit.asked] == ["Bearer operators-token"] * 2
    assert [one.url.params["index"] for one in visit.asked] == ["7", "7"]


async def test_a_gateway_that_gives_no_proof_is_told_of(db: Pool, visit: Visit):
    def refusing(_: httpx.Request) -> httpx.Response:
        return httpx.Response(503, json={"code": "unavailable", "message": "tiles are missing", "fix": "ask again"})

    assert visit
    async with visiting([audit.pages], db, refusing) as other:
        answer = await other.http.get("/audit/7/proof")
    assert answer.status_code == 502
    assert "tiles are missing" in answer.text


def test_every_kind_that_is_a_leaf_has_words():
    schemas = [adapter(topic).json_schema() for topic in TOPICS if "audit" in topic.read_by]
    models = [model for schema in schemas for model in (schema, *schema.get("$defs", {}).values())]

    assert {kind["const"] for model in models if (kind := model.get("properties", {}).get("kind"))} == set(KINDS)


async def test_a_leaf_younger_than_the_published_checkpoint_is_proven_against_the_newest(db: Pool, visit: Visit, log: MadeLog):
    def younger(_: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"code": "beyond_log", "message": "a tree of 7 leaves has none of that index", "fix": "ask again"})

    assert visit
    async with visiting([audit.pages], db, younger) as other:
        proof, both, never = [await other.http.get(f"/audit/{at}") for at in ("7/proof", "7/proof.json", "999999/proof")]
    assert proof.text == log.proof(7)
    assert json.loads(both.text) == {"leaf": log.leaves[7].decode(), "proof": log.proof(7)}
    assert never.status_code == 404
