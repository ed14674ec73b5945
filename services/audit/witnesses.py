"""A witness, as the log asks it for its cosignature: https://c2sp.org/tlog-witness"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Protocol

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.armor import decimal, to_b64
from counterfoil.wire.broken import Broken
from counterfoil.wire.cosignature import WitnessVKey
from counterfoil_server.runtime.addresses import Address, inside, loopback
from counterfoil_server.runtime.outbound import Answer, Outbound, Unfetched

log = logging.getLogger("counterfoil.audit")
IN_ALL = 3.0
LARGEST = 1 << 16


class Unwilling(Exception):
    """It did not cosign: refused, beyond_log, other_size, unknown_log, unknown_key, no_cosignature, or unwell."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


REFUSALS = frozenset({"refused", "beyond_log"})
"""It has seen another history than the one that this log can show."""


class Proofs(Protocol):
    async def consistency(self, old: int, new: int) -> list[bytes]: ...


def reachable(host: str, address: Address) -> bool:
    """An operator names witnesses: their own network and this machine are as good as the internet. Not where clouds keep secrets."""
    return inside(host, address) or loopback(host, address)


def outbound() -> Outbound:
    """What a witness says is believed for its signature, so that plain http takes nothing away."""
    return Outbound({"https": reachable, "http": reachable}, in_all=IN_ALL, largest=LARGEST)


class Witness:
    """Remembers how far it has come; where that is wrong, the witness says so itself."""

    def __init__(self, url: str, key: WitnessVKey, out: Outbound) -> None:
        self.name = f"{key.name}+{key.key_id.hex()}"
        self._url, self._key, self._out = url, key, out
        self._size = 0
        self._trouble: str | None = None

    async def cosignature(self, size: int, note: str, proofs: Proofs) -> str | None:
        """Its line under this head. None: it is away or refuses, which holds up nobody and is logged once, until it is otherwise."""
        try:
            line = await self._asked(size, note, proofs)
        except (Unfetched, Unwilling, Broken) as error:
            self._told(error.code, size)
            return None
        self._told(None, size)
        return line

    async def _asked(self, size: int, note: str, proofs: Proofs) -> str:
        answer = await self._send(size, note, proofs)
        if answer.status == HTTPStatus.CONFLICT:
            self._size = told_size(answer.body)
            answer = await self._send(size, note, proofs)
        if answer.status != HTTPStatus.OK:
            raise Unwilling(REASONS.get(answer.status, "unwell"))
        line = self._checked(note, answer.body)
        self._size = size
        return line

    async def _send(self, size: int, note: str, proofs: Proofs) -> Answer:
        if self._size > size:
            self._size = 0  # asked anew the next time: it may have been a lie
            raise Unwilling("beyond_log")
        path = await proofs.consistency(self._size, size)
        return await self._out.send("POST", f"{self._url}/add-checkpoint", content=body(self._size, path, note))

    def _checked(self, note: str, answer: bytes) -> str:
        """Lines of keys that nobody here knows are ignored."""
        try:
            head = checkpoints.parse(note + answer.decode())
        except UnicodeDecodeError:
            raise Unwilling("no_cosignature") from None
        line = self._key.line(head)
        if line is None or self._key.signed_at(head) is None:
            raise Unwilling("no_cosignature")
        return line

    def _told(self, code: str | None, size: int) -> None:
        trouble, self._trouble = self._trouble, code
        if code == trouble:
            return
        if code is None:
            log.info("a witness cosigns again", extra={"url": self._url, "size": size})
        elif code in REFUSALS:
            log.error("a witness refuses this log: it has seen another history", extra={"url": self._url, "code": code, "size": size})
        else:
            log.warning("a witness does not cosign, and is asked again", extra={"url": self._url, "code": code, "size": size})


REASONS: Mapping[int, str] = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "refused", HTTPStatus.CONFLICT: "other_size", HTTPStatus.NOT_FOUND: "unknown_log",
    HTTPStatus.FORBIDDEN: "unknown_key",
}  # fmt: skip


def told_size(answer: bytes) -> int:
    try:
        return decimal(answer.decode("ascii").removesuffix("\n"))
    except ValueError:
        raise Unwilling("other_size") from None


def body(old: int, path: Sequence[bytes], note: str) -> bytes:
    return "\n".join([f"old {old}", *map(to_b64, path), "", note]).encode()
