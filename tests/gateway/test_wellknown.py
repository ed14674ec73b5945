"""What anyone may know of the installation."""

from counterfoil.wire.armor import to_url
from tests.gateway.conftest import BASE, Town


async def test_clients_find_all_that_they_pin(gateway: Town):
    found = (await gateway.http.get("/.well-known/counterfoil")).json()

    assert found["audience"] == BASE
    assert (found["topics_prefix"], found["partitions"]) == ("counterfoil", 4)
    assert found["verifier_key"] == {"kid": gateway.bus.keys.verifier.kid, "key": to_url(gateway.bus.keys.verifier.public).decode()}
    assert found["mint_key"]["kid"] == gateway.bus.keys.mint.kid
    assert found["log_keys"] == [gateway.bus.keys.log.vkey]
    assert found["origin"] == gateway.bus.keys.log.name
    assert "development" not in found


async def test_without_a_verifier_to_seal_to_it_says_so_and_without_a_mint_it_lends_all_the_same(gateway: Town):
    await gateway.root.execute("UPDATE service_key SET not_after = now() - interval '1 minute' WHERE role = 'mint'")
    await gateway.keys.load()
    assert (await gateway.http.get("/.well-known/counterfoil")).json()["mint_key"] is None

    await gateway.root.execute("UPDATE service_key SET not_after = now() - interval '1 minute' WHERE role = 'verifier'")
    await gateway.keys.load()
    answer = await gateway.http.get("/.well-known/counterfoil")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_rfc_8414_names_the_doors(gateway: Town):
    found = (await gateway.http.get("/.well-known/oauth-authorization-server")).json()

    assert found["issuer"] == BASE
    assert found["token_endpoint"] == f"{BASE}/oauth2/token"
    assert found["grant_types_supported"] == ["urn:ietf:params:oauth:grant-type:token-exchange"]


async def test_an_address_that_is_none_is_a_problem_document(gateway: Town):
    answer = await gateway.http.get("/nowhere")

    assert (answer.status_code, answer.headers["content-type"], answer.json()["code"]) == (404, "application/problem+json", "not_found")
