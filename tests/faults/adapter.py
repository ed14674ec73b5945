"""The adapters of the provider that faults, one a class: by name, by possession, by principal. Each declares no more than its server keeps."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.outbound import Outbound, Unfetched
from services.providers.seam import (
    AlreadyThere,
    Declared,
    Details,
    Handle,
    Idempotency,
    Minted,
    Order,
    Provider,
    ProviderError,
    Reach,
    Refused,
    Revocation,
    Root,
    Unavailable,
    Unknown,
    answer,
)
from services.providers.web.network import RULES

WINDOW, OWN = timedelta(seconds=2), timedelta(seconds=60)
"""How long a request can take effect; how long what is lent by possession lives, for however short it was lent."""
MEANS: Mapping[int, type[ProviderError]] = {403: Refused, 409: AlreadyThere, 410: Refused, 429: Unavailable}


class Config(Declared):
    url: str
    connector: str


class RootSecret(Declared):
    token: Secret


@dataclass
class ByName:
    """What it is asked for has the name that it is given, and no second one ever gets that name."""

    name: str = "fault"
    documentation: str = "docs/reliability.md"
    revocation: Revocation = Revocation.BY_NAME
    reach: Reach = Reach.CREDENTIAL
    idempotency: Idempotency = Idempotency.BY_NAME
    ends_by_itself: bool = False
    shortest: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(hours=1)
    window: timedelta = WINDOW
    config: type[Declared] = Config
    root: type[Declared] = RootSecret

    def __post_init__(self) -> None:
        self._http = Outbound(RULES["this_machine"])

    def check(self, scopes: frozenset[str], details: Details, config: Mapping[str, object]) -> None:
        pass

    async def mint(self, order: Order, root: Root) -> Minted:  # noqa: ARG002 - the server asks for none
        asked = {"name": str(order.credential_id), "connector": order.connector, "until": self.until(order), "dies_at": self.dies_at(order)}
        left = (order.window_closes_at - datetime.now(UTC)).total_seconds()
        if left <= 0:
            raise Refused("window_closed", "the request came too late")
        said = await self.post(order.config, "/mint", asked, left)
        return Minted(answer(said["token"], "Bearer"), "Bearer", {"name": asked["name"]}, order.scopes, order.details, order.expires_at)

    def until(self, order: Order) -> float | None:
        return order.window_closes_at.timestamp()

    def dies_at(self, order: Order) -> float | None:  # noqa: ARG002 - only its end ends it
        return None

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> None:  # noqa: ARG002 - as above
        await self.ends(config, {"name": str(handle["name"])})

    async def ends(self, config: Mapping[str, object], means: Mapping[str, str]) -> None:
        """And reads back that it is so: this provider lies."""
        began = time.time()
        await self.post(config, "/revoke", {**means, "connector": config["connector"]}, 3.0)
        if (await self.post(config, "/alive", {**means, "connector": config["connector"], "since": began}, 2.0))["alive"]:
            raise Unknown("still_alive", "the provider said yes, and it lives")

    def handle(self, credential_id: UUID) -> Handle | None:
        return {"name": str(credential_id)}

    async def alive(self, config: Mapping[str, object], root: Root) -> Mapping[UUID, Handle]:  # noqa: ARG002 - as above
        return {}

    async def sweep(self, config: Mapping[str, object], root: Root) -> int:  # noqa: ARG002 - as above
        return 0

    async def close(self) -> None:
        pass

    async def post(self, config: Mapping[str, object], path: str, body: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        content, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        try:
            found = await self._http.send("POST", f"{config['url']}{path}", headers, content, in_all=seconds)
        except Unfetched as error:
            raise (Unknown if error.sent else Unavailable)(error.code, "no answer") from None
        if found.status == 200:
            return dict(json.loads(found.body))
        raise MEANS.get(found.status, Unknown)(f"said_{found.status}", "the provider said no")


@dataclass
class ByPossession(ByName):
    """Knows no names: only who has the token can end it, and it lives a minute for however short it is lent."""

    name: str = "held"
    revocation: Revocation = Revocation.BY_POSSESSION
    idempotency: Idempotency = Idempotency.NONE
    longest: timedelta = OWN

    def dies_at(self, order: Order) -> float | None:  # noqa: ARG002 - its own time
        return (datetime.now(UTC) + OWN).timestamp()

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> None:  # noqa: ARG002 - by the token
        if token is None:
            raise Unavailable("no_token", "nobody has the token")
        await self.ends(config, {"token": token.text()})

    def handle(self, credential_id: UUID) -> Handle | None:  # noqa: ARG002 - nothing there has a name of ours
        return None


@dataclass
class ByPrincipal(ByName):
    """Ends whatever its principal was given until now, and nothing less. What it gives ends by itself."""

    name: str = "cut"
    revocation: Revocation = Revocation.BY_PRINCIPAL
    reach: Reach = Reach.PRINCIPAL
    idempotency: Idempotency = Idempotency.NONE
    ends_by_itself: bool = True

    def dies_at(self, order: Order) -> float | None:
        return order.expires_at.timestamp()

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> None:  # noqa: ARG002 - all at once
        await self.ends(config, {"principal": str(config["connector"])})


def every() -> dict[str, Provider]:
    return {one.name: one for one in (ByName(), ByPossession(), ByPrincipal())}
