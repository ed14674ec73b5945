"""What was put where we look first: a token, or a file that holds one."""

from pathlib import Path

from counterfoil.client.ambient.source import Around, Source, from_file

TOKEN, FILE = "COUNTERFOIL_ID_TOKEN", "COUNTERFOIL_ID_TOKEN_FILE"


def missing(around: Around) -> str | None:
    return None if around.env.get(TOKEN) or around.env.get(FILE) else f"{TOKEN} is not set, {FILE} is not set"


async def token(around: Around, audience: str) -> str:  # noqa: ARG001 what was put there is for whom it is
    return around.env.get(TOKEN) or from_file(Path(around.env[FILE]), FILE, f"mend the file, or unset {FILE}")


SOURCES = (Source("given", missing, token),)
