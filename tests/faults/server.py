"""A provider over HTTP, of three classes, that does what its plan of faults says: `python -m tests.faults.server FOLDER PORT`."""

import asyncio
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.faults.plan import Plan, Rule, provider_of
from tests.faults.truth import Truth

SAID = {"429": 429, "500": 500, "fails": 500}
MEANS = {"fault": "name", "held": "token", "cut": "principal"}
"""By what each can end what it lent. Asked to do it otherwise it says no: it does not know what is meant."""


class Dropped(Response):
    """Promises more than it sends, so that the connection is cut."""

    def __init__(self) -> None:
        super().__init__(b"{", headers={"Content-Length": "100"})


class Trickled(Response):
    """Its headers come bit by bit, past the server: whoever waits for one byte at a time waits for ever."""

    def __init__(self, answer: Response, seconds: float) -> None:
        super().__init__(answer.body, answer.status_code)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - past them
        wire = scope["raw_send"].__self__.transport
        head = f"HTTP/1.1 {self.status_code} x\r\nConnection: close\r\nContent-Length: {len(self.body)}\r\n"
        bits = [head[at : at + 8].encode() for at in range(0, len(head), 8)]
        for bit in bits:
            wire.write(bit)
            await asyncio.sleep(self._seconds / len(bits))
        wire.write(b"\r\n" + self.body)
        wire.close()


class Desk:
    def __init__(self, truth: Truth) -> None:
        self._truth, self._plan = truth, Plan()
        self._met: Counter[str] = Counter()
        self._heard: set[str] = set()
        self._late: set[asyncio.Task[Any]] = set()

    async def instruct(self, request: Request) -> Response:
        self._plan = Plan.read(await request.json())
        return JSONResponse({})

    async def met(self, _: Request) -> Response:
        return JSONResponse(self._met)

    async def heard(self, request: Request) -> Response:
        """Whether any of these was asked for, whatever became of it."""
        return JSONResponse({"any": not self._heard.isdisjoint((await request.json())["names"])})

    async def mint(self, request: Request) -> Response:
        order = await request.json()
        self._heard.add(order["name"])
        fault = self._meets("mint", order, order["name"])
        if fault is not None and fault.fault == "late":
            task = asyncio.create_task(self._obey_late(order, fault.seconds))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            await asyncio.sleep(fault.seconds + 5)
            return Dropped()
        if (refused := await self._instead(fault)) is not None:
            return refused
        answer = self._obey(order)
        if fault is not None and fault.fault == "twice":
            answer = self._obey(order)
        return await self._answered(answer, fault)

    async def revoke(self, request: Request) -> Response:
        order = await request.json()
        means = MEANS[provider_of(order["connector"])]
        if means not in order:
            return JSONResponse({"error": "what is meant?"}, 403)
        fault = self._meets("revoke", order, order[means])
        if (refused := await self._instead(fault)) is not None:
            return refused
        if fault is None or fault.fault != "lies":
            self._truth.end(means, order[means])
        return await self._answered(JSONResponse({}), fault)

    async def alive(self, request: Request) -> Response:
        order = await request.json()
        means = MEANS[provider_of(order["connector"])]
        return JSONResponse({"alive": self._truth.alive(means, order[means], order["since"])})

    def _meets(self, op: str, order: dict[str, Any], name: str) -> Rule | None:
        fault = self._plan.meets(op, order["connector"], name)
        self._met[f"{provider_of(order['connector'])}: {op} {fault.fault if fault else 'good'}"] += 1
        return fault

    async def _instead(self, fault: Rule | None) -> Response | None:
        if fault is None:
            return None
        if fault.fault == "hang":
            await asyncio.sleep(fault.seconds)
            return Dropped()
        status = SAID.get(fault.fault)
        return None if status is None else JSONResponse({}, status, {"Retry-After": "1"} if status == 429 else None)

    async def _answered(self, answer: Response, fault: Rule | None) -> Response:
        if fault is None:
            return answer
        if fault.fault == "slow":
            await asyncio.sleep(fault.seconds)
        return Dropped() if fault.fault == "drop" else Trickled(answer, fault.seconds) if fault.fault == "trickle" else answer

    async def _obey_late(self, order: dict[str, Any], seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._obey(order)

    def _obey(self, order: dict[str, Any]) -> Response:
        """Not after the request has expired: that is what a window is. Where there are names, one is taken for good."""
        if order["until"] is not None and time.time() > order["until"]:
            return JSONResponse({"error": "expired"}, 410)
        if MEANS[provider_of(order["connector"])] == "name" and self._truth.known(order["name"]):
            return JSONResponse({"error": "exists"}, 409)
        token = secrets.token_urlsafe(24)
        self._truth.mint(order["name"], token, order["connector"], order["dies_at"])
        return JSONResponse({"token": token})


def app(folder: Path) -> Any:
    desk = Desk(Truth(folder / "truth.sqlite"))
    posts = {"/mint": desk.mint, "/revoke": desk.revoke, "/alive": desk.alive, "/plan": desk.instruct, "/heard": desk.heard}
    inner = Starlette(routes=[*(Route(path, does, methods=["POST"]) for path, does in posts.items()), Route("/met", desk.met)])

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        await inner({**scope, "raw_send": send}, receive, send)

    return outer


if __name__ == "__main__":
    uvicorn.run(app(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), log_level="critical", lifespan="off")
