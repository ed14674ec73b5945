"""A provider over HTTP that does what its plan of faults says: `python -m tests.faults.server FOLDER PORT`."""

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

from tests.faults.plan import Plan, Rule
from tests.faults.truth import Truth

SAID = {"429": 429, "500": 500, "fails": 500}


class Dropped(Response):
    """Promises more than it sends, so that the connection is cut."""

    def __init__(self) -> None:
        super().__init__(b"{", headers={"Content-Length": "100"})


class Desk:
    def __init__(self, truth: Truth) -> None:
        self._truth, self._plan = truth, Plan()
        self._met: Counter[str] = Counter()
        self._late: set[asyncio.Task[Any]] = set()

    async def instruct(self, request: Request) -> Response:
        self._plan = Plan.read(await request.json())
        return JSONResponse({})

    async def met(self, _: Request) -> Response:
        return JSONResponse(self._met)

    async def mint(self, request: Request) -> Response:
        order = await request.json()
        fault = self._meets("mint", order)
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
        fault = self._meets("revoke", order)
        if (refused := await self._instead(fault)) is not None:
            return refused
        if fault is None or fault.fault != "lies":
            key = "token" if "token" in order else "name"
            self._truth.end(key, order[key])
        return await self._answered(JSONResponse({}), fault)

    async def alive(self, request: Request) -> Response:
        key, of = next(iter(request.query_params.items()))
        found = self._truth.names(of) if key == "connector" else self._truth.alive(key, of)
        return JSONResponse({"alive": found})

    def _meets(self, op: str, order: dict[str, Any]) -> Rule | None:
        fault = self._plan.meets(op, order["connector"], order.get("token") or order["name"])
        self._met[f"{op} {fault.fault if fault else 'good'}"] += 1
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
        if fault is not None and fault.fault == "slow":
            await asyncio.sleep(fault.seconds)
        return Dropped() if fault is not None and fault.fault == "drop" else answer

    async def _obey_late(self, order: dict[str, Any], seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._obey(order)

    def _obey(self, order: dict[str, Any]) -> Response:
        """Not after the request has expired: that is what a window is. A name is taken for good."""
        if order["until"] is not None and time.time() > order["until"]:
            return JSONResponse({"error": "expired"}, 410)
        if order["named"] and self._truth.known(order["name"]):
            return JSONResponse({"error": "exists"}, 409)
        token = secrets.token_urlsafe(24)
        self._truth.mint(order["name"], token, order["connector"], order["dies_at"])
        return JSONResponse({"token": token})


def app(folder: Path) -> Starlette:
    desk = Desk(Truth(folder / "truth.sqlite"))
    return Starlette(
        routes=[
            Route("/mint", desk.mint, methods=["POST"]),
            Route("/revoke", desk.revoke, methods=["POST"]),
            Route("/alive", desk.alive),
            Route("/plan", desk.instruct, methods=["POST"]),
            Route("/met", desk.met),
        ]
    )


if __name__ == "__main__":
    uvicorn.run(app(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", lifespan="off")
