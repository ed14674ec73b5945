"""POST /v1/dead-letters: that a dead letter is put back, or given up, goes on record.

The letters themselves are on Kafka, where this process has no right.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil_server.runtime import dead_letters
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.dead_letters import Place, done
from services.gateway.answering import NO_STORE
from services.gateway.body import json_object
from services.gateway.operators import Operators
from services.gateway.problems import Problem
from services.gateway.query import parameters

FURTHEST = 2**63 - 1


class Acted(BaseModel):
    """`place`: topic:partition:offset, as `counterfoil dlq ls` names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    place: str = Field(max_length=200)
    act: Literal["redriven", "discarded"]
    reason: str = Field(min_length=1, max_length=500)

    @property
    def where(self) -> Place:
        return Place.parse(self.place)

    @model_validator(mode="after")
    def there(self) -> Self:
        if self.where.topic not in dead_letters.names() or self.where.partition >= 2**31 or self.where.offset > FURTHEST:
            raise ValueError("there is no such place")
        return self


class DeadLetters:
    def __init__(self, operators: Operators, db: Pool, now: Clock) -> None:
        self._operators, self._db, self._now = operators, db, now

    async def acted(self, request: Request) -> Response:
        """First the record, then the act: whoever asks puts the letter back once this has answered."""
        caller = await self._operators.demand(request, "lift")
        parameters(request, ())
        try:
            found = Acted.model_validate(await json_object(request))
        except ValidationError:
            raise Problem("malformed_request", "a dead letter is {place: topic:partition:offset, act: redriven or discarded, reason}") from None
        async with self._db.acquire() as connection, connection.transaction():
            revision = await done(connection, [found.where], found.act, found.reason, caller.actor, self._now())
        return JSONResponse({"revision": revision, "place": found.place, "act": found.act}, headers=NO_STORE)
