"""The wish: what a request asks for, in the one spelling that both transports send."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.client.lifetime import Lifetime, seconds
from counterfoil.client.subject import App, Subject, User, user_of
from counterfoil.wire import users

APP = App()


@dataclass(frozen=True, slots=True)
class Wish:
    connector: str
    scopes: tuple[str, ...] = ()
    details: tuple[Mapping[str, Any], ...] = ()
    lifetime: int | None = None
    installation: str | None = None
    user: User | None = None

    @classmethod
    def of(
        cls, connector: str, scopes: Iterable[str], details: Iterable[Mapping[str, Any]], lifetime: Lifetime | None, installation: str | None = None,
        subject: Subject = APP,
    ) -> "Wish":  # fmt: skip
        """What is given may be changed afterwards; a refresh, much later, asks for what was asked first."""
        if isinstance(scopes, str):
            raise TypeError("scopes are a list: a text would be asked for letter by letter")
        own = tuple(copy.deepcopy(dict(detail)) for detail in details)
        return cls(connector, tuple(sorted(set(scopes))), own, None if lifetime is None else seconds(lifetime), installation, user_of(subject))

    def document(self) -> dict[str, Any]:
        """As it stands in a request on the bus. What was not asked for is absent: the link decides then."""
        found: dict[str, Any] = {"connector": self.connector}
        if self.scopes:
            found["scopes"] = list(self.scopes)
        if self.details:
            found["details"] = [dict(detail) for detail in self.details]
        if self.lifetime is not None:
            found["lifetime"] = self.lifetime
        if self.installation is not None:
            found["installation"] = self.installation
        if self.user is not None:
            found["user"] = users.digest(self.user.id, self.user.issuer)
        return found

    def key(self) -> bytes:
        """The same for all wishes that ask for the same: details are a set, as scopes are. ValueError for what no JSON can hold."""
        from counterfoil.wire.canonical import canonical  # noqa: PLC0415 nobody but the cache waits for it

        return canonical(self.document() | {"details": [one.decode() for one in sorted(canonical(dict(detail)) for detail in self.details)]})
