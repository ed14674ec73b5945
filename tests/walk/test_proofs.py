"""What was lent is proven again later with the published log key alone: inclusion, consistency from the receipt's head, the tree from its tiles."""

from collections.abc import Collection, Mapping

import pytest

from counterfoil.wire import checkpoint, tiles
from counterfoil.wire.armor import from_b64
from counterfoil.wire.consistency import Inconsistent, check_consistency
from counterfoil.wire.merkle import leaf_hash
from counterfoil.wire.receipt import BadReceipt, ReceiptChecker, read_proof
from counterfoil.wire.tiles import Tile
from tests.support.town import Town


async def test_a_lent_credentials_leaf_is_proven_again_later(town: Town):
    audit, headers = f"{town.plan.url}/v1/audit", await town.admin()
    keys = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).json()["log_keys"]
    receipt = (await town.ask(scope="read")).json()["receipt"]
    earlier = checkpoint.check(read_proof(receipt["proof"]).checkpoint, keys)
    while (later := checkpoint.check((await town.http.get(f"{audit}/checkpoint")).text, keys)).size <= earlier.size:
        await town.ask(scope="read")

    proven = (await town.http.get(f"{audit}/proof/inclusion", params={"index": receipt["index"]}, headers=headers)).json()
    told = (await town.http.get(f"{audit}/proof/consistency", params={"from": earlier.size})).json()

    checker, newest = ReceiptChecker(keys), checkpoint.check(told["checkpoint"], keys)
    assert proven["leaf"] == receipt["leaf"]
    checker.check(receipt["leaf"].encode(), proven["proof"])
    with pytest.raises(BadReceipt):
        checker.check(receipt["leaf"].replace('"v":1', '"v":2').encode(), proven["proof"])
    path = [from_b64(step) for step in told["path"]]
    check_consistency(earlier.size, earlier.root, newest.size, newest.root, path)
    with pytest.raises(Inconsistent):
        check_consistency(earlier.size, leaf_hash(b"forked"), newest.size, newest.root, path)

    async def fetch(wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        return {one: (await town.http.get(f"{audit}/tlog/{one.path}")).raise_for_status().content for one in wanted}

    assert await tiles.root_of(later.size, fetch) == later.root
    assert await tiles.root_of(newest.size, fetch) == newest.root


async def test_all_that_was_recorded_about_a_credential_is_found_by_its_name(town: Town):
    lent, headers = (await town.ask(scope="read")).json(), await town.admin()
    bearer = {"Authorization": f"Bearer {await town.id_token()}"}
    await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": lent["credential_id"]}, headers=bearer)

    async def kinds(**about: str) -> list[str]:
        page = (await town.http.get(f"{town.plan.url}/v1/audit/leaves", params=about, headers=headers)).json()
        return [one["leaf"].partition('"kind":"')[2].partition('"')[0] for one in page["leaves"]]

    exchange = ["identity.verified", "grant.approved", "credential.minted"]
    while "credential.revoked" not in (found := await kinds(credential_id=lent["credential_id"])):
        pass
    assert found[:3] == exchange
    assert set(found[3:]) == {"revocation.requested", "revocation.ordered", "credential.revoked"}
    assert await kinds(request_id=lent["request_id"]) == exchange
