"""The adapters of the provider that faults: one a class. Each declares no more than its server keeps."""

import json
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

WINDOW = timedelta(seconds=2)
MEANS: Mapping[int, type[ProviderError]] = {409: AlreadyThere, 410: Refused, 429: Unavailable}


class Config(Declared):
    url: str


class RootSecret(Declared):
    token: Secret


@dataclass
class ByName:
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
        asked = {"name": str(order.credential_id), "connector": order.connector, "until": self.until(order), "named": self.named}
        dies = order.expires_at.timestamp() if self.ends_by_itself else None
        left = (order.window_closes_at - datetime.now(UTC)).total_seconds()
        if left <= 0:
            raise Refused("window_closed", "the request came too late")
        said = await self.post(order.config, "/mint", {**asked, "dies_at": dies}, left)
        handle: Handle = {"name": str(order.credential_id), "connector": order.connector}
        return Minted(answer(said["token"], "Bearer"), "Bearer", handle, order.scopes, order.details, order.expires_at)

    def until(self, order: Order) -> float | None:
        return order.window_closes_at.timestamp()

    @property
    def named(self) -> bool:
        return self.idempotency is Idempotency.BY_NAME

    async def revoke(self, handle: Handle, config: Mapping[str, object], root: Root, token: Secret | None) -> None:  # noqa: ARG002 - as above
        key, of = ("name", str(handle["name"])) if token is None else ("token", token.text())
        await self.post(config, "/revoke", {key: of, "connector": handle["connector"]}, 3.0)
        if (await self.ask("GET", f"{config['url']}/alive?{key}={of}", None, 2.0))["alive"]:
            raise Unknown("still_alive", "the provider said yes, and it lives")

    def handle(self, credential_id: UUID) -> Handle | None:
        return {"name": str(credential_id), "connector": "?"} if self.revocation is Revocation.BY_NAME else None

    async def alive(self, config: Mapping[str, object], root: Root) -> Mapping[UUID, Handle]:  # noqa: ARG002 - as above
        return {}

    async def sweep(self, config: Mapping[str, object], root: Root) -> int:  # noqa: ARG002 - as above
        return 0

    async def close(self) -> None:
        pass

    async def post(self, config: Mapping[str, object], path: str, body: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        return await self.ask("POST", f"{config['url']}{path}", json.dumps(body).encode(), seconds)

    async def ask(self, method: str, url: str, body: bytes | None, seconds: float) -> dict[str, Any]:
        try:
            found = await self._http.send(method, url, {"Content-Type": "application/json"}, body, in_all=seconds)
        except Unfetched as error:
            raise (Unknown if error.sent else Unavailable)(error.code, "no answer") from None
        if found.status == 200:
            return dict(json.loads(found.body))
        raise MEANS.get(found.status, Unknown)(f"said_{found.status}", "the provider said no")
