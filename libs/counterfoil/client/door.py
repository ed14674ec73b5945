"""The gateway's HTTP door: what it says of itself, and every call to it. No error made here holds what was sent."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import CounterfoilError, from_problem, unanswered
from counterfoil.client.well_known import PATH, WellKnown
from counterfoil.wire.secret import Secret

PROXYS_OWN = frozenset({502, 503, 504})
"""Without a problem document these come from something in between: what became of the request is not known."""


class Door:
    def __init__(self, url: str, http: httpx.AsyncClient | None = None) -> None:
        """An `http` of the caller's stays open: proxies and authorities are theirs to set."""
        self.url = url.rstrip("/")
        self._own = http is None
        self._http = http or httpx.AsyncClient(limits=httpx.Limits(max_connections=256, max_keepalive_connections=64))
        self._known: WellKnown | None = None
        self._asking = asyncio.Lock()

    async def known(self, deadline: Deadline) -> WellKnown:
        """Asked for once, and again after it was found to be out of date."""
        async with self._asking:
            if self._known is None:
                self._known = WellKnown.read(await self.call("GET", PATH, deadline))
            return self._known

    def forget(self, outdated: WellKnown | None) -> None:
        if self._known is outdated:
            self._known = None

    async def call(
        self, method: str, path: str, deadline: Deadline, *, bearer: Secret | None = None, headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None, body: Any = None, query: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """The JSON of a good answer. Raises a CounterfoilError for every other."""
        sent = {"Accept": "application/json", **(headers or {})}
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer.text()}"
        failed: str
        try:
            async with asyncio.timeout(deadline.left()):
                response = await self._http.request(method, self.url + path, headers=sent, data=form, json=body, params=query, timeout=None)
            return _read(response)
        except TimeoutError:
            failed = "late"
        except httpx.TransportError as error:
            failed = type(error).__name__
        except httpx.InvalidURL:
            failed = "InvalidURL"
        # Raised outside the handler: httpx's errors hold the request, and with it the token.
        if failed == "late":
            raise unanswered("late", f"no answer within {deadline.seconds:g} s")
        fix = f"is the gateway running at {self.url}? Set COUNTERFOIL_URL if it is elsewhere, or run `counterfoil doctor`"
        raise unanswered("unreachable", f"{self.url} could not be reached: {failed}", fix=fix)

    async def close(self) -> None:
        if self._own:
            await self._http.aclose()


def _read(response: httpx.Response) -> Any:
    document = _json(response)
    if response.is_success:
        return document
    if not isinstance(document, dict) or not ("code" in document or "error" in document):
        if response.status_code in PROXYS_OWN:
            raise unanswered("unreachable", f"HTTP {response.status_code} from something before the gateway")
        document = {"message": f"HTTP {response.status_code} without a problem document", "fix": "check COUNTERFOIL_URL"}
    raise _with_pause(from_problem(document, response.status_code), response)


def _json(response: httpx.Response) -> Any:
    """None for an empty body, and for one that is no JSON: nothing of it is quoted."""
    try:
        return response.json()
    except ValueError:
        return None


def _with_pause(error: CounterfoilError, response: httpx.Response) -> CounterfoilError:
    wait = response.headers.get("retry-after", "")
    if error.retryable and wait.isdecimal():
        error.retry_after = float(wait)
    return error
