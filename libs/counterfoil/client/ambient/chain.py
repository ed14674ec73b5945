"""The chain: the first environment that is there decides. One that is there and fails is an error, and nothing after it is tried."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Literal

from counterfoil.client.ambient.source import Around, Failed, Source
from counterfoil.client.errors import NoIdentity
from counterfoil.wire.secret import Secret

MODULES = (
    "explicit", "github", "carried", "command", "kubernetes", "vercel", "aws", "google", "azure", "spiffe", "fly", "developer",
)  # fmt: skip
AUDIENCE = "COUNTERFOIL_AUDIENCE"
Audience = Callable[[], Awaitable[str]]
NOTHING = "run on a platform that gives OIDC tokens, run `counterfoil login`, or set COUNTERFOIL_ID_TOKEN or COUNTERFOIL_ID_TOKEN_FILE"


@dataclass(frozen=True)
class Tried:
    source: str
    outcome: Literal["absent", "failed", "used"]
    why: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Found:
    token: Secret
    tried: tuple[Tried, ...]

    @property
    def source(self) -> str:
        return self.tried[-1].source


def sources() -> list[Source]:
    return [one for name in MODULES for one in import_module(f"counterfoil.client.ambient.{name}").SOURCES]


async def walk(around: Around, audience: Audience) -> Found:
    """`audience` is asked once it is known that somebody wants it."""
    tried: list[Tried] = []
    for source in sources():
        why = source.missing(around)
        if why is not None:
            tried.append(Tried(source.name, "absent", why))
            continue
        used = Tried(source.name, "used")
        try:
            wanted = "" if source.name == "given" else around.env.get(AUDIENCE) or await audience()
            return Found(token(await source.token(around, wanted)), (*tried, used))
        except Failed as error:
            failed = error
        raise nobody([*tried, replace(used, outcome="failed", why=failed.why, fix=failed.fix)])
    raise nobody(tried)


def token(found: object) -> Secret:
    text = found.text() if isinstance(found, Secret) else found
    kept = text.strip() if isinstance(text, str) else ""
    if not kept or not kept.isascii() or not kept.isprintable() or " " in kept:
        raise Failed("what it gave is no token", "it must give one JWT and nothing else")
    return Secret(kept)


def nobody(tried: list[Tried]) -> NoIdentity:
    lines = [f"\n  {one.source}: {one.why}" for one in tried]
    error = NoIdentity("no_identity", "no OIDC token was found. Tried, in this order:" + "".join(lines), fix=tried[-1].fix or NOTHING)
    error.tried = tuple(tried)
    return error
