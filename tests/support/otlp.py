"""An OTLP/HTTP receiver for tests: keeps what the processes export, as bytes, as spans and as points of metrics."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
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
    links: tuple[str, ...] = ()
    """Span ids."""
    status: int = 0


@dataclass(frozen=True)
class Point:
    """One value of a metric: of which replica of which service, with which labels, and the traces of its exemplars."""

    service: str
    instance: str
    name: str
    unit: str
    kind: str
    labels: dict[str, object]
    exemplars: tuple[str, ...]


async def nothing() -> None: ...


@dataclass
class Receiver:
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    close: Callable[[], Awaitable[None]] = field(default=nothing)
    """From then on nobody listens there."""

    async def traces(self, request: Request) -> Response:
        body = await request.body()
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = plain(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [span(str(service), one) for one in scope.spans]
        return Response(b"", media_type="application/x-protobuf")

    async def metrics(self, request: Request) -> Response:
        body = await request.body()
        self.bodies.append(body)
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            about = plain(resource.resource.attributes)
            for scope in resource.scope_metrics:
                for one in scope.metrics:
                    self.points += points(str(about["service.name"]), str(about["service.instance.id"]), one)
        return Response(b"", media_type="application/x-protobuf")


def plain(pairs: Iterable[Any]) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in pairs}


def span(service: str, one: Any) -> Span:
    ids = (one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex())
    links = tuple(link.span_id.hex() for link in one.links)
    return Span(service.removeprefix("counterfoil-"), one.name, one.kind, *ids, plain(one.attributes), links, one.status.code)


def points(service: str, instance: str, metric: Any) -> list[Point]:
    kind = metric.WhichOneof("data")
    return [
        Point(
            service.removeprefix("counterfoil-"),
            instance,
            metric.name,
            metric.unit,
            kind,
            plain(one.attributes),
            tuple(exemplar.trace_id.hex() for exemplar in one.exemplars),
        )
        for one in getattr(metric, kind).data_points
    ]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    listening = socket.create_server((LOOPBACK, 0))
    receiver.url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    routes = [Route("/v1/traces", receiver.traces, methods=["POST"]), Route("/v1/metrics", receiver.metrics, methods=["POST"])]
    async with AsyncExitStack() as open_:
        await open_.enter_async_context(serving(Starlette(routes=routes), listening))
        receiver.close = open_.aclose
        yield receiver
