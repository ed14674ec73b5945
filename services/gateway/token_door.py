"""POST /oauth2/token: RFC 8693, token exchange."""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from counterfoil.wire.asking import Opened
from counterfoil_server.runtime import crash
from services.gateway import body
from services.gateway.answering import NO_STORE
from services.gateway.asker import Asker
from services.gateway.problems import About, Problem
from services.gateway.pulse import Pulse
from services.gateway.table import STAGES
from services.gateway.tracing import GRANTED, Exchange, Tracing
from services.gateway.waiting import Waiter, Waiting
from services.gateway.wish import Asking, asking

AskingPeople = Callable[[Mapping[str, Any], Mapping[str, Any]], Awaitable[Mapping[str, str]]]
"""From a wish and the refusal of it, which a person's agreement would change, to where that person can be sent."""
CREDENTIAL = "urn:counterfoil:token-type:credential"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name


class TokenDoor:
    def __init__(self, asker: Asker, waiting: Waiting, pulse: Pulse, tracing: Tracing, asking_people: AskingPeople, base: str) -> None:
        self._asker, self._waiting, self._pulse, self._tracing, self._base = asker, waiting, pulse, tracing, base
        self._asking_people = asking_people

    async def exchange(self, request: Request) -> Response:
        asked = asking(await body.form(request), self._base)
        with ExitStack() as open_until_sent:
            traced = open_until_sent.enter_context(self._tracing.exchange(asked.connector, str(asked.request_id), request.headers.get("traceparent")))
            request.state.about = About(str(asked.request_id), traced.trace_id)
            await self._pulse.check()
            question = self._asker.question(asked, request, traced.sending())
            waiter = open_until_sent.enter_context(self._waiting.entered(question))
            opened = await self._asker.answer(waiter, request)
            crash.at("gateway.reply_in_hand")
            content = await self._said(opened, asked, waiter, traced)
            return Handing(content, waiter, open_until_sent.pop_all())

    async def _said(self, opened: Opened, asked: Asking, waiter: Waiter, traced: Exchange) -> dict[str, Any]:
        """The lent credential. Raises Problem for a no, which is handed over by being said: there is nothing in it to lose."""
        if opened.credential is not None:
            traced.outcome = GRANTED
            return lent(opened, asked, self._asker.now())
        waiter.handed = opened.fact is None or opened.fact["kind"] != "credential.minted"
        problem = no(opened)
        if problem.code == "consent_required":
            problem.extra = {**problem.extra, **await self._asking_people(asked.wish, opened.fact or {})}
        traced.said_no(problem.code, problem.stage)
        raise problem


class Handing(JSONResponse):
    """A response that knows whether it was sent: only then is the credential handed over."""

    def __init__(self, content: dict[str, Any], waiter: Waiter, open_until_sent: ExitStack) -> None:
        super().__init__(content, headers=NO_STORE)
        self._waiter, self._open = waiter, open_until_sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._open:
            if not await Request(scope, receive).is_disconnected():
                await super().__call__(scope, receive, send)
                self._waiter.handed = True


def lent(opened: Opened, asked: Asking, now: datetime) -> dict[str, Any]:
    """RFC 8693 section 2.2.1, and what it does not know: which credential, and the proof that it was recorded first."""
    fact = opened.fact or {}
    secret = json.loads(opened.credential.text()) if opened.credential is not None else {}
    expires_in = int((datetime.fromisoformat(fact["expires_at"]) - now).total_seconds())
    return {
        "access_token": secret["access_token"],
        "issued_token_type": CREDENTIAL if secret["token_type"] == "N_A" else ACCESS_TOKEN,  # noqa: S105 - a name
        "token_type": secret["token_type"],
        "expires_in": max(0, expires_in),
        "scope": " ".join(fact["scopes"]),
        "authorization_details": fact.get("details", []),
        "credential_id": fact["credential_id"],
        "request_id": str(asked.request_id),
        "credential": secret.get("credential", {}),
        "receipt": receipt(opened),
    }


SHOWN = ("retry_after", "beyond", "beyond_details", "beyond_lifetime", "nearest", "rule")


def no(opened: Opened) -> Problem:
    said = opened.problem or {}
    kind = (opened.fact or {}).get("kind", "grant.denied")
    return Problem(
        str(said.get("code", "denied")),
        message=str(said.get("message", "")),
        stage=STAGES.get(kind, "audit"),
        fix=str(said.get("fix", "")),
        extra={"receipt": receipt(opened), **{name: said[name] for name in SHOWN if name in said}},
    )


def receipt(opened: Opened) -> dict[str, Any]:
    """Which leaf, and its proof. A caller who may not read the reason gets no leaf."""
    found: dict[str, Any] = {"index": opened.index, "proof": opened.proof}
    return found if opened.leaf is None else {"index": opened.index, "leaf": opened.leaf, "proof": opened.proof}
