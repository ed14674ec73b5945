"""A JWT that our own key signs, by which a server gives a token of whomever it names. RFC 7523 sections 2.1 and 3.

https://www.rfc-editor.org/rfc/rfc7523
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from services.providers.oauth.client import signed
from services.providers.oauth.config import Config
from services.providers.oauth.server import Server
from services.providers.seam import Borrower, Order, Refused

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PLACE = re.compile(r"\{(\w+)\}")


async def assertion(server: Server, order: Order) -> str:
    key = await server.keys.of(server.root.signs)
    return signed(server.config, key, server.places.token, claims(server.config, order, datetime.now(UTC)))


def claims(config: Config, order: Order, now: datetime) -> Mapping[str, object]:
    """Good for as long as the call may still take effect and no longer: after that the ledger counts on it that nothing comes of it."""
    ends = int(order.window_closes_at.timestamp())
    if ends <= now.timestamp():
        raise Refused("window_closed", "the request came too late to be carried out")
    return {"iss": config.assertion_issuer or config.client_id, "sub": subject(config, order.borrower), "iat": int(now.timestamp()), "exp": ends}


def subject(config: Config, borrower: Borrower) -> str:
    """No two borrowers become one: where two names stand in it, neither may hold a character of what stands between them."""
    if config.subject is None:
        return config.client_id
    names = {"project": borrower.project, "environment": borrower.environment}
    between = set("".join(PLACE.split(config.subject)[2:-1:2]))
    used = [names[one] for one in PLACE.findall(config.subject)]
    if len(used) > 1 and (not between or any(between & set(one) for one in used)):
        raise Refused("ambiguous_subject", "the name of the project or environment holds what stands between them in the connector's `subject`")
    return PLACE.sub(lambda one: names[one[1]], config.subject)
