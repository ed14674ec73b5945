"""Whose credential is asked for: the app's own, or one of its users'."""

from dataclasses import dataclass

from counterfoil.client.errors import Unsupported


@dataclass(frozen=True, slots=True)
class App:
    """The app itself: what the connector lends to the identity that asks."""


@dataclass(frozen=True, slots=True)
class User:
    """One end user of the app, by the id that `issuer` knows them by; None: the app's own."""

    id: str
    issuer: str | None = None


Subject = App | User


def lendable(subject: Subject) -> None:
    """Before anything is sent. An exchange that cannot ask a user's consent must not answer with the app's credential in its place."""
    if isinstance(subject, User):
        fix = "leave out `subject`, or say App(): the app's own credential. It acts as the app, not as the user"
        raise Unsupported("no_user_subjects", "this exchange lends to apps; it does not lend on behalf of a user yet", fix=fix)
    if not isinstance(subject, App):
        raise TypeError("subject is App() or User(id)")
