"""What a provider can that asks people by a code which they type in there: RFC 8628."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, runtime_checkable

from counterfoil.wire.secret import Secret
from services.providers.consenting import Consents, Given
from services.providers.seam import Root, Unavailable


class Waiting(Unavailable):
    """They have not answered yet. `slower`: the provider wants to be asked less often from here on."""

    def __init__(self, *, slower: bool) -> None:
        super().__init__("authorization_pending", "they have not answered yet")
        self.slower = slower


@dataclass(frozen=True, slots=True)
class Device:
    """`code` is ours, and a secret; the rest is shown to the person. `complete`: a link with the code in it, where there is one."""

    code: Secret = field(repr=False)
    user_code: str
    url: str
    complete: str | None
    pace: timedelta
    lives: timedelta


@runtime_checkable
class Devices(Consents, Protocol):
    async def begin(self, scopes: frozenset[str], config: Mapping[str, object], root: Root) -> Device: ...

    async def poll(self, code: Secret, scopes: frozenset[str], config: Mapping[str, object], root: Root) -> Given:
        """Raises Waiting; Refused with `access_denied` or `expired_token`; else what `Provider.mint` does."""
