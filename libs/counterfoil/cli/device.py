"""The device authorization grant at any OIDC issuer: RFC 8628, found by OpenID Connect Discovery 1.0."""

import time
from asyncio import sleep, timeout
from dataclasses import dataclass
from typing import Any

import httpx

from counterfoil.client.ambient.peek import unverified
from counterfoil.client.errors import NoIdentity, Unavailable
from counterfoil.client.well_known import unseen
from counterfoil.wire.secret import Secret

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SECONDS, USUAL_PAUSE, SLOWER = 10.0, 5.0, 5.0
LONGEST = 1800.0


@dataclass(frozen=True)
class Ends:
    """What an issuer says of itself, as far as it concerns us."""

    issuer: str
    device: str
    token: str
    revocation: str | None


@dataclass(frozen=True)
class Asked:
    """`code` is ours, `user_code` is the user's to type."""

    code: Secret
    user_code: str
    uri: str
    complete: str | None
    until: float
    pause: float


@dataclass(frozen=True)
class Tokens:
    id_token: Secret
    refresh_token: Secret | None


def refused(why: str, fix: str) -> NoIdentity:
    return NoIdentity("no_identity", why, fix=fix)


async def discover(http: httpx.AsyncClient, issuer: str) -> Ends:
    found = await call(http, "GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration", issuer)
    fix = "give the issuer as its tokens have it in `iss`"
    if found.get("issuer") not in (issuer, issuer.rstrip("/"), f"{issuer}/"):
        raise refused(f"what answers at {issuer} calls itself something else", fix)
    device, token, revocation = (found.get(f"{name}_endpoint") for name in ("device_authorization", "token", "revocation"))
    if not isinstance(device, str) or not isinstance(token, str):
        raise refused(f"{issuer} has no device endpoint", "turn on the device flow for this client there, or set COUNTERFOIL_ID_TOKEN")
    if wrong := [one for one in (device, token, revocation) if isinstance(one, str) and not unseen(one)]:
        raise refused(f"{issuer} wants tokens over {wrong[0]}, in clear", "it has to name https addresses")
    return Ends(str(found["issuer"]), device, token, revocation if isinstance(revocation, str) else None)


async def ask(http: httpx.AsyncClient, ends: Ends, client_id: str, scope: str) -> Asked:
    found = await call(http, "POST", ends.device, ends.issuer, {"client_id": client_id, "scope": scope})
    code, user_code, uri = (found.get(name) for name in ("device_code", "user_code", "verification_uri"))
    if not (isinstance(code, str) and isinstance(user_code, str) and isinstance(uri, str)):
        what = said(found)
        raise refused(f"{ends.issuer} does not begin a login: {what}", f"is {client_id} a public client there that may use the device flow?")
    complete, life, pause = found.get("verification_uri_complete"), found.get("expires_in"), found.get("interval")
    until = time.monotonic() + min(number(life, LONGEST), LONGEST)
    return Asked(Secret(code), user_code, uri, complete if isinstance(complete, str) else None, until, number(pause, USUAL_PAUSE))


async def wait(http: httpx.AsyncClient, ends: Ends, client_id: str, asked: Asked) -> Tokens:
    """Polls until the user has decided, or the code has expired."""
    pause, form = asked.pause, {"grant_type": GRANT, "client_id": client_id, "device_code": asked.code.text()}
    while time.monotonic() + pause < asked.until:
        await sleep(pause)
        try:
            found = await call(http, "POST", ends.token, ends.issuer, form)
        except Unavailable:
            pause *= 2  # section 3.5: back off where no answer comes
            continue
        match found.get("error"):
            case None:
                return tokens(found, ends, client_id)
            case "authorization_pending":
                continue
            case "slow_down":
                pause += SLOWER
            case "access_denied":
                raise refused("the login was declined", "run `counterfoil login` again, and agree")
            case "expired_token":
                break
            case _:
                raise refused(f"{ends.issuer} refused: {said(found)}", "ask whoever runs the issuer about this client")
    raise refused("nobody agreed in time", "run `counterfoil login` again")


def tokens(found: dict[str, Any], ends: Ends, client_id: str) -> Tokens:
    """The token came from the issuer itself over TLS, which stands in for its signature: OpenID Connect Core 1.0, section 3.1.3.7."""
    token, refresh = found.get("id_token"), found.get("refresh_token")
    if not isinstance(token, str):
        raise refused(f"{ends.issuer} gave no ID token", "the scope needs openid, and the client has to be an OpenID Connect client")
    claims = unverified(Secret(token))
    audience = claims.get("aud")
    if claims.get("iss") != ends.issuer or client_id not in (audience if isinstance(audience, list) else [audience]):
        raise refused(f"the ID token is not {ends.issuer}'s for {client_id}", "check --issuer and --client-id")
    return Tokens(Secret(token), Secret(refresh) if isinstance(refresh, str) and refresh else None)


async def call(http: httpx.AsyncClient, method: str, url: str, issuer: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    """Its JSON object, a refusal's too; {} where it gave none."""
    try:
        async with timeout(SECONDS):
            response = await http.request(method, url, data=form, headers={"Accept": "application/json"}, timeout=None)
        found = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        failed = type(error).__name__
    except ValueError:
        return {}
    else:
        return found if isinstance(found, dict) else {}
    raise Unavailable("unreachable", f"{issuer} could not be reached: {failed}", fix="is the issuer's URL right, and is it up?", retryable=True)


def said(found: dict[str, Any]) -> str:
    """An error's code: RFC 6749 has it printable, and short is what we make it."""
    code = str(found.get("error") or "an answer without what is needed")[:64]
    return "".join(letter if letter.isprintable() else "?" for letter in code)


def number(found: object, usual: float) -> float:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) and found > 0 else usual
