"""Servers that asked to be left alone: minting keeps still, so that what budget there is goes to revoking."""

from datetime import timedelta
from time import monotonic

from services.providers.seam import Unavailable

MOST = timedelta(minutes=1)


class Pauses:
    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def note(self, issuer: str, wait: timedelta | None) -> None:
        if wait:
            self._until[issuer] = monotonic() + min(wait, MOST).total_seconds()

    def check(self, issuer: str) -> None:
        left = self._until.get(issuer, 0.0) - monotonic()
        if left > 0:
            raise Unavailable("busy", "the server asked to be left alone for a while", timedelta(seconds=left))
        self._until.pop(issuer, None)
