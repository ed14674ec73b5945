"""The SPIFFE Workload API: a real gRPC server, which is not of our making."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest

from counterfoil import NoIdentity
from counterfoil.client.ambient import http2
from counterfoil.client.ambient.spiffe import METHOD, field, fields, varint
from services.dev.issuer import LOOPBACK
from tests.client.ambient.platform import AUDIENCE, JWT, found, short_folder

SVID = field(1, b"spiffe://acme.example/web") + field(2, JWT.encode()) + field(3, b"internal")
ANSWER = field(1, SVID) + field(1, field(2, b"an.oth.er"))


class Agent(grpc.GenericRpcHandler):  # type: ignore[misc]
    """As SPIRE's agent: one method, a header that keeps web pages out, an audience."""

    def __init__(self, answer: bytes = ANSWER, status: grpc.StatusCode | None = None) -> None:
        self.answer, self.status = answer, status

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method != METHOD:
            return None
        secured = ("workload.spiffe.io", "true") in {(key, value) for key, value in call.invocation_metadata}

        async def fetch(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
            if not secured:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "canary: security header missing")
            if self.status is not None:
                await context.abort(self.status, "canary: no identity issued")
            if request != field(1, AUDIENCE.encode()):
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "canary: audience")
            return self.answer

        return grpc.unary_unary_rpc_method_handler(fetch)


@asynccontextmanager
async def agent(handler: Agent, address: str) -> AsyncIterator[int]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


async def asked(handler: Agent, audience: str = AUDIENCE):
    with short_folder() as folder:
        where = f"unix://{Path(folder) / 'agent.sock'}"
        async with agent(handler, where.replace("unix://", "unix:")):
            return await found({"SPIFFE_ENDPOINT_SOCKET": where}, audience=audience)


async def test_the_agent_gives_a_jwt_svid_for_our_audience():
    got = await asked(Agent())

    assert (got.source, got.token.text()) == ("SPIFFE", JWT)


async def test_over_tcp_too():
    async with agent(Agent(), f"{LOOPBACK}:0") as port:
        assert (await found({"SPIFFE_ENDPOINT_SOCKET": f"tcp://{LOOPBACK}:{port}"})).token.text() == JWT


async def test_an_answer_of_several_frames_is_put_together():
    long = "a" * 40_000

    assert (await asked(Agent(field(1, field(2, long.encode()))))).token.text() == long


@pytest.mark.parametrize(
    ("status", "number", "says"),
    [(grpc.StatusCode.PERMISSION_DENIED, 7, "register this workload"), (grpc.StatusCode.UNAUTHENTICATED, 16, "is the agent running")],
)
async def test_the_agents_no_is_told_by_its_number(status: grpc.StatusCode, number: int, says: str):
    with pytest.raises(NoIdentity, match=f"gRPC status {number}") as raised:
        await asked(Agent(status=status))

    assert says in raised.value.fix
    assert "canary" not in str(raised.value)


async def test_another_audience_is_the_agents_to_refuse():
    with pytest.raises(NoIdentity, match="gRPC status 3"):
        await asked(Agent(), "https://else.example")


@pytest.mark.parametrize("answer", [b"", b"\x0a", b"\x0a\x05\x12", b"\xff" * 20, field(1, field(1, b"spiffe://only"))])
async def test_an_answer_that_holds_none_is_none(answer: bytes):
    with pytest.raises(NoIdentity, match="without a JWT-SVID"):
        await asked(Agent(answer))


async def test_an_answer_without_end_is_refused():
    with pytest.raises(NoIdentity, match="did not answer"):
        await asked(Agent(b"a" * 70_000))


@pytest.mark.parametrize("where", ["unix:///no/such/socket", "http://x", "tcp://nohost", "/bare"])
async def test_an_address_that_leads_nowhere_is_an_error(where: str):
    with pytest.raises(NoIdentity, match="did not answer"):
        await found({"SPIFFE_ENDPOINT_SOCKET": where})


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", http2.frame(http2.GOAWAY, 0, 0, bytes(8)), b"\xff" * 64])
async def test_what_speaks_no_grpc_is_an_error(says: bytes):
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        writer.close()

    with short_folder() as folder:
        async with await asyncio.start_unix_server(serve, Path(folder) / "s"):
            with pytest.raises(NoIdentity, match="did not answer"):
                await found({"SPIFFE_ENDPOINT_SOCKET": f"unix://{folder}/s"})


@pytest.mark.parametrize("block", [b"\x00\x0bgrpc-status\x017", b"\x20\x00\x88\x9a\xca\xc8\xb2\x124\xda\x8f\x017"])
def test_the_status_is_found_in_clear_and_in_huffmans_code(block: bytes):
    assert http2.status(block) == "7"


@pytest.mark.parametrize("block", [b"", b"\x00\x0bgrpc-status", b"\x00\x0bgrpc-status\x817", b"\x00\x0bgrpc-status\x01x"])
def test_a_status_that_cannot_be_read_is_none(block: bytes):
    assert http2.status(block) is None


def test_fields_are_read_as_they_were_written():
    assert list(fields(field(1, b"a" * 300) + field(20, b""))) == [(1, b"a" * 300), (20, b"")]
    assert varint(300) == b"\xac\x02"
