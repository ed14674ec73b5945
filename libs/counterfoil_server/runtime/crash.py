"""Where a process can be made to die, so that what a death leaves behind can be tried. None does unless COUNTERFOIL_CRASH names it."""

import os
import signal
from collections.abc import Mapping
from typing import Final

POINTS: Final[Mapping[str, str]] = {
    "gateway.asking": "before the broker has the request",
    "gateway.asked": "the broker has the request",
    "gateway.reply_in_hand": "the answer is opened, and the caller has none of it",
    "verifier.decided": "before the broker has what was verified",
    "verifier.acked": "the broker has it, and the offset is not committed",
    "policy.decided": "before the broker has the decision",
    "policy.acked": "the broker has it, and the offset is not committed",
    "mint.intending": "before the intent",
    "mint.intent_committed": "the intent is durable, and the provider was not called",
    "outbound.written": "the call is on the wire, and nothing came back",
    "mint.answered": "the credential is in hand, and the ledger does not know",
    "mint.swapped": "the ledger says active, and nobody was told",
    "mint.swap_lost": "the credential is not ours, and its end is not ordered",
    "mint.acked": "the broker has the fact, and the offset is not committed",
    "audit.appending": "before the leaf",
    "audit.appended": "the leaf is durable, and nobody was answered",
    "audit.acked": "the broker has the answer, and the offset is not committed",
    "revoker.obeying": "an order was read, and no row is written",
    "revoker.obeyed": "its rows are durable, and not sent",
    "revoker.acked": "the broker has what was ordered, and the rows do not say so",
    "revoke.calling": "a revocation is claimed, and the provider was not called",
    "revoke.called": "the provider has answered, and the row does not say so",
    "revoke.settled": "the row is settled, and nobody was told",
    "reconciler.claiming": "what a crash left is found, and not committed",
    "reconciler.claimed": "its end is ordered, and not sent",
    "relay.committed": "rows were sent and marked",
}
_left: dict[str, int] = {}


class NoSuchPoint(ValueError):
    pass


def read(text: str) -> Mapping[str, int]:
    """`name`, or `name:n` for the n-th passage. Raises NoSuchPoint."""
    if not text:
        return {}
    name, _, number = text.partition(":")
    if name not in POINTS or (number and not number.isdecimal()):
        raise NoSuchPoint(text)
    return {name: int(number or 1)}


def arm(points: Mapping[str, int]) -> None:
    _left.clear()
    _left.update(points)


def at(point: str) -> None:
    if _left and point in _left:
        _left[point] -= 1
        if _left[point] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
