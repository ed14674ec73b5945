"""Careful http against real servers on this machine: what they may answer, how long, and in whose name."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from counterfoil_server.runtime.addresses import Address, loopback
from counterfoil_server.runtime.outbound import LARGEST, Answer, Outbound, Unfetched, careful
from tests.support.certificates import certified

TLS = httpx.create_ssl_context(trust_env=False)
BOMB = gzip.compress(b"\0" * 50_000_000)


class Server:
    """Writes the octets it is told to, and keeps what it was asked."""

    def __init__(self, *parts: bytes, pause: float = 0) -> None:
        self.parts = parts
        self.pause = pause
        self.asked: list[bytes] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            for part in self.parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(self.pause)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        listening.close()


def ok(body: bytes, *headers: str) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", f"Content-Length: {len(body)}".encode(), *(line.encode() for line in headers), b"", body])


async def fetched(*parts: bytes, pause: float = 0, in_all: float = 5.0) -> bytes:
    async with serving(Server(*parts, pause=pause)) as url:
        return await Outbound({"http": loopback}, tls=TLS, in_all=in_all).fetch_json(url + "/jwks")


async def fault(*parts: bytes, pause: float = 0, in_all: float = 5.0) -> str:
    with pytest.raises(Unfetched) as caught:
        await fetched(*parts, pause=pause, in_all=in_all)
    assert "canary" not in f"{caught.value} {caught.value.__cause__}"
    return caught.value.code


async def test_a_small_document_is_fetched():
    assert await fetched(ok(b'{"keys":[]}')) == b'{"keys":[]}'


async def test_the_request_asks_for_plain_octets_and_names_the_host():
    server = Server(ok(b"{}"))
    async with serving(server) as url:
        await careful(development=True).fetch_json(url.replace("127.0.0.1", "localhost") + "/jwks?v=1")
    head = server.asked[0].decode().lower()
    assert head.startswith("get /jwks?v=1 http/1.1\r\n")
    assert f"host: localhost:{server.port}\r\n" in head
    assert "accept-encoding: identity\r\n" in head
    assert "cookie" not in head
    assert "authorization" not in head


REDIRECTS = [301, 302, 303, 307, 308]


@pytest.mark.parametrize("status", REDIRECTS)
async def test_a_redirect_is_not_followed(status: int):
    elsewhere = Server(ok(b"{}"))
    async with serving(elsewhere) as url:
        assert await fault(f"HTTP/1.1 {status} Moved\r\nLocation: {url}/canary\r\nContent-Length: 0\r\n\r\n".encode()) == "status"
    assert elsewhere.asked == []


@pytest.mark.parametrize("status", [201, 204, 206, 400, 401, 404, 429, 500, 503])
async def test_any_answer_but_200_is_none(status: int):
    assert await fault(f"HTTP/1.1 {status} canary\r\nContent-Length: 0\r\n\r\n".encode()) == "status"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "GZIP", "gzip, gzip", "identity, gzip", "x-canary"])
async def test_an_encoded_body_is_refused_unread(encoding: str):
    assert len(BOMB) < LARGEST
    assert await fault(ok(BOMB, f"Content-Encoding: {encoding}")) == "encoded"


async def test_a_document_of_256_kib_is_fetched_and_one_octet_more_is_not():
    assert len(await fetched(ok(b" " * LARGEST))) == LARGEST
    assert await fault(ok(b" " * (LARGEST + 1))) == "too_large"


async def test_who_expects_more_says_how_much():
    async with serving(Server(ok(b" " * (LARGEST + 1)))) as url:
        assert len((await Outbound({"http": loopback}, tls=TLS, largest=LARGEST + 1).send("GET", url)).body) == LARGEST + 1


async def test_an_endless_body_is_cut_off():
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    assert await fault(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 100) == "too_large"


async def test_a_body_that_drips_is_given_up():
    assert await fault(ok(b" " * 1000)[:-1000], *[b" "] * 1000, pause=0.05, in_all=0.4) == "timeout"


async def test_headers_that_drip_are_given_up():
    assert await fault(b"HTTP/1.1 200 OK\r\n", *[b"X: canary\r\n"] * 1000, pause=0.05, in_all=0.4) == "timeout"


async def test_a_server_that_never_answers_is_given_up():
    assert await fault(b"", pause=1, in_all=0.2) == "timeout"


async def test_a_resolver_that_never_answers_is_given_up():
    async def forever(_: str, __: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    with pytest.raises(Unfetched, match="timeout"):
        await Outbound({"https": loopback}, resolve=forever, tls=TLS, in_all=0.1).fetch_json("https://issuer.example/")


@pytest.mark.parametrize(
    "parts",
    [b"", b"canary", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", b"\x16\x03\x01\x02", b"HTTP/1.1 200 OK\r\n" + b"X: canary\r\n" * 100_000],
    ids=["hung up", "no http", "cut short", "TLS", "a megabyte of headers"],
)
async def test_an_answer_that_is_no_http_is_unreachable(parts: bytes):
    assert await fault(parts) == "unreachable"


async def test_a_closed_port_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(Unfetched, match="unreachable"):
        await careful(development=True).fetch_json(f"http://127.0.0.1:{port}/")


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch):
    proxy = Server(ok(b"{}"))
    async with serving(proxy) as url:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, url)
        assert await fetched(ok(b'{"mine":1}')) == b'{"mine":1}'
    assert proxy.asked == []


async def issuer_example(_: str, __: int) -> list[str]:
    return ["127.0.0.1"]


def anywhere(_: str, __: Address) -> bool:
    return True


async def over_tls(folder: Path, named: str, host: str = "issuer.example", *, trusted: bool = True) -> tuple[bytes, Any]:
    """An https server on this machine whose certificate is for `named`, met as `host`; and the name that TLS asked it for."""
    theirs, ours = certified(folder, named)
    seen: list[str | None] = []
    theirs.sni_callback = lambda _, name, __: seen.append(name)
    async with serving(Server(ok(b"{}")), theirs) as url:
        port = url.rpartition(":")[2]
        client = Outbound({"https": anywhere}, resolve=issuer_example, tls=ours if trusted else TLS)
        return await client.fetch_json(f"https://{host}:{port}/"), seen


async def test_the_certificate_is_checked_for_the_name_though_the_address_is_connected_to(tmp_path: Path):
    assert await over_tls(tmp_path, "issuer.example") == (b"{}", ["issuer.example"])


@pytest.mark.parametrize("named", ["attacker.example", "127.0.0.1", "*.issuer.example"])
async def test_a_certificate_for_another_name_is_refused(tmp_path: Path, named: str):
    with pytest.raises(Unfetched, match="unreachable"):
        await over_tls(tmp_path, named)


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path):
    with pytest.raises(Unfetched, match="unreachable"):
        await over_tls(tmp_path, "issuer.example", trusted=False)


async def sending(*parts: bytes, pause: float = 0, in_all: float | None = None) -> tuple[Answer, bytes]:
    server = Server(*parts, pause=pause)
    async with serving(server) as url:
        sent = await Outbound({"http": loopback}, tls=TLS).send("POST", url + "/token", {"Content-Type": "text/x"}, b"a=1", in_all=in_all)
    return sent, server.asked[0]


@pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 503])
async def test_what_is_sent_is_answered_whatever_the_status(status: int):
    answer, asked = await sending(f"HTTP/1.1 {status} X\r\nRetry-After: 7\r\nLocation: /canary\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (status, b"{}", "7")
    assert asked.startswith(b"POST /token HTTP/1.1\r\n")
    assert b"content-length: 3" in asked.lower()
    assert "canary" not in repr(answer)


@pytest.mark.parametrize("parts", [[b""], [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"], [ok(BOMB, "Content-Encoding: gzip")]])
async def test_a_request_that_left_and_was_not_answered_is_said_to_have_been_sent(parts: list[bytes]):
    with pytest.raises(Unfetched) as caught:
        await sending(*parts)
    assert caught.value.sent


async def test_a_request_that_waited_too_long_for_its_answer_was_sent():
    with pytest.raises(Unfetched, match="timeout") as caught:
        await sending(b"", pause=1, in_all=0.2)
    assert caught.value.sent


async def test_what_met_a_closed_port_a_slow_resolver_or_no_allowed_address_was_never_sent():
    async def forever(_: str, __: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    for client, url in (
        (careful(development=True), f"http://127.0.0.1:{port}/"),
        (Outbound({"https": loopback}, resolve=forever, tls=TLS, in_all=0.1), "https://issuer.example/"),
        (careful(development=False), "https://127.0.0.1/"),
    ):
        with pytest.raises(Unfetched) as caught:
            await client.send("POST", url)
        assert not caught.value.sent


async def test_a_server_that_takes_the_connection_and_never_speaks_tls_was_sent_nothing():
    async with serving(Server(b"", pause=5)) as url:
        client = Outbound({"https": anywhere}, resolve=issuer_example, tls=TLS, in_all=0.3)
        with pytest.raises(Unfetched) as caught:
            await client.send("POST", f"https://issuer.example:{url.rpartition(':')[2]}/")
    assert not caught.value.sent
