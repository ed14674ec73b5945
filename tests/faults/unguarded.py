"""A service without one of its guards, for the suite alone, which has to notice: `python -m tests.faults.unguarded GUARD ROLE`."""

import asyncio
import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.dev.town import SERVICES

Patch = Callable[[], None]
put = setattr


def no_swap() -> None:
    """What was minted counts as active, whatever became of its row."""
    from services.providers import fence, ledger  # noqa: PLC0415 - a process patches what it runs, and nothing else

    async def activate(db: Any, finished: Sequence[Any]) -> set[Any]:
        for one in finished:
            await db.execute(
                "UPDATE mint SET state = 'active', handle = $2, expires_at = $3, fact = $4, granted = $5, secret_digest = $6 "
                "WHERE credential_id = $1",
                one.intent.credential_id, one.minted.handle, one.minted.expires_at, one.fact, {"scopes": ["read"], "details": []}, one.secret_digest,
            )  # fmt: skip
        return {one.intent.credential_id for one in finished}

    put(ledger, "activate", activate)
    put(fence.Read, "holds", lambda *_: True)


def no_window() -> None:
    """A call takes effect however late it is."""
    from tests.faults.adapter import ByName  # noqa: PLC0415 - as above

    put(ByName, "until", lambda *_: None)


def no_reconcile() -> None:
    """What a crash left is left."""
    from services.revoker.orders import Orders  # noqa: PLC0415 - as above

    async def reconcile(*_: object) -> int:
        return 0

    put(Orders, "reconcile", reconcile)


def no_epoch() -> None:
    """A fence that was lifted is as if it had never been."""
    from services.audit import fence as handing  # noqa: PLC0415 - as above
    from services.gateway import standing  # noqa: PLC0415 - as above
    from services.providers import fence  # noqa: PLC0415 - as above

    holds, stands = fence.Read.holds, standing.stands
    put(handing, "PASSES", handing.PASSES.replace(" AND c.epoch = fact.epoch", ""))
    put(fence.Read, "holds", lambda self, grant, _, begun: holds(self, grant, self.connectors[grant.connector]["epoch"], begun))

    def standing_still(minted: Any, connectors: Any, blocks: Any) -> bool:
        return stands({**minted, "epoch": connectors[minted["connector"]]["epoch"]}, connectors, blocks)

    put(standing, "stands", standing_still)


def no_ack_wait() -> None:
    """`revoked` is said as soon as the rows are ordered."""
    from services.gateway.progress import Progress  # noqa: PLC0415 - as above

    of = Progress.of

    async def hasty(self: Progress, order: Any) -> dict[str, Any]:
        return {**await of(self, order), "state": "revoked" if order.ordered else "accepted"}

    put(Progress, "of", hasty)


def no_audit_first() -> None:
    """Answers go out, and then the leaf is written."""
    from services.audit.log import Log  # noqa: PLC0415 - as above

    write, later = Log._write, set[asyncio.Task[None]]()

    async def lazily(self: Log, arguments: Sequence[object]) -> None:
        async def after() -> None:
            await asyncio.sleep(0.3)
            await write(self, arguments)

        await asyncio.gather(*later)
        task = asyncio.create_task(after())
        later.add(task)
        task.add_done_callback(later.discard)

    put(Log, "_write", lazily)


GUARDS: Mapping[str, tuple[Patch, tuple[str, ...]]] = {
    "swap": (no_swap, ("mint",)),
    "window": (no_window, ("mint",)),
    "reconcile": (no_reconcile, ("revoker",)),
    "epoch": (no_epoch, ("mint", "audit", "gateway")),
    "ack-wait": (no_ack_wait, ("gateway",)),
    "audit-first": (no_audit_first, ("audit",)),
}


def without(guard: str) -> dict[str, tuple[str, ...]]:
    """The modules of a town that has not got it."""
    return {role: ("tests.faults.unguarded", guard, role) for role in GUARDS[guard][1]}


if __name__ == "__main__":
    guard, role = sys.argv[1:3]
    GUARDS[guard][0]()
    if role == "mint":
        sys.argv = ["providers", "mint"]
        runpy.run_module("tests.faults.providers", run_name="__main__")
    else:
        runpy.run_module(SERVICES[role][0], run_name="__main__")
