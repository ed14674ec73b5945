"""The keys of one process: its own private ones from its folder, everybody's public ones from the `service_key` rows."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from counterfoil.wire.log_key import LogKey
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.sealing import Opener, Sealer
from counterfoil.wire.secret import Secret
from counterfoil.wire.signing import PublicKey, Signer, SigningKey
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.store.database import AWAY, Pool

log = logging.getLogger("counterfoil.keys")
AGAIN_AFTER = 1.0


class NoKey(RuntimeError):
    """There is no valid key for this use. `counterfoil keys list` shows what there is."""


@dataclass(frozen=True)
class Row:
    kid: str
    role: str
    use: str
    public: bytes
    name: str | None
    not_before: datetime
    not_after: datetime | None

    def valid(self, now: float) -> bool:
        return self.not_before.timestamp() <= now and (self.not_after is None or now < self.not_after.timestamp())

    def changes(self) -> list[float]:
        """When it becomes valid, and when it ceases to be."""
        return [at.timestamp() for at in (self.not_before, self.not_after) if at is not None]

    def signing(self) -> PublicKey:
        return PublicKey(self.kid, self.role, self.public, self.not_before.timestamp(), self.not_after.timestamp() if self.not_after else None)


class KeyRing:
    """Re-read when a kid is unknown, at most once a second, and every ten seconds for what was rotated."""

    def __init__(self, db: Pool, folder: Path, role: str, clock: Callable[[], float] = time.time) -> None:
        self._db, self._folder, self.role, self._clock = db, folder, role, clock
        self._rows: dict[str, Row] = {}
        self._public: dict[str, PublicKey] = {}
        self._newest_now: dict[tuple[str, str], tuple[Row, float]] = {}
        self._signing: dict[str, SigningKey] = {}
        self._signers: dict[str, Signer] = {}
        self._log: dict[str, Secret] = {}
        self._opened: set[str] = set()
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self.opener = Opener()
        self.sealer = Sealer()

    async def load(self) -> None:
        rows = await self._db.fetch("SELECT kid, role, use, public, name, not_before, not_after FROM service_key")
        self._rows = {row["kid"]: Row(**dict(row)) for row in rows}
        self._public = {row.kid: row.signing() for row in self._rows.values() if row.use == "sign"}
        self._newest_now.clear()
        for kid, raw in key_folder.each(self._folder, "sign"):
            if kid not in self._signing:
                self._signing[kid] = SigningKey.from_bytes(raw.reveal(), self.role)
        for kid, raw in key_folder.each(self._folder, "open"):
            if kid not in self._opened:
                self.opener.add(OpeningKey.from_bytes(raw.reveal()))
                self._opened.add(kid)
        self._log = dict(key_folder.each(self._folder, "log"))
        self._read_at = time.monotonic()

    async def again(self) -> bool:
        """After an unknown kid. Whether anything was read anew."""
        async with self._reading:
            if time.monotonic() - self._read_at < AGAIN_AFTER:
                return False
            await self.load()
            return True

    async def keep_fresh(self, every: float = 10.0) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await self.load()
            except (*AWAY, key_folder.BadKeyFile) as error:
                log.warning("keys not re-read", extra={"error": type(error).__name__})

    def public(self, kid: str) -> PublicKey | None:
        return self._public.get(kid)

    def _newest(self, role: str, use: str) -> Row:
        """Of the keys that are valid now, the one that became so last: a rotation takes effect for all at one time."""
        now = self._clock()
        kept = self._newest_now.get((role, use))
        if kept is not None and now < kept[1]:
            return kept[0]
        rows = [row for row in self._rows.values() if row.role == role and row.use == use]
        valid = [row for row in rows if row.valid(now)]
        if not valid:
            raise NoKey(f"{role} has no valid key to {use} with: run `counterfoil keys list`")
        newest = max(valid, key=lambda row: (row.not_before, row.kid))
        self._newest_now[role, use] = newest, min((change for row in rows for change in row.changes() if change > now), default=math.inf)
        return newest

    def complete(self) -> None:
        """Raises NoKey. Without one of its own keys a process would start, and then fail at every message."""
        uses = {row.use for row in self._rows.values() if row.role == self.role} | {"sign"}
        for use, here in (("sign", self._signing), ("open", self._opened), ("log", self._log)):
            if use in uses and (kid := self._newest(self.role, use).kid) not in here:
                raise NoKey(f"the private key {use}-{kid} of {self.role} is not in its folder {self._folder}")

    def signer(self) -> Signer:
        row = self._newest(self.role, "sign")
        if row.kid not in self._signing:
            raise NoKey(f"the private key {row.kid} of {self.role} is not in its folder")
        if row.kid not in self._signers:
            self._signers[row.kid] = Signer(self._signing[row.kid])
        return self._signers[row.kid]

    def recipient(self, role: str) -> bytes:
        """The public key to seal to."""
        return self._newest(role, "open").public

    def log_keys(self) -> list[LogKey]:
        """All that are valid: while a log key rotates, checkpoints carry both signatures. The oldest is first."""
        now = self._clock()
        rows = sorted((row for row in self._rows.values() if row.use == "log" and row.valid(now)), key=lambda row: row.not_before)
        return [LogKey(row.name or "", self._log[row.kid].reveal()) for row in rows if row.kid in self._log]

    def log_vkeys(self) -> list[str]:
        """Public log keys in the signed-note form, for those who check receipts."""
        return [row.public.decode() for row in self._rows.values() if row.use == "log"]

    def shared(self, name: str) -> Secret:
        """An HMAC key that two roles share: `subject` or `lookup`."""
        return key_folder.read(self._folder / f"{name}.key")
