"""Fly.io: the machine's own API on a unix socket. https://fly.io/docs/machines/api/tokens-resource/."""

from counterfoil.client.ambient.asking import answer
from counterfoil.client.ambient.source import Around, Source

SOCKET = "/.fly/api"


def missing(around: Around) -> str | None:
    return None if around.at(SOCKET).exists() else f"there is no {SOCKET}"


async def token(around: Around, audience: str) -> str:
    fix = "let the process run inside a Fly machine, as a user that may write to the socket"
    response = await answer(
        around, "POST", "http://localhost/v1/tokens/oidc", what="Fly's API", fix=fix, near=True, socket=str(around.at(SOCKET)),
        json={"aud": audience},
    )  # fmt: skip
    return response.text


SOURCES = (Source("Fly.io", missing, token),)
