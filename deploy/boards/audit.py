"""Audit: the log's head, whether it keeps up, and whether it is whole."""

from typing import Any

from counterfoil_server.runtime.telemetry import names
from deploy.boards.board import board
from deploy.boards.panel import BAD, COUNT, PER_SECOND, SECONDS, Ask, Limits, lines, number
from deploy.boards.queries import INTERVAL, told

LATE: Limits = ((2, "yellow"), (5, "red"))


def made() -> dict[str, Any]:
    says = "No record, no credential: while the log does not keep up, nothing is lent. Gaps are never anything but 0."
    head, lag, gaps, checkpoint, verified = names.AUDIT_HEAD, names.AUDIT_LAG, names.AUDIT_GAPS, names.CHECKPOINT_AGE, names.VERIFIED_AGE
    growth = Ask(f"max(deriv({head.prometheus}[{INTERVAL}]))", "leaves")
    return board(
        "audit", "audit", says,
        number("Head", head.says, COUNT, Ask(told(head)), width=5),
        number("Append lag", lag.says, SECONDS, Ask(told(lag)), width=5, limits=LATE),
        number("Gaps", gaps.says, COUNT, Ask(told(gaps)), width=4, limits=BAD, decimals=0),
        number("Checkpoint", checkpoint.says, SECONDS, Ask(told(checkpoint)), width=5),
        number("Last verified in full", verified.says, SECONDS, Ask(told(verified)), width=5),
        lines("Leaves", "How fast the log grows.", PER_SECOND, growth),
        lines("Append lag", lag.says, SECONDS, Ask(told(lag), "oldest"), limits=LATE),
        lines("Gaps", gaps.says, COUNT, Ask(told(gaps), "missing"), limits=BAD),
        lines("Checkpoint's age", checkpoint.says, SECONDS, Ask(told(checkpoint), "age")),
        lines("Since the last full verification", verified.says, SECONDS, Ask(told(verified), "age"), width=24),
    )  # fmt: skip
