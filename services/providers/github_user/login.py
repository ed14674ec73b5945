"""What a user agreed to at GitHub: begun with a code, renewed with a refresh token, and ended.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
"""

from datetime import UTC, datetime

from counterfoil.wire.secret import Secret
from services.providers.consenting import Given, Kept, Lent, NeedsConsent, Place, Returned
from services.providers.github_user import given, said
from services.providers.github_user.client import Client
from services.providers.github_user.config import Config
from services.providers.oauth.given import given as heard_of
from services.providers.oauth.people import renewed
from services.providers.seam import ProviderError, Refused, Unavailable


def place(config: Config) -> Place:
    """GitHub asks nobody for scopes: a user agrees to what the app may do."""
    login = f"{config.web.rstrip('/')}/login/oauth"
    return Place(f"{login}/authorize", {"client_id": config.client_id, "response_type": "code", "code_challenge_method": "S256"}, login)


async def redeem(client: Client, returned: Returned) -> Given:
    """The access token beside is nobody's; the first refresh ends it."""
    heard = await client.token(code=returned.code.text(), redirect_uri=returned.redirect_uri, code_verifier=returned.verifier.text())
    found = heard_of(heard)
    if found is None:
        raise said.login(heard)
    refresh = renewed(heard)
    amiss = given.wrong(found, refresh)
    if amiss:
        await ended(client, found.token)
    if refresh is None:
        raise Refused("no_refresh_token", amiss)
    return Given(refresh, returned.scopes, amiss)


async def refreshed(client: Client, refresh: Secret) -> Lent:
    """Both tokens before are dead now: what came in their place is kept before a credential is made of it."""
    heard = await client.token(grant_type="refresh_token", refresh_token=refresh.text())
    found = heard_of(heard)
    if found is None:
        raise said.login(heard)
    anew = renewed(heard)
    if anew is None:
        await ended(client, found.token)
        raise NeedsConsent("no_refresh_token", given.wrong(found, None))
    return Lent(None, anew, given.kept(found, datetime.now(UTC)))


async def leave(client: Client, refresh: Secret, kept: Kept | None) -> None:
    """The grant is ended by showing a token of it. One that GitHub knows neither token of is over already."""
    if kept is not None and await client.leave(kept.token):
        return
    heard = await client.token(grant_type="refresh_token", refresh_token=refresh.text())
    found = heard_of(heard)
    if found is None:
        no = said.login(heard)
        if isinstance(no, NeedsConsent):
            return
        raise Unavailable(no.code, no.message, no.retry_after)  # whatever it is, it is not ended
    if not await client.leave(found.token):
        raise Unavailable("grant_not_ended", "GitHub does not know the token that it gave a moment ago")


async def ended(client: Client, token: Secret) -> None:
    """As well as it can be: nobody is handed it."""
    try:
        await client.end(token)
    except ProviderError:
        return
