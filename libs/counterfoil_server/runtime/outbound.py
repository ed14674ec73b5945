"""Careful http to issuers and providers: their urls come from outside, so each could be meant for something inside."""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpx

from counterfoil_server.runtime import crash
from counterfoil_server.runtime.addresses import Address, literal, loopback, public
from counterfoil_server.runtime.telemetry import outgoing

LARGEST = 256 * 1024
CONNECT = 3.0
IN_ALL = 5.0
PORTS = {"https": 443, "http": 80}
LAST_PORT = 65535
USUAL = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "counterfoil"}
# What every parser reads alike: no userinfo, fragment, backslash or space, and nothing beyond ASCII.
ONE_READING = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[A-Fa-f0-9:.]+\])(?::[0-9]{1,5})?(?:[/?][A-Za-z0-9:/?!$&'()*+,;=._~%-]*)?")

Rules = Mapping[str, Callable[[str, Address], bool]]
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Unfetched(Exception):
    """`code` says why: url, address, status, encoded, too_large, timeout, unreachable. Never quotes what was answered.

    `sent`: whether any of the request may have left, so that it may have been obeyed.
    """

    def __init__(self, code: str, message: str, *, sent: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """Whatever it was: what a status means is the asker's affair."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)


def careful(*, development: bool) -> "Outbound":
    """Reach the internet by https; in development this machine by http as well, where the local issuer is."""
    return Outbound({"https": public, "http": loopback} if development else {"https": public})


async def resolved(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Outbound:
    """`rules` says for each scheme which host may be met at which address."""

    def __init__(
        self, rules: Rules, resolve: Resolve = resolved, tls: ssl.SSLContext | None = None, in_all: float = IN_ALL, largest: int = LARGEST
    ) -> None:
        self._rules = rules
        self._resolve = resolve
        self._tls = tls or httpx.create_ssl_context(trust_env=False)
        self._in_all = in_all
        self._largest = largest

    async def fetch_json(self, url: str) -> bytes:
        """GET a small document. Raises Unfetched."""
        answer = await self.send("GET", url)
        if answer.status != httpx.codes.OK:
            raise Unfetched("status", f"the answer was {answer.status}", sent=True)
        return answer.body

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, content: bytes | None = None, in_all: float | None = None
    ) -> Answer:
        """Any answer that is small enough and came in time. Raises Unfetched."""
        limit, sent = in_all or self._in_all, False

        async def trace(event: str, _: object) -> None:
            nonlocal sent
            sent = sent or event.endswith("send_request_headers.started")
            if event.endswith("send_request_body.complete"):
                crash.at("outbound.written")

        try:
            async with asyncio.timeout(limit):
                target = self._target(url)
                request = httpx.Request(method, target, headers={**dict(headers or {}), **USUAL, "Host": target.netloc.decode()}, content=content)
                request.extensions = {"sni_hostname": target.host, "trace": trace}
                request.url = target.copy_with(host=await self._address(target))
                with outgoing.request(method, target.host, target.port or PORTS[target.scheme]) as heard:
                    answer = await self._exchange(request, limit)
                    heard(answer.status)
                return answer
        except (TimeoutError, httpx.TimeoutException):
            raise Unfetched("timeout", f"no answer within {limit:g} s", sent=sent) from None
        except (httpx.HTTPError, OSError) as error:
            raise Unfetched("unreachable", type(error).__name__, sent=sent) from None

    def _target(self, url: str) -> httpx.URL:
        if not ONE_READING.fullmatch(url):
            raise Unfetched("url", "no plain http(s) url")
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL:
            raise Unfetched("url", "no plain http(s) url") from None
        if target.scheme not in self._rules:
            raise Unfetched("url", f"{target.scheme} is not allowed")
        if target.port is not None and not 0 < target.port <= LAST_PORT:
            raise Unfetched("url", "no such port")
        return target

    async def _address(self, target: httpx.URL) -> str:
        """Resolved once: what is checked here is what is connected to. A name that leads inside with one of its addresses is refused."""
        host = target.host
        try:
            known = literal(host)
        except ValueError:
            raise Unfetched("url", "the host is neither a name nor a usual address") from None
        found = [known] if known else [ip_address(text) for text in await self._resolve(host, target.port or PORTS[target.scheme])]
        if not found or not all(self._rules[target.scheme](host, address) for address in found):
            raise Unfetched("address", "the host leads to an address that is not allowed")
        return str(found[0])

    async def _exchange(self, request: httpx.Request, limit: float) -> Answer:
        """To the address, in the name of the host: the certificate is checked for the name."""
        # A wait for the connection ends before all waiting does: then surely nothing was sent.
        limits = httpx.Timeout(limit, connect=min(CONNECT, limit * 0.8))
        request.extensions["timeout"] = limits.as_dict()
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, follow_redirects=False) as client:
            response = await client.send(request, stream=True)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Unfetched("encoded", "the answer is encoded, which was not asked for", sent=True)
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > self._largest:
                    raise Unfetched("too_large", f"the answer has more than {self._largest} bytes", sent=True)
            return Answer(response.status_code, response.headers, bytes(body))
