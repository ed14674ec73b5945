"""Whose credential is asked for: the app's own, or one of its users'."""

from dataclasses import dataclass

from counterfoil.wire import users


@dataclass(frozen=True, slots=True)
class App:
    """The app itself: what the connector lends to the identity that asks."""


@dataclass(frozen=True, slots=True)
class User:
    """One end user of the app, by the id that `issuer` knows them by; None: the app's own. Both have up to 256 characters.

    Only a digest of it goes on record. ConsentRequired says where to send them, where they have not agreed yet.
    """

    id: str
    issuer: str | None = None

    def __post_init__(self) -> None:
        users.digest(self.id, self.issuer)


Subject = App | User


def user_of(subject: Subject) -> User | None:
    """Before anything is sent."""
    if not isinstance(subject, App | User):
        raise TypeError("subject is App() or User(id)")
    return subject if isinstance(subject, User) else None
