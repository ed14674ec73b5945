"""counterfoil logout: forget the login, and end its refresh token at the issuer."""

from typing import TYPE_CHECKING

from counterfoil.cli import options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from counterfoil.client.ambient.login_store import Login


def verb(dry_run: options.DryRun = False, output: options.Show = Output.TABLE) -> None:
    """Forget what `counterfoil login` left, here and, where it says how (RFC 7009), at the issuer.

    \b
    counterfoil logout
    counterfoil logout --dry-run
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.login import about, home
    from counterfoil.cli.session import run
    from counterfoil.client.ambient import login_store
    from counterfoil.client.ambient.source import Failed

    file = home()
    if not file.exists():
        say("nobody is logged in")
        return
    try:
        login = login_store.read(file)
    except Failed as error:  # it is unusable, and shall go all the same
        say(f"{error.why}; {'it would be' if dry_run else 'it is'} removed")
        file.unlink() if not dry_run else None
        return
    found = about(login)
    if not dry_run:
        run(revoked(login))
        login_store.remove(file, login)
    printing.one(found, output, "subject")
    say("would be forgotten" if dry_run else "forgotten")


async def revoked(login: "Login") -> None:
    """What lives at the issuer can outlive what lies here. Where it cannot be ended, that is said, and the login goes anyway."""
    if login.refresh_token is None or login.revocation_endpoint is None:
        return
    import httpx

    form = {"token": login.refresh_token.text(), "token_type_hint": "refresh_token", "client_id": login.client_id}
    try:
        async with httpx.AsyncClient(timeout=10) as http:
            good = (await http.post(login.revocation_endpoint, data=form)).is_success
    except httpx.HTTPError:
        good = False
    if not good:
        say(f"the refresh token could not be ended at {login.issuer}: it lives until that forgets it")
