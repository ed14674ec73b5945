"""Whether a credential that was minted may still be handed over: a paused audit process may have published it late."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil.wire.asking import Opened
from counterfoil_server.runtime.store.database import AWAY, Pool

NAMED = ("connector", "project", "environment", "issuer", "sub_hash")
STOPPED: dict[str, Any] = {"code": "revoked", "message": "the connector was fenced, or a block was set, before the answer could be handed over"}
UNSURE: dict[str, Any] = {"code": "unavailable", "message": "whether the connector still stands could not be read: nothing is handed over unseen"}


class Standing:
    def __init__(self, db: Pool) -> None:
        self._db = db

    async def fallen(self, answers: Sequence[Opened]) -> dict[int, Opened]:
        """By id() of the answer, those whose credential must not leave this process, with the problem in its place."""
        lent = [answer for answer in answers if answer.credential is not None and answer.fact is not None]
        if not lent:
            return {}
        try:
            connectors, blocks = await self._read([fact(answer)["connector"] for answer in lent])
        except AWAY:
            return {id(answer): without(answer, UNSURE) for answer in lent}
        return {id(answer): without(answer, STOPPED) for answer in lent if not stands(fact(answer), connectors, blocks)}

    async def now(self, about: Mapping[str, str]) -> bool:
        """Whether a mint about this would meet no fence and no block. Reads the same for a connector that is none."""
        connectors, blocks = await self._read([about["connector"]])
        connector = connectors.get(about["connector"])
        return connector is not None and connector["state"] == "active" and not blocked(about, blocks)

    async def _read(self, names: Sequence[str]) -> tuple[dict[str, Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
        rows = await self._db.fetch("SELECT name, state, epoch FROM connector WHERE name = ANY($1::text[])", names)
        blocks = await self._db.fetch(
            "SELECT connector, project, environment, issuer, sub_hash FROM block WHERE lifted_at IS NULL AND (until IS NULL OR until > now())"
        )
        return {row["name"]: row for row in rows}, blocks


def stands(minted: Mapping[str, Any], connectors: Mapping[str, Mapping[str, Any]], blocks: Sequence[Mapping[str, Any]]) -> bool:
    connector = connectors.get(minted["connector"])
    if connector is None or connector["state"] != "active" or connector["epoch"] != minted["epoch"]:
        return False
    return not blocked(minted, blocks)


def blocked(about: Mapping[str, Any], blocks: Sequence[Mapping[str, Any]]) -> bool:
    return any(all(block[name] in (None, about[name]) for name in NAMED) for block in blocks)


def fact(answer: Opened) -> dict[str, Any]:
    return answer.fact or {}


def without(answer: Opened, problem: dict[str, Any]) -> Opened:
    return dataclasses.replace(answer, credential=None, problem=problem)
