"""Who the caller is: the OIDC token that it sends, from where it was told to take it. It is asked for each time: tokens are renewed."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from counterfoil.client.errors import NoIdentity
from counterfoil.wire.secret import Secret

if TYPE_CHECKING:  # the chain is imported where it is walked
    from counterfoil.client.ambient.chain import Audience, Found

Token = str | Secret | Callable[[], "str | Secret | Awaitable[str | Secret]"]

TOKEN, FILE = "COUNTERFOIL_ID_TOKEN", "COUNTERFOIL_ID_TOKEN_FILE"
GIVEN = "Client(token=...)"


class Identity:
    def __init__(self, token: Token | None, env: Mapping[str, str], root: Path = Path("/"), audience: "Audience | None" = None) -> None:
        """`root`: where a platform's files are looked for."""
        self._given, self._env, self._root = token, env, root
        self.audience: Audience = audience or unknown
        """Says for whom a platform is asked for a token: what the exchange says of itself. Set by whoever knows the exchange."""

    async def token(self) -> Secret:
        return (await self.find()).token

    async def find(self) -> "Found":
        """The token, and how it was come by. The first source that is there decides."""
        from counterfoil.client.ambient.chain import Found, Tried, token, walk  # noqa: PLC0415 see above
        from counterfoil.client.ambient.source import Around, Failed  # noqa: PLC0415

        if self._given is None:
            return await walk(Around(self._env, self._root), self.audience)
        found = self._given() if callable(self._given) else self._given
        try:
            return Found(token(await found if inspect.isawaitable(found) else found), (Tried(GIVEN, "used"),))
        except Failed as error:
            why = error.why
        raise NoIdentity("no_identity", f"{GIVEN} gave no token: {why}", fix=f"{GIVEN} must give one JWT and nothing else")


async def unknown() -> str:
    raise NoIdentity("no_identity", "nobody said for whom a token is to be asked", fix="set COUNTERFOIL_AUDIENCE to the exchange's audience")
