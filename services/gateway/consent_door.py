"""/consent: a person on their way to a provider, and back. What they bring goes sealed to mint, and stays nowhere here."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from counterfoil.contracts import consent_returned
from counterfoil.contracts.base import named
from counterfoil.contracts.consent_returned import ConsentReturned
from counterfoil.wire import binding
from counterfoil.wire.armor import to_url
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import Out
from services.gateway.consents import Consents
from services.gateway.settled import Settled

BACK = "/consent/back"
CLIENT = "/consent/client.json"
PATIENCE = 8.0
COOKIE = "counterfoil-consent"
LONGEST_CODE = 4096
STYLE = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}"
HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'",
}  # fmt: skip
Send = Callable[[Sequence[Out]], Awaitable[None]]


class ConsentDoor:
    def __init__(self, consents: Consents, keys: KeyRing, send: Send, settled: Settled, now: Clock) -> None:
        self._consents, self._keys, self._send, self._settled, self._now = consents, keys, send, settled, now

    async def go(self, request: Request) -> Response:
        """To the provider. The cookie ties the way back to this browser: a code that somebody else brought leads nowhere."""
        sent = await self._consents.send(request.path_params["link"])
        if sent is None:
            return page("This question is over", "The link was used, or is older than ten minutes. Go back to the app, and begin again.", 404)
        away = RedirectResponse(sent.url, 303, HEADERS)
        secure = urlsplit(self._consents.back).scheme == "https"
        path = urlsplit(self._consents.back).path
        away.set_cookie(COOKIE, sent.state, max_age=600, path=path, secure=secure, httponly=True, samesite="lax")
        return away

    async def back(self, request: Request) -> Response:
        found = dict(request.query_params)
        state = found.get("state", "")
        row = await self._consents.back_from(state) if state and request.cookies.get(COOKIE) == state else None
        if row is None:
            return page("This is no answer to a question of ours", "Go back to the app, and begin again, in this browser.", 400)
        said, required = found.get("iss"), row["says_issuer"]
        if (said is not None or required) and said != row["issuer"]:
            return page("This answer is of another server", "It was not used. Tell whoever runs the app.", 400)
        with self._settled.expecting(row["consent_id"]) as end:
            await self._send([self._returned(row, found)])
            await asyncio.wait([end], timeout=PATIENCE)
        came = await self._consents.came_to(row["consent_id"])
        response = told(came or row)
        response.delete_cookie(COOKIE, path=urlsplit(self._consents.back).path)
        return response

    async def client(self, _: Request) -> Response:
        """Who we are, for authorization servers that read it at the client's id: a client ID metadata document. Nothing in it is secret."""
        back = self._consents.back
        base = back.removesuffix(BACK)
        said = {
            "client_id": f"{base}{CLIENT}", "client_name": "Counterfoil", "client_uri": base, "redirect_uris": [back], "application_type": "web",
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "token_endpoint_auth_method": "none",
        }  # fmt: skip
        return JSONResponse(said, headers={"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"})

    def _returned(self, row: Mapping[str, Any], found: Mapping[str, str]) -> Out:
        code, consent_id = found.get("code"), row["consent_id"]
        brought = {"code": code[:LONGEST_CODE], "redirect_uri": self._consents.back} if code else {"error": found.get("error", "")[:64]}
        box = self._keys.sealer.seal(Secret(json.dumps(brought)), self._keys.recipient("mint"), binding.consent(consent_id))
        now = self._now()
        fact = ConsentReturned(
            id=named("consent.returned", str(consent_id)), at=now, consent_id=consent_id, deadline=now + timedelta(seconds=PATIENCE),
            box=to_url(box).decode(),
        )  # fmt: skip
        return Out(consent_returned.TOPIC, fact, key=str(consent_id), event_id=str(fact.id))


def told(row: Mapping[str, Any]) -> Response:
    """Back to the app, where it said where; else a page that says what came of it."""
    outcome = row["outcome"] if row["outcome"] in {"granted", "refused"} else "waiting"
    if row["return_to"]:
        joint = "&" if urlsplit(row["return_to"]).query else "?"
        query = urlencode({"consent": str(row["consent_id"]), "outcome": outcome})
        return RedirectResponse(f"{row['return_to']}{joint}{query}", 303, HEADERS)
    app = f"{row['project']} ({row['environment']})"
    if outcome == "granted":
        return page("Done", f"{app} may now act for you at {row['connector']}: {', '.join(row['scopes'])}. You may close this page.")
    if outcome == "waiting":
        return page("Not yet", "The provider takes its time. Go back to the app: it asks again by itself.", 504)
    message = json.loads(bytes(row["fact"])).get("message", "")
    return page("Nothing was given", f"{app} cannot act for you at {row['connector']}: {message}", 403)


def page(title: str, text: str, status: int = 200) -> Response:
    made = f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}</title>"
    return HTMLResponse(f"{made}<style>{STYLE}</style><main><h1>{escape(title)}</h1><p>{escape(text)}</p></main></html>", status, HEADERS)
