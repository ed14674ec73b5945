"""The witness over HTTP: POST /add-checkpoint, the last head of each log, and whether it is there.

https://c2sp.org/tlog-witness
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.witness.memory import Memory
from services.witness.requests import LARGEST
from services.witness.witness import TEXT, Answer, Witness, no

log = logging.getLogger("counterfoil.witness")
PATIENCE = 10.0
USUAL = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def application(witness: Witness, memory: Memory, origins: Iterable[str]) -> Starlette:
    named = {hashlib.sha256(origin.encode()).hexdigest(): origin for origin in origins}

    async def add_checkpoint(request: Request) -> Response:
        body = await read(request)
        answer = body if isinstance(body, Answer) else added(witness, body)
        return written(answer.text, answer.status, answer.kind)

    async def checkpoint(request: Request) -> Response:
        """For monitors: what the log told this witness, in the witness's own hand."""
        note = memory.note(named.get(request.path_params["origin"], ""))
        return written(note or "nothing of such a log was cosigned yet\n", 200 if note else 404, TEXT)

    async def well(_: Request) -> Response:
        return JSONResponse({"ready": True})

    async def misplaced(_: Request, __: Exception) -> Response:
        return PlainTextResponse("POST /add-checkpoint, GET /<SHA-256 of an origin>/checkpoint\n", 404)

    routes = [
        Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
        Route("/livez", well),
        Route("/readyz", well),
        Route("/{origin}/checkpoint", checkpoint),
    ]
    return Starlette(routes=routes, exception_handlers={404: misplaced})


def written(text: str, status: int, kind: str) -> Response:
    """The type as the specification spells it: a media type of text would be given a charset."""
    return Response(text, status, {**USUAL, "Content-Type": kind})


def added(witness: Witness, body: bytes) -> Answer:
    """What could not be kept is not cosigned."""
    try:
        answer = witness.add(body)
    except OSError as error:
        log.exception("not kept, so not cosigned", extra={"error": type(error).__name__})
        return no(HTTPStatus.SERVICE_UNAVAILABLE, "not_kept", "this witness cannot write down what it cosigns: ask again later")
    # A log that cannot show that it continues may have been written anew: somebody should look.
    level = logging.ERROR if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY else logging.INFO
    log.log(level, "asked to cosign", extra={"outcome": answer.status.value, "code": answer.code, "size": answer.size})
    return answer


async def read(request: Request) -> bytes | Answer:
    """Nothing beyond the limit is ever kept."""
    found = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                found += part
                if len(found) > LARGEST:
                    return no(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"a body has at most {LARGEST} bytes")
    except (TimeoutError, ClientDisconnect):
        return no(HTTPStatus.REQUEST_TIMEOUT, "slow_body", f"a body has to arrive within {PATIENCE:g} s")
    return bytes(found)
