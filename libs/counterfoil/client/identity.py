"""Who the caller is: the OIDC token that it sends, from where it was told to take it. It is asked for each time: tokens are renewed."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from counterfoil.client.errors import NoIdentity
from counterfoil.wire.secret import Secret

Token = str | Secret | Callable[[], "str | Secret | Awaitable[str | Secret]"]

TOKEN, FILE = "COUNTERFOIL_ID_TOKEN", "COUNTERFOIL_ID_TOKEN_FILE"
MOST = 64 * 1024
"""Far more than any gateway takes: a file that is larger is not a token."""


class Identity:
    def __init__(self, token: Token | None, env: Mapping[str, str]) -> None:
        self._given, self._env = token, env

    async def token(self) -> Secret:
        """The first source that is there decides: one that is there and fails is an error, not a reason to try the next."""
        if self._given is not None:
            found = self._given() if callable(self._given) else self._given
            return _kept(await found if inspect.isawaitable(found) else found, "Client(token=...)")
        if text := self._env.get(TOKEN):
            return _kept(text, TOKEN)
        if path := self._env.get(FILE):
            return _kept(_read(path), FILE)
        tried = "no token was given; " + "; ".join(f"{name} is not set" for name in (TOKEN, FILE))
        raise NoIdentity("no_identity", f"no OIDC token was found: {tried}", fix=f"set {TOKEN} to a token, or {FILE} to a file that holds one")


def _read(path: str) -> str:
    try:
        with Path(path).open(encoding="ascii") as file:
            return file.read(MOST)
    except OSError as error:
        raise NoIdentity("no_identity", f"{FILE}: {path} cannot be read: {error.strerror}", fix=f"mend the file, or unset {FILE}") from None
    except UnicodeDecodeError:
        pass
    raise NoIdentity("no_identity", f"{FILE}: {path} holds no token", fix="it must hold one JWT and nothing else")


def _kept(found: object, source: str) -> Secret:
    text = found.text() if isinstance(found, Secret) else found
    token = text.strip() if isinstance(text, str) else ""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise NoIdentity("no_identity", f"{source} gave no token", fix=f"{source} must give one JWT and nothing else")
    return Secret(token)
