"""One exchange of each kind, through every service: granted, rejected, denied, refused, and one that is revoked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from counterfoil.contracts import exchange_requested
from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.kafka import Publisher, Record
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from services.dev.issuer import LocalIssuer
from services.dev.signer import Signer
from tests.providers.liar import Liar, Says, lying
from tests.support.issuer import running
from tests.support.otlp import Span
from tests.support.town import Town
from tests.support.waiting import until

CONNECTOR = "oauth2/acme"
LEFT = {"X-RateLimit-Remaining": "4999"}


@dataclass
class Driven:
    """`requests`: the request_id of each exchange; `credential`: the one that was revoked."""

    town: Town
    host: str
    requests: dict[str, str] = field(default_factory=dict)
    credential: str = ""

    def spans(self, trace_id: str) -> list[Span]:
        return [span for span in self.town.otlp.spans if span.trace_id == trace_id]

    def trace_of(self, name: str, **attributes: object) -> str:
        """The trace whose span of this name has these attributes; nothing while there is none."""
        found = [one for one in self.town.otlp.spans if one.name.startswith(name) and attributes.items() <= one.attributes.items()]
        return found[0].trace_id if found else ""


async def declare(town: Town, liar: Liar, issuer: str) -> None:
    key = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).json()["mint_key"]["key"]
    sealed = Sealer().seal(Secret("s3cret"), from_url(key.encode()), binding.root(CONNECTOR, "default", "secret", 1))
    config = {"issuer": liar.url, "client_id": "us", "network": "this_machine", "token_endpoint": f"{liar.url}/token",
              "revocation_endpoint": f"{liar.url}/revoke", "introspection_endpoint": f"{liar.url}/introspect"}  # fmt: skip
    entries = [
        {"kind": "connector", "name": CONNECTOR, "config": config, "scopes": ["read"]},
        {"kind": "link", "connector": CONNECTOR, "project": "web", "environments": ["production"],
         "ceiling": {"scopes": ["read", "write"], "longest": 600}},
        {"kind": "issuer", "name": "second", "issuer": issuer, "project": {"value": "web"}, "environment": {"value": "production"}},
    ]  # fmt: skip
    root = {"connector": CONNECTOR, "installation": "default", "field": "secret", "version": 1, "sealed": to_url(sealed).decode()}
    applied = await town.http.post(f"{town.plan.url}/v1/registry", json={"entries": entries, "secrets": [root]}, headers=await town.admin())
    assert applied.is_success, applied.text

    async def lent() -> bool:
        return (await town.ask(audience=CONNECTOR, scope="read write")).is_success

    await until(lent)


async def drive(driven: Driven, liar: Liar, second: LocalIssuer) -> None:
    town, fresh = driven.town, second.sign({"aud": driven.town.plan.url, "sub": "somebody"})
    told = {
        "Granted": await town.ask(fresh, audience=CONNECTOR, scope="read write"),  # its issuer's keys are not there yet
        "Rejected": await town.ask(await town.id_token(audience="https://other.example"), audience=CONNECTOR, scope="read write"),
        "Denied": await town.ask(audience=CONNECTOR, scope="admin"),
    }
    lent = (await town.ask(audience=CONNECTOR, scope="read write")).json()
    liar.set("/token", Says({"error": "invalid_scope"}, 400, LEFT))
    told["Refused"] = await town.ask(audience=CONNECTOR, scope="read write")
    assert [one.status_code for one in told.values()] == [200, 400, 400, 502], [one.text for one in told.values()]
    driven.requests = {name: one.json()["request_id"] for name, one in told.items()}
    driven.credential = lent["credential_id"]
    bearer = {"Authorization": f"Bearer {await town.id_token()}"}
    (await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": driven.credential}, headers=bearer)).raise_for_status()
    publisher = Publisher(town.connection)
    await publisher.start()
    await publisher.acked(await publisher.send([Record(town.connection.topic(exchange_requested.TOPIC), b"k", b"no fact", [])]))
    await publisher.stop()


@asynccontextmanager
async def driven(town: Town, folder: Path) -> AsyncIterator[Driven]:
    second = LocalIssuer(Signer(folder), town.plan.url)
    async with lying() as liar, running(second):
        gives = liar.gives()
        liar.set("/token", replace(gives, headers={**gives.headers, **LEFT}))
        made = Driven(town, "127.0.0.1")
        await declare(town, liar, second.url)
        await drive(made, liar, second)
        yield made
