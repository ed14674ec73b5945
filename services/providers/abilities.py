"""What some providers can beside what the seam asks of all: one that has these methods is taken to be able."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from services.providers.seam import Root


@runtime_checkable
class Shuts(Protocol):
    """Beside Provider, of one that can stop at once whatever it ever gave: while a connector is fenced, where its config asks for that."""

    def shuts(self, config: Mapping[str, object]) -> bool: ...

    async def shut(self, config: Mapping[str, object], root: Root) -> None:
        """And read back that it is so. Done already is no error."""

    async def reopen(self, config: Mapping[str, object], root: Root) -> None: ...


@runtime_checkable
class Lists(Protocol):
    """Beside Provider, of one whose `alive` lists what it lent: may what the ledger lacks be ended unasked?

    Only where an operator says that nobody else lends by the same means: what is unknown here may be another ledger's.
    """

    def sole(self, config: Mapping[str, object]) -> bool: ...
