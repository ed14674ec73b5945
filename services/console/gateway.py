"""The gateway's /v1, asked with the operator's own token: it decides what the operator may, and writes down who did it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from counterfoil.contracts.base import JsonObject
from services.console.operator import Operator

LARGEST = 8 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    etag: str | None = None


class Refused(Exception):
    """A problem document (RFC 9457), or what stands for one where the gateway could not be reached."""

    def __init__(self, status: int, document: JsonObject) -> None:
        super().__init__(f"{status} {document.get('code')}")
        self.status, self.document = status, document

    @property
    def code(self) -> str:
        return str(self.document.get("code", "internal"))

    @property
    def message(self) -> str:
        return str(self.document.get("message") or self.document.get("detail") or self.code)

    @property
    def fix(self) -> str:
        return str(self.document.get("fix") or "")


AWAY: JsonObject = {
    "code": "unavailable", "message": "the gateway cannot be reached", "fix": "see whether it is up: its /readyz, and its log", "retryable": True,
}  # fmt: skip


@dataclass(frozen=True)
class Gateway:
    http: httpx.AsyncClient = field(repr=False)
    """Its base URL is the gateway's."""

    async def ask(
        self, operator: Operator, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None, etag: str | None = None,
        only_new: bool = False,
    ) -> Answer:  # fmt: skip
        """`etag`: the change is made only where the entry is still that one (If-Match); `only_new`: where none is. Raises Refused."""
        headers = {"Authorization": f"Bearer {operator.token.text()}"} | ({"If-Match": etag} if etag else {})
        headers |= {"If-None-Match": "*"} if only_new else {}
        asked = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        try:
            answer = await self.http.request(method, path, json=body, params=asked, headers=headers)
        except httpx.HTTPError:
            raise Refused(503, AWAY) from None
        if answer.is_error:
            raise Refused(answer.status_code, problem(answer))
        return Answer(answer.status_code, decoded(answer), answer.headers.get("etag"))

    async def get(self, operator: Operator, path: str, **query: Any) -> Any:
        return (await self.ask(operator, "GET", path, query=query)).body


def decoded(answer: httpx.Response) -> Any:
    kind = answer.headers.get("content-type", "")
    return answer.json() if "json" in kind else answer.text or None


def problem(answer: httpx.Response) -> JsonObject:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else AWAY
