"""Checkpoint, proofs and tiles over HTTP: whoever asks can check them with the log's public key alone. On a log of its own."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from counterfoil.contracts.base import named
from counterfoil.wire import checkpoint, tiles
from counterfoil.wire.armor import from_b64
from counterfoil.wire.canonical import canonical
from counterfoil.wire.consistency import check_consistency
from counterfoil.wire.merkle import Edge, leaf_hash, path, root
from counterfoil.wire.receipt import ReceiptChecker
from counterfoil.wire.tiles import Tile
from tests.gateway.bus import Keys
from tests.gateway.conftest import Town, migrated
from tests.gateway.identities import bearer
from tests.gateway.rows import lent
from tests.gateway.test_v1_lists import pages
from tests.gateway.test_v1_registry import get

SIZE, LONG = 770, 700
REQUEST, EXCHANGE = UUID("5f0c7d2e-41a8-4c53-9d1b-2f6f8a0b7e19"), "e" * 64
OF_EXCHANGE = {named(stage, EXCHANGE): 10 * place for place, stage in enumerate(("verify", "authorize", "mint"), 1)}
LEAVES = [canonical({"fact": {"n": number, "long": "x" * 65_536 if number == LONG else ""}}) for number in range(SIZE)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


@pytest.fixture(scope="module")
async def database(postgres: str) -> AsyncIterator[str]:
    """Here a log is appended to, and no log is ever emptied."""
    async with migrated(postgres) as dsn:
        yield dsn


@pytest.fixture
async def logged(manned: Town, keyed: tuple[Any, Keys]) -> Town:
    """With the leaves, as their writer would leave them; signed with this test's key."""
    grown, ids = Edge().grow(HASHES), {at: fact for fact, at in OF_EXCHANGE.items()}
    note = keyed[1].log.sign(keyed[1].log.name, SIZE, grown.edge.root())
    if not await manned.root.fetchval("SELECT EXISTS (SELECT FROM audit_leaf)"):
        rows = [(at, ids.get(at, uuid4()), hashed, leaf) for at, (hashed, leaf) in enumerate(zip(HASHES, LEAVES, strict=True))]
        await manned.root.executemany("INSERT INTO audit_leaf (idx, fact_id, fact_hash, leaf_hash, bytes) VALUES ($1, $2, '', $3, $4)", rows)
        await manned.root.executemany("INSERT INTO audit_tile VALUES ($1, $2, $3)", [(*at, node) for at, node in grown.roots.items()])
        await manned.root.executemany("INSERT INTO audit_about VALUES ($1, $2)", [(REQUEST, at) for at in (3, 5, 8, 13, 769)])
    await manned.root.execute("DELETE FROM audit_head")
    await manned.root.execute("INSERT INTO audit_head (size, edge, last_leaf, checkpoint) VALUES ($1, '', '', $2)", SIZE, note)
    return manned


async def public(town: Town, address: str) -> Any:
    """What anybody gets."""
    return await town.http.get(f"/v1/audit/{address}")


async def viewer(town: Town, address: str) -> Any:
    return await town.http.get(f"/v1/audit/{address}", headers=bearer("viewer"))


async def test_the_newest_head_is_everybodys_and_may_be_kept_for_five_seconds(logged: Town):
    said, again = await public(logged, "checkpoint"), await public(logged, "tlog/checkpoint")

    head = checkpoint.check(said.text, logged.keys.log_vkeys())
    assert (head.size, head.root) == (SIZE, root(HASHES))
    assert (said.headers["content-type"], said.headers["cache-control"]) == ("text/plain; charset=utf-8", "public, max-age=5")
    assert again.text == said.text


@pytest.mark.parametrize("index", [0, 255, 256, 511, 512, SIZE - 1])
async def test_a_leafs_proof_holds_with_the_public_key_alone(logged: Town, index: int):
    found = (await viewer(logged, f"proof/inclusion?index={index}")).json()

    assert ReceiptChecker(logged.keys.log_vkeys()).check(found["leaf"].encode(), found["proof"])["fact"]["n"] == index
    assert found["path"] == found["proof"].partition("\n\n")[0].split("\n")[2:]
    assert (found["index"], found["size"], found["checkpoint"]) == (index, SIZE, (await public(logged, "checkpoint")).text)


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 256), (255, 257), (300, 512), (512, 513), (5, SIZE)])
async def test_in_an_earlier_tree_it_is_the_path_of_that_tree(logged: Town, index: int, size: int):
    found = (await viewer(logged, f"proof/inclusion?index={index}&size={size}")).json()

    assert [from_b64(step) for step in found["path"]] == path(index, HASHES[:size])
    assert found.keys() == {"index", "size", "leaf", "path"}


@pytest.mark.parametrize(("old", "new"), [(0, SIZE), (1, 2), (255, 256), (256, 512), (257, 600), (512, 513), (SIZE, SIZE)])
async def test_one_tree_is_shown_to_be_the_beginning_of_another(logged: Town, old: int, new: int):
    found = (await public(logged, f"proof/consistency?from={old}&to={new}")).json()
    newest = (await public(logged, f"proof/consistency?from={old}")).json()

    check_consistency(old, root(HASHES[:old]), new, root(HASHES[:new]), [from_b64(step) for step in found["path"]])
    head = checkpoint.check(newest["checkpoint"], logged.keys.log_vkeys())
    check_consistency(old, root(HASHES[:old]), head.size, head.root, [from_b64(step) for step in newest["path"]])
    assert (found["from"], found["to"], newest["to"], found["checkpoint"] is None) == (old, new, SIZE, new != SIZE)


async def test_whoever_reads_tiles_only_comes_to_the_same_root_and_the_same_proofs(logged: Town):
    async def fetch(wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        answers = {one: await public(logged, f"tlog/{one.path}") for one in wanted}
        assert {answer.headers["content-type"] for answer in answers.values()} == {"application/octet-stream"}
        assert all("immutable" in answer.headers["cache-control"] and "public" in answer.headers["cache-control"] for answer in answers.values())
        return {one: answer.content for one, answer in answers.items()}

    assert await tiles.root_of(SIZE, fetch) == root(HASHES)
    assert await tiles.inclusion(300, SIZE, fetch) == path(300, HASHES)
    assert (await public(logged, "tlog/tile/0/001")).content == b"".join(HASHES[256:512])
    assert (await public(logged, "tlog/tile/1/000.p/2")).content == root(HASHES[:256]) + root(HASHES[256:512])


@pytest.mark.parametrize(("address", "first", "end"), [("000", 0, 256), ("001", 256, 512), ("002.p/7", 512, 519)])
async def test_an_entry_bundle_has_the_leaves_of_its_tile(logged: Town, address: str, first: int, end: int):
    answer = await viewer(logged, f"tlog/tile/entries/{address}")

    rest, found = answer.content, []
    while rest:
        length = int.from_bytes(rest[:2])
        found.append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    assert found == LEAVES[first:end]
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/octet-stream", "no-store")


NOES = {
    "proof/inclusion": (400, "malformed_request"),
    "proof/inclusion?index=-1": (400, "malformed_request"),
    "proof/inclusion?index=1&index=2": (400, "malformed_request"),
    "proof/inclusion?index=1&tree=2": (400, "malformed_request"),
    f"proof/inclusion?index={SIZE}": (404, "beyond_log"),
    "proof/inclusion?index=5&size=5": (404, "beyond_log"),
    "proof/inclusion?index=0&size=0": (404, "beyond_log"),
    f"proof/inclusion?index=0&size={SIZE + 1}": (404, "beyond_log"),
    "proof/consistency": (400, "malformed_request"),
    "proof/consistency?from=a": (400, "malformed_request"),
    f"proof/consistency?from={SIZE + 1}": (404, "beyond_log"),
    "proof/consistency?from=3&to=2": (404, "beyond_log"),
    f"proof/consistency?from=3&to={SIZE + 1}": (404, "beyond_log"),
    "tlog/tile/0/67": (400, "malformed_request"),
    "tlog/tile/64/000": (400, "malformed_request"),
    "tlog/tile/0/000.p/256": (400, "malformed_request"),
    "tlog/tile/0/000?width=3": (400, "malformed_request"),
    "tlog/tile/0/003": (404, "beyond_log"),
    "tlog/tile/0/003.p/3": (404, "beyond_log"),
    "tlog/tile/1/000": (404, "beyond_log"),
    "tlog/tile/1/000.p/4": (404, "beyond_log"),
    "tlog/tile/63/x999/x999/x999/x999/x999/999": (404, "beyond_log"),
    "tlog/tile/entries/1": (400, "malformed_request"),
    "tlog/tile/entries/003": (404, "beyond_log"),
    "tlog/tile/entries/002.p/255": (404, "no_bundle"),
    "leaves?request_id=1": (400, "malformed_request"),
    f"leaves?request_id={{{REQUEST}}}": (400, "malformed_request"),
    f"leaves?request_id={REQUEST}&credential_id={REQUEST}": (400, "malformed_request"),
}


@pytest.mark.parametrize("address", NOES)
async def test_what_is_not_there_is_said_by_a_code(logged: Town, address: str):
    answer = await viewer(logged, address)

    assert (answer.status_code, answer.json()["code"], answer.headers["content-type"]) == (*NOES[address], "application/problem+json")


@pytest.mark.parametrize("address", ["checkpoint", "tlog/checkpoint", "proof/inclusion?index=0", "proof/consistency?from=0", "tlog/tile/0/000.p/1"])
async def test_an_empty_log_has_nothing_to_show(logged: Town, address: str):
    await logged.root.execute("DELETE FROM audit_head")

    assert (await viewer(logged, address)).json()["code"] == "beyond_log"


async def test_tiles_that_an_older_writer_left_out_are_awaited(logged: Town):
    """Between the gateway's upgrade and the next start of audit."""
    await logged.root.execute("UPDATE audit_head SET size = 1024")

    for address in ("proof/inclusion?index=0", "proof/consistency?from=5", "tlog/tile/1/000.p/4", "tlog/tile/entries/003"):
        answer = await viewer(logged, address)
        assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "unavailable", True)


async def test_leaves_about_a_request_are_its_own_from_the_first_on(logged: Town):
    found = [[leaf["index"] for leaf in page] async for page in pages(logged, f"/v1/audit/leaves?request_id={REQUEST}", "leaves")]

    assert found == [[3, 5], [8, 13], [769]]
    assert [one["index"] for one in (await get(logged, f"/v1/audit/leaves?request_id={REQUEST}&from=8"))["leaves"]] == [8, 13, 769]
    assert (await get(logged, f"/v1/audit/leaves?request_id={uuid4()}"))["leaves"] == []


async def test_leaves_about_a_credential_begin_with_the_exchange_that_lent_it(logged: Town):
    credential = await lent(logged.root, request_hash=EXCHANGE)
    await logged.root.execute("INSERT INTO audit_about VALUES ($1, 30), ($1, 200)", credential)

    found = await get(logged, f"/v1/audit/leaves?credential_id={credential}")

    assert [leaf["index"] for leaf in found["leaves"]] == [10, 20, 30, 200]
    assert found["next"] is None
