"""OTLP over HTTP, protobuf: /v1/traces is kept, /v1/metrics is taken and its last values shown. A port of its own, loopback or with a key."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from itertools import islice

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest, ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from counterfoil.wire.secret import Secret
from services.console.spans.decoding import LARGEST, BadBody, inflated, message, rows
from services.console.spans.latest import Latest
from services.console.spans.store import Spans

PROTOBUF = "application/x-protobuf"
PATIENCE = 10.0
AT_ONCE, BREATH = 4, 256
"""Bodies that are held at a time: each may be as large as the limit. Spans that are read before pages, which the same thread serves, have a turn."""


class Receiver:
    def __init__(self, spans: Spans, latest: Latest, key: Secret | None) -> None:
        self._spans, self._latest, self._key = spans, latest, key
        self._room = asyncio.Semaphore(AT_ONCE)

    def app(self) -> Starlette:
        return Starlette(routes=[
            Route("/v1/traces", self._guarded(self.traces), methods=["POST"]), Route("/v1/metrics", self._guarded(self.metrics), methods=["POST"]),
        ])  # fmt: skip

    async def traces(self, body: bytes) -> Response:
        """A sender that is told how many were refused does not send them again: there would be no room then either."""
        refused, answer, found = 0, ExportTraceServiceResponse(), rows(message(body))
        while some := list(islice(found, BREATH)):
            await self._spans.room(len(some))
            refused += self._spans.take(some)
            await asyncio.sleep(0)
        if refused:
            answer.partial_success.rejected_spans = refused
            answer.partial_success.error_message = "without an id, outside of the days that are kept, or no room"
        return Response(answer.SerializeToString(), media_type=PROTOBUF)

    async def metrics(self, body: bytes) -> Response:
        try:
            self._latest.take(ExportMetricsServiceRequest.FromString(body))
        except DecodeError:
            raise BadBody("the body is no ExportMetricsServiceRequest") from None
        return Response(ExportMetricsServiceResponse().SerializeToString(), media_type=PROTOBUF)

    def _guarded(self, take: Callable[[bytes], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            if self._key is not None and not hmac.compare_digest(bearer(request), self._key.reveal()):
                return PlainTextResponse("a key is wanted: Authorization: Bearer\n", 401, {"WWW-Authenticate": "Bearer"})
            if request.headers.get("content-type", "").partition(";")[0].strip() != PROTOBUF:
                return PlainTextResponse(f"send {PROTOBUF}: ids in JSON are written in more than one way\n", 415)
            try:
                async with self._room, asyncio.timeout(PATIENCE):
                    return await take(inflated(await whole(request), request.headers.get("content-encoding", "").strip().lower()))
            except BadBody as error:
                return PlainTextResponse(f"{error}\n", 400)
            except (TimeoutError, ClientDisconnect):
                return PlainTextResponse("the body did not arrive in time\n", 408)

        return answered


async def whole(request: Request) -> bytes:
    """Raises BadBody."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > LARGEST:
            raise BadBody(f"a body has at most {LARGEST} bytes")
    return bytes(found)


def bearer(request: Request) -> bytes:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip().encode() if scheme.lower() == "bearer" else b""
