"""A code that a person types in at the server: https://www.rfc-editor.org/rfc/rfc8628"""

from datetime import timedelta

from counterfoil.wire.secret import Secret
from services.providers.consenting import Place
from services.providers.device_codes import Device, Waiting
from services.providers.oauth import given, said
from services.providers.oauth.config import Config
from services.providers.oauth.metadata import Places
from services.providers.oauth.server import Server
from services.providers.seam import Refused, Unavailable
from services.providers.web.talk import Heard

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
USUAL, FASTEST, SLOWEST, LONGEST = timedelta(seconds=5), timedelta(seconds=1), timedelta(seconds=60), timedelta(minutes=30)
NO = {"access_denied": "they did not agree", "expired_token": "the code ran out before they agreed"}


def place(config: Config, places: Places) -> Place:
    if places.device is None:
        raise Refused("no_device_endpoint", "the metadata names none: pin device_authorization_endpoint, or ask people by redirect")
    return Place("", {}, config.issuer, way="device")


async def begin(server: Server, config: Config, scopes: frozenset[str]) -> Device:
    if config.people_by != "device" or server.places.device is None:
        raise Refused("no_device_endpoint", "people are not asked by a code here")
    named = {"scope": " ".join(sorted(scopes | set(config.always))), "resource": config.resource, "audience": config.audience}
    heard = await server.ask(server.places.device, Unavailable, *((name, value) for name, value in named.items() if value))
    if heard.status != 200 or heard.error is not None:
        raise said.no(heard)
    return read(heard, plain=config.network == "this_machine")


def read(heard: Heard, *, plain: bool) -> Device:
    """`plain`: its pages may be without TLS. Some servers still call the page by the draft's name, `verification_url`."""
    body = heard.body
    code, user_code, lives = body.get("device_code"), body.get("user_code"), given.positive(body.get("expires_in"))
    url = page(body.get("verification_uri", body.get("verification_url")), plain=plain)
    if not (isinstance(code, str) and code and isinstance(user_code, str) and 0 < len(user_code) <= 64 and user_code.isprintable() and url and lives):
        raise Refused("no_code", "the server gave no code that a person could be shown")
    pace = given.positive(body.get("interval")) or USUAL
    complete = page(body.get("verification_uri_complete"), plain=plain)
    return Device(Secret(code), user_code, url, complete, min(max(pace, FASTEST), SLOWEST), min(lives, LONGEST))


def page(url: object, *, plain: bool) -> str | None:
    """People are led there by a link: nothing but a page."""
    if not isinstance(url, str) or len(url) > 2048 or not url.isascii() or not url.isprintable() or " " in url:
        return None
    return url if url.startswith("https://") or (plain and url.startswith("http://")) else None


async def poll(server: Server, config: Config, code: Secret) -> Heard:
    """What was given. Section 3.5."""
    resource = (("resource", config.resource),) if config.resource else ()
    heard = await server.token(GRANT, ("device_code", code.text()), *resource)
    if given.given(heard) is not None:
        return heard
    if heard.error in {"authorization_pending", "slow_down"}:
        raise Waiting(slower=heard.error == "slow_down")
    if heard.error in NO:
        raise Refused(heard.error, NO[heard.error])
    return heard
