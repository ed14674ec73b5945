"""Which door is where."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp

from services.gateway.answering import Dialect, Door, Endpoint, refusal
from services.gateway.consent_door import BACK, CLIENT, ConsentDoor
from services.gateway.openapi.document import document
from services.gateway.problems import About, Problem
from services.gateway.revoke_door import RevokeDoor
from services.gateway.token_door import TokenDoor
from services.gateway.v1_audit import AuditDoor
from services.gateway.v1_audit_proofs import ProofDoor
from services.gateway.v1_audit_tlog import TlogDoor
from services.gateway.v1_consents import ConsentsDoor
from services.gateway.v1_credentials import Credentials
from services.gateway.v1_dead_letters import DeadLetters
from services.gateway.v1_entries import Entries
from services.gateway.v1_explain import ExplainDoor
from services.gateway.v1_grants import GrantsDoor
from services.gateway.v1_policies import PoliciesDoor
from services.gateway.v1_providers import ProvidersDoor
from services.gateway.v1_registry import RegistryDoor
from services.gateway.v1_revocations import Revocations
from services.gateway.v1_stops import Stops
from services.gateway.wellknown import WellKnown, problem_page

METHOD_NOT_ALLOWED = 405
GET, POST, ANY = ("GET",), ("POST",), ("GET", "PUT", "DELETE")
Address = tuple[str, Sequence[str], Endpoint]


@dataclass(frozen=True)
class Doors:
    base: str
    token: TokenDoor
    revoke: RevokeDoor
    wellknown: WellKnown
    explain: ExplainDoor
    credentials: Credentials
    revocations: Revocations
    registry: RegistryDoor
    entries: Sequence[Entries]
    policies: PoliciesDoor
    providers: ProvidersDoor
    stops: Stops
    dead_letters: DeadLetters
    audit: AuditDoor
    proofs: ProofDoor
    tlog: TlogDoor
    consents: ConsentsDoor
    grants: GrantsDoor
    people: ConsentDoor


def oauth(doors: Doors) -> Sequence[Address]:
    return (
        ("/oauth2/token", POST, doors.token.exchange),
        ("/oauth2/revoke", POST, doors.revoke.revoke),
        ("/oauth2/introspect", POST, doors.revoke.introspect),
    )


def others(doors: Doors) -> Sequence[Address]:
    return (
        ("/.well-known/counterfoil", GET, doors.wellknown.counterfoil),
        ("/.well-known/oauth-authorization-server", GET, doors.wellknown.oauth),
        ("/openapi.json", GET, describing(doors)),
        ("/problems/{code}", GET, problem_page),
        ("/v1/whoami", GET, doors.credentials.whoami),
        ("/v1/explain", POST, doors.explain.explain),
        ("/v1/credentials", GET, doors.credentials.credentials),
        ("/v1/revocations", GET, doors.revocations.all),
        ("/v1/revocations", POST, doors.revocations.order),
        ("/v1/revocations/{id}", GET, doors.revocations.status),
        ("/v1/revocations/{id}/credentials", GET, doors.revocations.credentials),
        ("/v1/registry", GET, doors.registry.show),
        ("/v1/registry", POST, doors.registry.put),
        ("/v1/providers", GET, doors.providers.all),
        ("/v1/providers/{name}", GET, doors.providers.one),
        ("/v1/policies/lint", POST, doors.policies.lint),
        ("/v1/connectors/{name:path}/unfence", POST, doors.stops.unfence),
        *(address for one in doors.entries for address in of_kind(one)),
        ("/v1/blocks", GET, doors.stops.blocks),
        ("/v1/blocks/{id}", ("GET", "DELETE"), doors.stops.block),
        ("/v1/dead-letters", POST, doors.dead_letters.acted),
        ("/v1/consents", POST, doors.consents.ask),
        ("/v1/consents/{id}", GET, doors.consents.one),
        ("/v1/grants", GET, doors.grants.all),
        ("/v1/grants/{id}", ("GET", "DELETE"), doors.grants.one),
        ("/v1/audit/leaves", GET, doors.audit.leaves),
        ("/v1/audit/checkpoint", GET, doors.proofs.checkpoint),
        ("/v1/audit/proof/inclusion", GET, doors.proofs.inclusion),
        ("/v1/audit/proof/consistency", GET, doors.proofs.consistency),
        ("/v1/audit/tlog/checkpoint", GET, doors.proofs.checkpoint),
        ("/v1/audit/tlog/tile/entries/{tile:path}", GET, doors.tlog.entries),
        ("/v1/audit/tlog/tile/{level}/{tile:path}", GET, doors.tlog.tile),
    )


def pages(doors: Doors) -> Sequence[Address]:
    """For people, in a browser, and for where they are sent. No part of what is described."""
    return (
        (BACK, GET, doors.people.back),
        (CLIENT, GET, doors.people.client),
        ("/consent/{link}", GET, doors.people.go),
        ("/consent/{link}", POST, doors.people.given),
    )


def of_kind(entries: Entries) -> Sequence[Address]:
    return (f"/v1/{entries.kind.plural}", GET, entries.all), (f"/v1/{entries.kind.plural}/{{name:path}}", ANY, entries.named)


def describing(doors: Doors) -> Endpoint:
    """What is in the repository, with this installation's address. It tells what doors there are, and nothing of what is behind them."""
    found: list[JSONResponse] = []

    async def openapi(_: Request) -> Response:
        if not found:
            made = document([(path, methods) for path, methods, _ in addresses(doors)], doors.base)
            found.append(JSONResponse(made, headers={"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}))
        return found[0]

    return openapi


def addresses(doors: Doors) -> Sequence[Address]:
    return (*oauth(doors), *others(doors))


def routes(doors: Doors) -> ASGIApp:
    def made(addresses: Sequence[Address], dialect: Dialect) -> list[Route]:
        return [Route(path, Door(endpoint, dialect, doors.base), methods=list(methods)) for path, methods, endpoint in addresses]

    every = [*made(oauth(doors), "oauth"), *made((*others(doors), *pages(doors)), "v1")]
    return Starlette(routes=every, exception_handlers={HTTPException: misplaced(doors.base)})


def misplaced(base: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    """No such address, or not with this method."""

    async def answer(request: Request, error: Exception) -> Response:
        code = "method_not_allowed" if isinstance(error, HTTPException) and error.status_code == METHOD_NOT_ALLOWED else "not_found"
        dialect: Dialect = "oauth" if request.url.path.startswith("/oauth2/") else "v1"
        answered = refusal(Problem(code), dialect, base, About())
        if code == "method_not_allowed":
            answered.headers["Allow"] = ", ".join(sorted(allowed(request)))
        return answered

    return answer


def allowed(request: Request) -> set[str]:
    """RFC 9110, section 15.5.6. An address may have several doors, one for each method."""
    doors = [route for route in request.app.routes if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in doors if route.path == doors[0].path for method in route.methods or ()}
