"""The log as the gateway serves it: page after page, up to one signed head, and leaves by what they are about."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Self
from uuid import UUID

from counterfoil.cli.session import V1, Session
from counterfoil.client.errors import CounterfoilError, NotFound

PAGE = 1000
FRESH = 60.0
"""Seconds that one identity is used for: it lives for minutes, and a log may be long."""
Leaf = dict[str, Any]


class Pages:
    def __init__(self, session: Session) -> None:
        self._session, self._open = session, AsyncExitStack()
        self._v1: V1 | None = None
        self._until = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def v1(self) -> V1:
        if self._v1 is None or time.monotonic() > self._until:
            await self._open.aclose()
            self._open = AsyncExitStack()
            self._v1 = await self._open.enter_async_context(self._session.v1())
            self._until = time.monotonic() + FRESH
        return self._v1

    async def get(self, **query: str) -> dict[str, Any]:
        found: dict[str, Any] = await (await self.v1()).get("audit/leaves", **query)
        return found

    async def head(self) -> tuple[int, str]:
        """Size and signed note of the newest head."""
        found = await self.get(limit="1")
        if not found.get("checkpoint"):
            raise CounterfoilError("empty_log", "the audit log has no leaf yet", fix="ask again after the first exchange")
        return found["size"], found["checkpoint"]

    async def leaves(self, first: int, end: int) -> AsyncIterator[Leaf]:
        """As they are served: what is missing or in another order is for the caller to see."""
        after = first - 1
        while after + 1 < end:
            asked = {"from": str(after + 1)} if after < 0 else {"after": str(after)}
            page = (await self.get(**asked, limit=str(min(PAGE, end - after - 1))))["leaves"]
            for one in page:
                yield one
            if not page or page[-1]["index"] <= after:
                return
            after = page[-1]["index"]

    async def first_since(self, moment: str, end: int) -> int:
        """The first leaf of that time or later, by halves: leaves are in order of time as far as the writer's clock never went back."""
        low, high = 0, end
        while low < high:
            middle = (low + high) // 2
            (one,) = (await self.get(**{"from": str(middle)}, limit="1"))["leaves"][:1] or ({"leaf": "{}"},)
            low, high = (middle + 1, high) if time_of(one["leaf"]) < moment else (low, middle)
        return low

    async def about(self, name: str) -> list[Leaf]:
        """Of an index, a request or a credential: its leaves, in order."""
        if name.isdecimal():
            found = (await self.get(**{"from": name}, limit="1"))["leaves"]
            found = [one for one in found if one["index"] == int(name)]
        else:
            # The credential first: its end is found by its id alone, and would be taken for all that there is.
            found = (await self.get(credential_id=name, limit=str(PAGE)))["leaves"] or (await self.get(request_id=name, limit=str(PAGE)))["leaves"]
        if not found:
            fix = "give an index, a request_id or a credential_id; `counterfoil audit tail` lists leaves"
            raise NotFound("not_found", f"the log has nothing about {name}", fix=fix)
        return list(found)


def time_of(leaf: str) -> str:
    import json

    return str(json.loads(leaf).get("time", ""))


def about(name: str) -> str:
    """The argument as it was meant: a number, or a UUID in its usual spelling."""
    import typer

    try:
        return str(int(name)) if name.isdecimal() else str(UUID(name))
    except ValueError:
        raise typer.BadParameter("an index, a request_id or a credential_id") from None
