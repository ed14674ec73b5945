"""HTTP/1.1 with the two limits that uvicorn leaves out: how large a request's head may be, and how long it may take to come."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024
PATIENCE = 10.0
ANSWER = b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Limited(HttpToolsProtocol):
    """A caller who opens connections and says nothing, or never comes to an end, takes a place from nobody for long."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: int | None = 0
        """Bytes of a head that is not complete; None while a body or an answer is on its way."""
        self._hurry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._hurry = self.loop.call_later(PATIENCE, self._refuse, b"408 Request Timeout")

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += len(data)
            if self._hurry is None:
                self._hurry = self.loop.call_later(PATIENCE, self._refuse, b"408 Request Timeout")
        super().data_received(data)
        if self._head is not None and self._head > LARGEST_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")

    def on_headers_complete(self) -> None:
        self._head = None
        self._relax()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        super().connection_lost(exc)

    def _relax(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _refuse(self, status: bytes) -> None:
        self._relax()
        if not self.transport.is_closing():
            self.transport.write(ANSWER % status)
            self.transport.close()
