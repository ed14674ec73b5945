"""Decisions: who is let in, who is not, and why."""

from typing import Any

from counterfoil_server.runtime.telemetry import names
from deploy.boards.board import board
from deploy.boards.panel import PER_SECOND, SECONDS, SHARE, Ask, Limits, lines, number, words
from deploy.boards.queries import rate, told

STALE: Limits = ((300, "yellow"), (600, "red"))
DENIED = {names.BY_DECISION: "deny"}
DENIALS = (
    "./counterfoil audit tail -n 500 -o json | jq -r 'select(.leaf.fact.kind == \"grant.denied\") | .leaf.fact | {}' | sort | uniq -c | sort -rn"
)
ASKING = f"""\
Who asks most, and under which policies, is no metric: no label names a requester or a policy. The audit log knows.

Who was denied most in the last 500 leaves, by project and connector:

```sh
{DENIALS.format("[.project, .environment, .connector, .code] | @tsv")}
```

The same, by the policies that decided (`policy_hash`):

```sh
{DENIALS.format("[.grounds.policy_hash, .code] | @tsv")}
```
"""


def made() -> dict[str, Any]:
    says = (
        "What policy allowed and denied, which identities were rejected, what mint refused. A no is an answer, not an error; a step is worth a look."
    )
    denials = Ask(rate(names.DECISIONS, names.BY_REASON, where=DENIED), "{{reason}}")
    rejections = Ask(rate(names.VERIFY_FAILURES, names.BY_REASON), "{{reason}}")
    refusals = Ask(rate(names.REFUSALS, *names.REFUSALS.labels), "{{provider}}: {{reason}}")
    share = f"({rate(names.DECISIONS, where=DENIED)} or vector(0)) / {rate(names.DECISIONS)}"
    return board(
        "decisions", "decisions", says,
        number("Decisions", names.DECISIONS.says, PER_SECOND, Ask(rate(names.DECISIONS)), width=6, decimals=1),
        number("Denied", "The share of decisions that were a no.", SHARE, Ask(share), width=6, decimals=1),
        number("Rejected", names.VERIFY_FAILURES.says, PER_SECOND, Ask(rate(names.VERIFY_FAILURES)), width=6, decimals=2),
        number("Oldest key set", names.JWKS_AGE.says, SECONDS, Ask(told(names.JWKS_AGE)), width=6, limits=STALE),
        lines("Allowed and denied", names.DECISIONS.says, PER_SECOND, Ask(rate(names.DECISIONS, names.BY_DECISION), "{{decision}}"), stacked=True),
        lines("Denials by reason", "A step has an alert.", PER_SECOND, denials, stacked=True),
        lines("Rejections by cause", names.VERIFY_FAILURES.says, PER_SECOND, rejections, stacked=True),
        lines("Refusals by cause", names.REFUSALS.says, PER_SECOND, refusals, stacked=True),
        lines("Age of issuers' keys", names.JWKS_AGE.says, SECONDS, Ask(told(names.JWKS_AGE), "oldest"), limits=STALE),
        words("Who asks, and by which policy", ASKING),
    )  # fmt: skip
