"""The ways to the exchange that one client has open: the HTTP door always, the bus where it was asked for."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from counterfoil.client.credential import Credential
from counterfoil.client.deadline import Deadline
from counterfoil.client.door import Door
from counterfoil.client.errors import CounterfoilError
from counterfoil.client.receipt import Receipts
from counterfoil.client.token_exchange import TokenExchange
from counterfoil.client.trace import Trace
from counterfoil.client.tries import Attempt
from counterfoil.client.wish import Wish
from counterfoil.wire.secret import Secret

if TYPE_CHECKING:
    import httpx

    from counterfoil.client.bus import Bus
    from counterfoil.client.news import Cache
    from counterfoil.wire.kafka import Connection


FOR_THE_AUDIENCE = 10.0


class Ways:
    def __init__(self, url: str, http: "httpx.AsyncClient | None", log_key: Sequence[str] | None) -> None:
        self.door = Door(url, http)
        self._receipts = Receipts(self.door, log_key)
        self._bus: Bus | None = None

    def take_the_bus(self, connection: "Callable[[], Connection | None]", partition: int | None) -> None:
        try:
            from counterfoil.client.bus import Bus  # noqa: PLC0415 aiokafka is an extra

            self._bus = Bus(connection(), self.door, self._receipts, partition)
        except ModuleNotFoundError as error:
            if error.name != "aiokafka":
                raise
            raise CounterfoilError("no_kafka_extra", "the kafka transport needs aiokafka", fix="pip install 'counterfoil[kafka]'") from None

    async def attempt(self, wish: Wish, token: Secret, request_id: UUID, deadline: Deadline, trace: Trace) -> Attempt[Credential]:
        if self._bus is not None:
            return await self._bus.attempt(wish, token, request_id, deadline, trace)
        return TokenExchange(self.door, self._receipts, wish, token, request_id, deadline, trace)

    async def consent(self, wish: Wish, token: Secret, deadline: Deadline) -> str | None:
        """Where the user can agree: the bus says no more than that they have to."""
        if wish.user is None:
            return None
        asked = {"connector": wish.connector, "scopes": list(wish.scopes), "user": wish.user.id, "user_issuer": wish.user.issuer,
                 "installation": wish.installation}  # fmt: skip
        body = {name: value for name, value in asked.items() if value is not None}
        answer = await self.door.call("POST", "/v1/consents", deadline, bearer=token, body=body)
        return str(answer["url"]) if isinstance(answer, dict) and "url" in answer else None

    async def hear(self, cache: "Cache", deadline: Deadline) -> None:
        """Over HTTP nobody tells what was revoked."""
        if self._bus is not None:
            await self._bus.hear(cache, deadline)

    async def in_development(self, deadline: Deadline) -> bool:
        try:
            return (await self.door.known(deadline)).issuer is not None
        except CounterfoilError:
            return False  # whoever needs the answer asks again, and says what is wrong

    async def audience(self) -> str:
        """For whom a platform is asked for a token."""
        return (await self.door.known(Deadline(FOR_THE_AUDIENCE))).audience

    async def close(self) -> None:
        if self._bus is not None:
            await self._bus.close()
        await self.door.close()


class Revoking:
    """An Attempt to revoke. https://www.rfc-editor.org/rfc/rfc7009"""

    def __init__(self, door: Door, credential: str, token: Secret, deadline: Deadline) -> None:
        self._door, self._credential, self._token, self._deadline = door, credential, token, deadline

    async def answered(self) -> dict[str, Any]:
        form = {"token": self._credential}
        answer = await self._door.call("POST", "/oauth2/revoke", self._deadline, bearer=self._token, form=form)
        return {"accepted": None} | answer if isinstance(answer, dict) else {"accepted": True}
