"""On behalf of people: the authorization code (RFC 6749 section 4.1, PKCE: RFC 7636), and the refresh token that comes of it (section 6)."""

from dataclasses import replace
from datetime import UTC, datetime

from counterfoil.wire.secret import Secret
from services.providers.consenting import Given, Lent, NeedsConsent, Place, Returned
from services.providers.oauth import device, given, lending, said
from services.providers.oauth.config import Config
from services.providers.oauth.given import Given as Token
from services.providers.oauth.metadata import Places
from services.providers.oauth.server import Server
from services.providers.oauth.wish import Wish
from services.providers.seam import Irrevocable, Order, ProviderError, Refused
from services.providers.web.talk import Heard


def place(config: Config, places: Places) -> Place:
    """Raises Refused where people cannot be asked there."""
    if config.people_by == "device":
        return device.place(config, places)
    if places.authorization is None:
        raise Refused("no_authorization_endpoint", "the metadata names none: pin authorization_endpoint, or do without users")
    fixed = {"response_type": "code", "client_id": config.client_id, "code_challenge_method": "S256"}
    named = {"resource": config.resource, "audience": config.audience, "prompt": config.prompt, "scope": " ".join(config.always)}
    return Place(places.authorization, fixed | {name: value for name, value in named.items() if value}, config.issuer, places.says_iss)


async def redeem(server: Server, config: Config, returned: Returned) -> Given:
    heard = await server.token(
        "authorization_code",
        ("code", returned.code.text()), ("redirect_uri", returned.redirect_uri), ("code_verifier", returned.verifier.text()),
        *((("resource", config.resource),) if config.resource else ()),
    )  # fmt: skip
    return await kept(server, config, returned.scopes, heard)


async def poll(server: Server, config: Config, code: Secret, scopes: frozenset[str]) -> Given:
    return await kept(server, config, scopes, await device.poll(server, config, code))


async def kept(server: Server, config: Config, scopes: frozenset[str], heard: Heard) -> Given:
    """Where it is not what was asked for, all of it is ended. The access token beside a good one is nobody's: with it a server may end the rest."""
    found = given.given(heard)
    if found is None:
        raise said.no(heard)
    if found.sound and found.scopes is None:
        found = await lending.proven(server, found)
    refresh = renewed(heard)
    amiss = wrong(found, scopes | set(config.always), refresh)
    if amiss:
        await ended(server, *((refresh, found.token) if refresh else (found.token,)))
    if refresh is None:
        raise Refused("no_refresh_token", amiss)
    return Given(refresh, (found.scopes or frozenset()) & scopes, amiss)


def wrong(found: Token, asked: frozenset[str], refresh: Secret | None) -> str:
    if not found.sound:
        return "the server gave a token that is no bearer token, or said no beside it"
    if found.scopes is None:
        return "the server does not say which scopes it gave, and introspection does not, either"
    if not found.scopes <= asked or found.said:
        return "the server gave more than was asked"
    return "" if refresh else "the server gave no refresh token: see `always` of the connector, and what this client may do there"


async def lend(server: Server, order: Order, wish: Wish, refresh: Secret) -> Lent:
    """An access token of its own for each credential, narrowed by `scope`: so each can be ended by itself."""
    sent = datetime.now(UTC)
    heard = await server.token("refresh_token", ("refresh_token", refresh.text()), *lending.asked(server, wish))
    try:
        minted = await lending.taken(server, order, wish, heard, sent)
    except Refused as no:
        if no.code != "invalid_grant":
            raise
        raise NeedsConsent(no.code, "the server does not accept the user's grant any more") from None
    return Lent(replace(minted, handle={**minted.handle, "user": True}), renewed(heard))


async def end(server: Server, config: Config, token: Secret, until: datetime | None) -> bool:
    """One access token under a grant. RFC 7009 section 2.1 lets a server end the whole grant with it: then the person would have to agree anew,
    so it is left to its own end, which `until` says. False: it is dead already, as it is where the grant was ended.
    """
    found = await server.introspected(token)
    if found is not None and not found["active"]:
        return False
    if config.revokes == "grant":
        raise Irrevocable("ends_with_grant", "the server would end the user's whole grant with it: it ends by itself, or with the grant", until)
    await server.revoke(token, until)
    return True


def renewed(heard: Heard) -> Secret | None:
    token = heard.body.get("refresh_token")
    return Secret(token) if isinstance(token, str) and token and token.isprintable() else None


async def ended(server: Server, *tokens: Secret) -> None:
    """As well as it can be: nobody is handed these."""
    for one in tokens:
        try:
            await server.revoke(one, None)
        except ProviderError:
            continue
