"""counterfoil login: a developer's identity, by a code that is typed into a browser anywhere."""

import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from pathlib import Path

    from counterfoil.client.ambient.login_store import Login, Where

Store = Literal["auto", "keyring", "file"]


def verb(
    issuer: Annotated[str, typer.Option(envvar="COUNTERFOIL_LOGIN_ISSUER", help="The OIDC issuer, as its tokens have it in `iss`.")],
    client_id: Annotated[str, typer.Option(envvar="COUNTERFOIL_LOGIN_CLIENT_ID", help="A public client there that may use the device flow.")],
    scope: Annotated[str, typer.Option(help="What to ask for; offline_access brings a refresh token.")] = "openid offline_access",
    store: Annotated[Store, typer.Option(help="Where the tokens go: the system's keyring, or a file of yours (0600).")] = "auto",
    output: options.Show = Output.TABLE,
) -> None:
    """Log in as yourself, where no platform says who you are. The other verbs then use this login.

    Its ID token is for the client, so the exchange's entry of this issuer says `--audience CLIENT_ID`.

    \b
    counterfoil login --issuer https://login.example --client-id counterfoil-cli
    counterfoil login --issuer https://login.example --client-id counterfoil-cli --store file -o json
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import run
    from counterfoil.client.ambient.login_store import write

    file, where = home(), place(store)
    login = run(obtained(issuer, client_id, scope, where))
    write(file, login)
    show(login, file, output)


async def obtained(issuer: str, client_id: str, scope: str, where: "Where") -> "Login":
    import httpx

    from counterfoil.cli import device
    from counterfoil.client.ambient.login_store import Login
    from counterfoil.client.well_known import refuse_clear

    refuse_clear(issuer, allow_http=False)
    async with httpx.AsyncClient() as http:
        ends = await device.discover(http, issuer)
        asked = await device.ask(http, ends, client_id, scope)
        say(f"open {printing.plain(asked.uri)} and type {printing.plain(asked.user_code)}")
        if asked.complete:
            say(f"or open {printing.plain(asked.complete)}")
        say("waiting until you have agreed (Ctrl-C ends it)")
        got = await device.wait(http, ends, client_id, asked)
    return Login(ends.issuer, client_id, ends.token, ends.revocation, got.id_token, got.refresh_token, where)


def home() -> "Path":
    from counterfoil.client.ambient.login_store import path
    from counterfoil.client.ambient.source import Around

    file = path(Around(os.environ))
    if file is None:
        raise typer.BadParameter("there is no home to keep a login in: set HOME or XDG_CONFIG_HOME")
    return file


def place(store: Store) -> "Where":
    """A keyring that would refuse, or ask nobody, is none."""
    if store == "file":
        return "file"
    try:
        import keyring
        from keyring.backends import fail, null

        unusable = isinstance(keyring.get_keyring(), fail.Keyring | null.Keyring)
    except ModuleNotFoundError:
        unusable = True
    if store == "keyring" and unusable:
        raise typer.BadParameter("there is no keyring here: --store file, or pip install 'counterfoil[cli]' where one is", param_hint="--store")
    return "file" if unusable else "keyring"


def about(login: "Login") -> dict[str, Any]:
    from counterfoil.client.ambient.peek import unverified

    claims = unverified(login.id_token)
    return {
        "issuer": login.issuer, "subject": claims.get("sub"), "audience": claims.get("aud"), "expires": claims.get("exp"),
        "renewed": login.refresh_token is not None, "store": login.store,
    }  # fmt: skip


def show(login: "Login", file: "Path", output: Output) -> None:
    printing.one(about(login), output, "subject")
    say(f"kept in {'the keyring' if login.store == 'keyring' else file}; `counterfoil logout` forgets it")
