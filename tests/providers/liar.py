"""An authorization server that lies: it answers each path with what it is told, and keeps what it was asked. For faults alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from counterfoil.wire.secret import Secret
from services.providers import shelf
from tests.providers.desk import CANARY, Desk

RFC8414 = "/.well-known/oauth-authorization-server"
OIDC = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Says:
    """`cut`: the connection breaks before the answer. `pause`: seconds before it."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    cut: bool = False
    pause: float = 0.0

    def octets(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        lines = {"Content-Type": self.kind, "Content-Length": str(len(body)), "Connection": "close", **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {self.status} X\r\n{head}\r\n".encode() + body


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]
    form: Mapping[str, list[str]]
    body: bytes


class Liar:
    def __init__(self) -> None:
        self.port = 0
        self.says: dict[str, list[Says]] = {}
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def set(self, path: str, *answers: Says) -> None:
        """In turn; the last one for ever."""
        self.says[path] = list(answers)

    def at(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]

    def metadata(self, **changes: Any) -> dict[str, Any]:
        usual = {"issuer": self.url, "token_endpoint": f"{self.url}/token", "revocation_endpoint": f"{self.url}/revoke",
                 "introspection_endpoint": f"{self.url}/introspect"}  # fmt: skip
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def gives(self, **changes: Any) -> Says:
        usual = {"access_token": CANARY, "token_type": "Bearer", "expires_in": 600, "scope": "read write"}
        return Says({name: value for name, value in (usual | changes).items() if value is not None})

    def desk(self, **config: Any) -> Desk:
        given = {"issuer": self.url, "client_id": "us", "network": "this_machine", **config}
        return Desk(shelf.provider("oauth2"), given, {"secret": Secret("s3cret")}, frozenset({"read", "write"}), away=given)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            path = line.split(" ")[1]
            self.asked.append(Asked(path, headers, parse_qs(body.decode()), body))
            answers = self.says.get(path, [Says(status=404)])
            said = answers.pop(0) if len(answers) > 1 else answers[0]
            if said.pause:  # or until whoever asked has hung up
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(), said.pause)
            if not said.cut:
                writer.write(said.octets())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def lying() -> AsyncIterator[Liar]:
    """Honest, to begin with."""
    liar = Liar()
    listening = await asyncio.start_server(liar.answer, "127.0.0.1", 0)
    liar.port = listening.sockets[0].getsockname()[1]
    liar.set(RFC8414, Says(liar.metadata()))
    liar.set("/token", liar.gives())
    liar.set("/revoke", Says())
    liar.set("/introspect", Says({"active": False}))
    try:
        yield liar
    finally:
        listening.close()
