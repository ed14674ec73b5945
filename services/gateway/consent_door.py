"""/consent: a person on their way to a provider, and back; or asked here, where the provider sends nobody back."""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.gateway import body, consent_pages
from services.gateway.consent_bringing import Bringing
from services.gateway.consents import Consents, hashed

BACK = "/consent/back"
CLIENT = "/consent/client.json"
COOKIE = "counterfoil-consent"
LASTS = 2700
"""Seconds: a link, and after it a code that is typed in elsewhere, as long as either may live."""
LONGEST_CODE = LONGEST_KEY = 4096
EMPTY, TOO_LONG = "There was no key in it.", f"It is longer than {LONGEST_KEY} characters: no key is."
NO_KEY = "A key is one line of letters, digits and signs, without blanks: paste it anew."


class ConsentDoor:
    def __init__(self, consents: Consents, bringing: Bringing) -> None:
        self._consents, self._bringing = consents, bringing

    async def go(self, request: Request) -> Response:
        """To the provider, or the question itself. The cookie ties what comes back to this browser: what somebody else brought leads nowhere."""
        link = request.path_params["link"]
        begun = "begun" in request.query_params
        if (state := request.cookies.get(COOKIE)) and (row := await self._consents.under_way(link, state, begun=begun)):
            return self._how_far(row, link)
        sent = await self._consents.send(link)
        if sent is None:
            return consent_pages.over()
        if sent.way == "redirect":
            away: Response = RedirectResponse(sent.url, 303, consent_pages.HEADERS)
            self._tie(away, sent.state, self._path("back"), "lax")
        else:
            away = consent_pages.pasting(sent.row, sent.state, sent.url) if sent.way == "paste" else consent_pages.beginning(sent.row, sent.state)
            self._tie(away, sent.state, self._path(link), "strict" if sent.way == "paste" else "lax")
        return away

    def _how_far(self, row: Mapping[str, Any], link: str) -> Response:
        """The page that asks for itself again, until it has come to something."""
        if row["outcome"] in {"granted", "refused"}:
            return done(consent_pages.told(row), self._path(link))
        return consent_pages.typing_in(row) if row["user_code"] else consent_pages.moment()

    async def back(self, request: Request) -> Response:
        found = dict(request.query_params)
        row = await self._of_this_browser(request, found.get("state", ""))
        if row is None or row["way"] != "redirect":
            return consent_pages.stranger()
        said, required = found.get("iss"), row["says_issuer"]
        if (said is not None or required) and said != row["issuer"]:
            return consent_pages.page("This answer is of another server", "It was not used. Tell whoever runs the app.", 400)
        code = found.get("code")
        brought = {"code": code[:LONGEST_CODE], "redirect_uri": self._consents.back} if code else {"error": found.get("error", "")[:64]}
        return done(consent_pages.told(await self._bringing.bring(row, brought)), self._path("back"))

    async def client(self, _: Request) -> Response:
        """Who we are, for authorization servers that read it at the client's id: a client ID metadata document. Nothing in it is secret."""
        back = self._consents.back
        base = back.removesuffix(BACK)
        said = {
            "client_id": f"{base}{CLIENT}", "client_name": "Counterfoil", "client_uri": base, "redirect_uris": [back], "application_type": "web",
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "token_endpoint_auth_method": "none",
        }  # fmt: skip
        return JSONResponse(said, headers={"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"})

    async def given(self, request: Request) -> Response:
        """What was typed into the page. It may be used as long as the question lives: mint may be away for a while."""
        found, link = await body.form(request), request.path_params["link"]
        row = await self._of_this_browser(request, found.get("state", ""))
        if row is None or row["way"] == "redirect" or row["link_digest"] != hashed(link):
            return consent_pages.stranger()
        key = found.get("key", "").strip()
        if "no" in found:
            brought = {"error": "access_denied"}
        elif row["way"] == "device":
            await self._bringing.put(row, {"device": "begins"}, row["expires_at"])
            return RedirectResponse(f"{self._path(link)}?begun=1", 303, consent_pages.FORM)
        elif wrong := amiss(key):
            return consent_pages.pasting(row, found["state"], row["url"], wrong)
        else:
            brought = {"key": key}
        came = await self._bringing.bring(row, brought, row["expires_at"])
        return done(consent_pages.told(came, posted=True), self._path(link))

    async def _of_this_browser(self, request: Request, state: str) -> Mapping[str, Any] | None:
        return await self._consents.back_from(state) if state and request.cookies.get(COOKIE) == state else None

    def _path(self, last: str) -> str:
        return urlsplit(self._consents.back).path.removesuffix("back") + last

    def _tie(self, response: Response, state: str, path: str, samesite: Literal["lax", "strict"]) -> None:
        secure = urlsplit(self._consents.back).scheme == "https"
        response.set_cookie(COOKIE, state, max_age=LASTS, path=path, secure=secure, httponly=True, samesite=samesite)


def done(response: Response, path: str) -> Response:
    response.delete_cookie(COOKIE, path=path)
    return response


def amiss(key: str) -> str:
    if not key:
        return EMPTY
    if len(key) > LONGEST_KEY:
        return TOO_LONG
    return "" if key.isascii() and key.isprintable() and " " not in key else NO_KEY
