"""Dead letters as the console shows them and puts them back: the gateway records it, with the operator's own token, and then it is done."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from counterfoil.wire.kafka import Connection, KafkaError
from counterfoil_server.runtime import dead_letters
from counterfoil_server.runtime.dead_letters import Letter
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.dead_letters import Act, Place, known
from services.console.gateway import Gateway, Refused
from services.console.operator import Operator

SHOWN = 100
AWAY = {
    "code": "unavailable",
    "message": "Kafka cannot be used",
    "fix": "see whether it is up, and whether this console's principal may read the graves",
}
GONE = {"code": "not_found", "message": "no dead letter lies there any more", "fix": "load the page again"}


@dataclass(frozen=True)
class Graves:
    kafka: Connection
    db: Pool = field(repr=False)
    gateway: Gateway

    async def open(self) -> Sequence[Letter]:
        """Those that nothing was done about, the oldest of each topic first. Raises Refused."""
        over = await known(self.db, dead_letters.names())
        return [one for one in await self._lying(dead_letters.names()) if one.place not in over][:SHOWN]

    async def act(self, operator: Operator, place: Place, act: Act, reason: str) -> None:
        """Raises Refused. What is recorded and then cannot be sent can be asked for again."""
        found = next((one for one in await self._lying([place.topic]) if one.place == place), None)
        if found is None:
            raise Refused(404, GONE)
        await self.gateway.ask(operator, "POST", "/v1/dead-letters", body={"place": str(place), "act": act, "reason": reason})
        if act == "redriven":
            try:
                await dead_letters.put_back(self.kafka, [found])
            except (KafkaError, OSError, TimeoutError):
                raise Refused(502, AWAY) from None

    async def _lying(self, topics: Sequence[str]) -> Sequence[Letter]:
        try:
            return await dead_letters.letters(self.kafka, topics)
        except (KafkaError, OSError, TimeoutError):
            raise Refused(502, AWAY) from None
