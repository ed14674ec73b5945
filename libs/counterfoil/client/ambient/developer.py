"""A developer: the ID token of `counterfoil login`, renewed where the issuer gave a refresh token. OpenID Connect Core 1.0, section 12."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from counterfoil.client.ambient import login_store
from counterfoil.client.ambient.asking import answer
from counterfoil.client.ambient.login_store import AGAIN, Login
from counterfoil.client.ambient.peek import unverified
from counterfoil.client.ambient.source import Around, Failed, Source
from counterfoil.wire.secret import Secret

SPARE = 60.0
"""Seconds that a token has to live for it to be worth sending."""


def missing(around: Around) -> str | None:
    file = login_store.path(around)
    return None if file is not None and file.exists() else "nobody has logged in: `counterfoil login`"


async def token(around: Around, audience: str) -> Secret:  # noqa: ARG001 an ID token is for the client that asked for it
    file = login_store.path(around) or Path()
    login = await asyncio.to_thread(login_store.read, file)  # a keyring may ask the user
    if lives(login.id_token):
        return login.id_token
    if login.refresh_token is None:
        raise Failed("the login has expired", AGAIN)
    return await renewed(around, file)


def lives(held: Secret) -> bool:
    expires = unverified(held).get("exp")
    return isinstance(expires, int | float) and expires - time.time() > SPARE


async def renewed(around: Around, file: Path) -> Secret:
    async with login_store.alone(file):
        login = await asyncio.to_thread(login_store.read, file)
        if not lives(login.id_token):  # else another process was quicker
            login = await refreshed(around, login)
            await asyncio.to_thread(login_store.write, file, login)
        return login.id_token


async def refreshed(around: Around, login: Login) -> Login:
    what = f"{login.issuer}'s token endpoint"
    form = {"grant_type": "refresh_token", "client_id": login.client_id, "refresh_token": (login.refresh_token or Secret("")).text()}
    response = await answer(around, "POST", login.token_endpoint, what=what, fix=AGAIN, data=form)
    try:
        found = response.json()
        token = found["id_token"]
        refresh = found.get("refresh_token")
    except (ValueError, KeyError, TypeError, AttributeError):
        token = None
    if not isinstance(token, str) or not lives(Secret(token)):
        raise Failed(f"{what} gave no new ID token", AGAIN)
    return replace(login, id_token=Secret(token), refresh_token=Secret(refresh) if isinstance(refresh, str) and refresh else login.refresh_token)


SOURCES = (Source("developer login", missing, token),)
