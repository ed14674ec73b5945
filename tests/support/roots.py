"""Root secrets that a test gives out of its hand, where the ledger's own are not what it is about."""

from collections.abc import Callable
from typing import Any, cast

from counterfoil.contracts.registry import Connector
from services.providers.roots import Roots
from services.providers.rotation import Rotation


class Given:
    """`of`: by installation, the newest set first."""

    def __init__(self, of: Callable[[str], list[Any]]) -> None:
        self._of = of

    async def sets(self, connector: Connector, installation: str) -> list[Any]:  # noqa: ARG002
        return self._of(installation)


def given(*sets: Any) -> Rotation:
    """The same for every installation; nothing, where nothing is named."""
    return by_installation(lambda _: list(sets) or [{}])


def by_installation(of: Callable[[str], list[Any]]) -> Rotation:
    return Rotation(cast("Roots", Given(of)))
