"""/v1/consents: an app asks for the agreement of one of its users, and sees what came of it."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil.contracts.exchange_requested import Wish
from counterfoil.contracts.registry import ConnectorName, Name
from counterfoil.wire import users
from counterfoil.wire.envelope import fields
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Clock
from services.gateway import body, place
from services.gateway.answering import NO_STORE
from services.gateway.consents import Asked, Consents, Wanted
from services.gateway.explaining import Explainer
from services.gateway.operators import Operators
from services.gateway.problems import Problem
from services.gateway.query import parameters, uuid

NOBODY = "this connector asks no people: it lends to apps alone"


class Question(BaseModel):
    """`user`: the id that the app, or `user_issuer`, knows them by: its digest alone is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    connector: ConnectorName
    user: str = Field(min_length=1, max_length=users.LONGEST)
    user_issuer: str | None = Field(default=None, min_length=1, max_length=users.LONGEST)
    scopes: list[str] = Field(default=[], max_length=256)
    installation: Name | None = None
    return_to: str | None = Field(default=None, max_length=2048)


class ConsentsDoor:
    def __init__(self, operators: Operators, consents: Consents, explainer: Explainer, registry: Registry, now: Clock, base: str) -> None:
        self._operators, self._consents, self._explainer, self._registry, self._now, self._base = operators, consents, explainer, registry, now, base

    async def ask(self, request: Request) -> Response:
        """Where the app may ask for itself, by link and policy, it may ask a person."""
        caller = await self._operators.caller(request)
        asked = question(await body.json_object(request))
        user = users.digest(asked.user, asked.user_issuer)
        wish = Wish(connector=asked.connector, scopes=tuple(asked.scopes), installation=asked.installation, user=user)
        entry = self._registry.snapshot.issuers.get(caller.issuer)
        found = await self._explainer.explain(place.own(caller, clear=entry is not None and entry.subject == "workload"), wish, reader=False)
        if not found["granted"]:
            raise Problem(found["code"], found["message"], stage="authorize", fix=found["fix"])
        wanted = Wanted(asked.connector, found["installation"], caller.project or "", caller.environment or "", user, frozenset(found["scopes"]),
                        returning(asked.return_to))  # fmt: skip
        made = await self._consents.ask(wanted, self._now())
        if made is None:
            raise Problem("conflict", NOBODY, fix="Set `people` in the connector's config, where its provider can ask people.")
        return JSONResponse(shown(made, self._base), 201, headers=NO_STORE)

    async def after(self, wish: Mapping[str, Any], refused: Mapping[str, Any]) -> Mapping[str, str]:
        """`url`: where the person can agree to what was refused for want of that. Nothing where nobody is asked."""
        snapshot = self._registry.snapshot
        connector = snapshot.connectors.get(wish["connector"])
        if connector is None:
            return {}
        scopes = frozenset(wish.get("scopes", ())) or connector.scopes
        installation = wish.get("installation", connector.installation)
        wanted = Wanted(connector.name, installation, refused["project"], refused["environment"], wish["user"], scopes)
        made = await self._consents.ask(wanted, self._now())
        return {"url": shown(made, self._base)["url"]} if made else {}

    async def one(self, request: Request) -> Response:
        caller = await self._operators.caller(request)
        parameters(request, ())
        row = await self._consents.came_to(uuid(request.path_params["id"]))
        if row is None or not (
            caller.lives_in(row["project"], row["environment"]) or self._operators.may(caller, "read_credentials", row["connector"])
        ):
            raise Problem("not_found", "there is no such question, or it is another app's")
        settled = row["outcome"] in {"granted", "refused"}
        outcome = row["outcome"] if settled else "over" if row["expires_at"] < self._now() else "waiting"
        said: dict[str, Any] = {"consent_id": str(row["consent_id"]), "outcome": outcome, "expires_at": row["expires_at"].isoformat()}
        fact = json.loads(bytes(row["fact"])) if settled else {}
        return JSONResponse(said | {name: fact[name] for name in ("grant_id", "scopes", "code", "message") if name in fact}, headers=NO_STORE)


def question(given: dict[str, Any]) -> Question:
    try:
        return Question.model_validate(given)
    except ValidationError as error:
        raise Problem("malformed_request", fields(error)) from None


def returning(address: str | None) -> str | None:
    """A page of the app's, by TLS; in development one of this machine's."""
    if address is None:
        return None
    parts = urlsplit(address) if address.isascii() and address.isprintable() and "\\" not in address else urlsplit("")
    local = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not parts.hostname or parts.fragment or not (parts.scheme == "https" or local):
        raise Problem("malformed_request", "return_to has to be an https address, without a fragment")
    return address


def shown(made: Asked, base: str) -> dict[str, str]:
    return {"consent_id": str(made.consent_id), "url": f"{base}/consent/{made.link}", "expires_at": made.expires_at.isoformat()}
