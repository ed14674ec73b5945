"""The wish: what a request asks for, in the one spelling that both transports send."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.client.lifetime import Lifetime, seconds


@dataclass(frozen=True, slots=True)
class Wish:
    connector: str
    scopes: tuple[str, ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()
    lifetime: int | None = None

    @classmethod
    def of(cls, connector: str, scopes: Iterable[str], details: Iterable[Mapping[str, Any]], lifetime: Lifetime | None) -> "Wish":
        if isinstance(scopes, str):
            raise TypeError("scopes are a list: a text would be asked for letter by letter")
        return cls(connector, tuple(sorted(set(scopes))), tuple(details), None if lifetime is None else seconds(lifetime))

    def document(self) -> dict[str, Any]:
        """As it stands in a request on the bus. What was not asked for is absent: the link decides then."""
        found: dict[str, Any] = {"connector": self.connector}
        if self.scopes:
            found["scopes"] = list(self.scopes)
        if self.details:
            found["details"] = [dict(detail) for detail in self.details]
        if self.lifetime is not None:
            found["lifetime"] = self.lifetime
        return found
