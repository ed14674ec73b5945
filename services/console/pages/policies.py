"""Policies: what each does, an editor that says what is wrong, and what a change would have changed, before it is made."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from counterfoil.contracts.registry import Policy
from counterfoil_server.domain import cedar_schema
from services.console.gate import form
from services.console.gateway import Refused
from services.console.operator import STEP_UP, demand, demand_fresh, operator_of
from services.console.policies import texts, trial
from services.console.rendering import partial
from services.console.site import Site

LONGEST = 128
SCHEMA = cedar_schema.of_all({}, lenient=False)
GONE = {"code": "not_found", "message": "there is no such policy", "fix": "/policies lists those that are there"}
CHANGED = {"code": "changed_since", "message": "this is not the text that was tried", "fix": "try it on recorded traffic once more, then save it"}


def pages(site: Site) -> Sequence[Route]:
    one = Desk(site)
    return [
        Route("/policies", one.all),
        Route("/policies/edit", one.edit),
        Route("/policies/lint", one.lint, methods=["POST"]),
        Route("/policies/try", one.attempt, methods=["POST"]),
        Route("/policies/save", one.save, methods=["POST"]),
        Route("/policies/remove", one.remove, methods=["POST"]),
    ]


class Desk:
    def __init__(self, site: Site) -> None:
        self._site, self._db, self._trials = site, site.db, trial.Trials(site.db)

    async def all(self, request: Request) -> Response:
        demand(request, "read_registry")
        after, containing = (request.query_params.get(name, "")[:LONGEST] for name in ("after", "containing"))
        found, more = await texts.page(self._db, after, containing)
        about: dict[str, Any] = {"policies": found, "more": more, "containing": containing, "connectors": await texts.connectors(self._db)}
        return self._site.show(request, "policies/table.html" if partial(request) else "policies/page.html", **about)

    async def edit(self, request: Request) -> Response:
        """Of a name that is there the text, else an empty one. Whoever may only read sees the text too."""
        demand(request, "read_registry")
        name = request.query_params.get("name", "")[:LONGEST]
        found = await self._there(name) if name else None
        policy, revision = found or (None, 0)
        fresh = self._site.now() - operator_of(request).signed_in_at <= STEP_UP
        return self._site.show(request, "policies/edit.html", policy=policy, revision=revision, schema=SCHEMA, fresh=fresh, step_up=STEP_UP.seconds)

    async def _there(self, name: str) -> tuple[Policy, int]:
        """And its revision. Raises Refused."""
        found = await texts.one(self._db, name) if "\0" not in name else None
        if found is None:
            raise Refused(404, GONE)
        return found

    async def lint(self, request: Request) -> Response:
        demand(request, "read_registry")
        return self._site.show(request, "policies/lint.html", **await self._linted(request, read(await form(request), "candidate")))

    async def _linted(self, request: Request, policy: Policy) -> dict[str, Any]:
        operator = operator_of(request)
        found = (await self._site.gateway.ask(operator, "POST", "/v1/policies/lint", body={"cedar": policy.cedar})).body
        return {"lint": found, "errors": texts.placed(found["errors"], policy.cedar), "warnings": texts.placed(found["warnings"], policy.cedar)}

    async def attempt(self, request: Request) -> Response:
        """The text is looked at first; if it would be taken, recorded traffic is run through it."""
        demand(request, "read_audit")
        demand(request, "read_registry")
        sent = await form(request)
        before, revision = await self._there(sent["name"]) if sent.get("name") else (None, 0)
        if sent.get("step") == "remove":
            return await self._tried(request, before, None, revision, {})
        after = read(sent, before.name if before else None)
        linted = await self._linted(request, after)
        if not linted["lint"]["valid"]:
            return self._site.show(request, "policies/lint.html", **linted)
        if operator_of(request).can("change_registry"):
            await self._put(request, after, revision, dry_run=True)
        return await self._tried(request, before, after, revision, linted)

    async def _tried(self, request: Request, before: Policy | None, after: Policy | None, revision: int, linted: dict[str, Any]) -> Response:
        if before is None and after is None:
            raise Refused(404, GONE)
        tried = await self._trials.of(trial.Candidate(after, before.name if before and not after else None), self._site.now())
        lines = texts.difference(before.cedar if before else "", after.cedar if after else "")
        about: dict[str, Any] = {
            "before": before, "after": after, "revision": revision, "seen": digest(after, revision), "tried": tried, "lines": lines,
            "found": tried.report.document(), "warnings": linted.get("warnings", ()),
        }  # fmt: skip
        return self._site.show(request, "policies/tried.html", **about)

    async def save(self, request: Request) -> Response:
        demand(request, "change_registry")
        demand_fresh(request, self._site.now())
        sent = await form(request)
        before = (await self._there(sent["name"]))[0] if sent.get("name") else None
        after, revision = read(sent, before.name if before else None), sent.get("revision", "")
        if not revision.isdecimal() or sent.get("seen") != digest(after, int(revision)):
            raise Refused(409, CHANGED)
        await self._put(request, after, int(revision), dry_run=False)
        return Response(status_code=204, headers={"HX-Redirect": "/policies"})

    async def _put(self, request: Request, policy: Policy, revision: int, *, dry_run: bool) -> None:
        """Revision 0: nothing may be there."""
        query, held = {"dry_run": "true"} if dry_run else None, f'"{revision}"' if revision else None
        ask, address = self._site.gateway.ask, f"/v1/policies/{quote(policy.name)}"
        await ask(operator_of(request), "PUT", address, body={"cedar": policy.cedar}, query=query, etag=held, only_new=not revision)

    async def remove(self, request: Request) -> Response:
        operator = demand(request, "change_registry")
        demand_fresh(request, self._site.now())
        sent = await form(request)
        await self._site.gateway.ask(operator, "DELETE", f"/v1/policies/{quote(sent.get('name', ''))}", etag=f'"{sent.get("revision", "")}"')
        return Response(status_code=204, headers={"HX-Redirect": "/policies"})


def read(sent: dict[str, str], name: str | None) -> Policy:
    """Raises Refused. `name`: of what is there; else the form's."""
    called, cedar = name or sent.get("called", "").strip(), sent.get("cedar", "").replace("\r\n", "\n")
    try:
        return Policy(name=called, cedar=cedar)
    except ValidationError as error:
        said = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors(include_input=False, include_url=False))
        raise Refused(422, {"code": "malformed_request", "message": said, "fix": "a name is lower case letters, digits, dots and dashes"}) from None


def digest(policy: Policy | None, revision: int) -> str:
    about = [policy.name if policy else None, policy.cedar if policy else None, revision]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()
