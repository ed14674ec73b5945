"""An OTLP/HTTP receiver for tests: keeps what the processes export, as bytes and as spans."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.dev.issuer import LOOPBACK
from tests.support.issuer import serving


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, object]


@dataclass
class Receiver:
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    async def traces(self, request: Request) -> Response:
        body = await request.body()
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next((one.value.string_value for one in resource.resource.attributes if one.key == "service.name"), "")
            for scope in resource.scope_spans:
                for one in scope.spans:
                    found = {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in one.attributes}
                    ids = (one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex())
                    self.spans.append(Span(service.removeprefix("counterfoil-"), one.name, one.kind, *ids, found))
        return Response(b"", media_type="application/x-protobuf")

    async def metrics(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        return Response(b"", media_type="application/x-protobuf")


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    listening = socket.create_server((LOOPBACK, 0))
    receiver.url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    routes = [Route("/v1/traces", receiver.traces, methods=["POST"]), Route("/v1/metrics", receiver.metrics, methods=["POST"])]
    async with serving(Starlette(routes=routes), listening):
        yield receiver
