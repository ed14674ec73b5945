"""What the page of codes has to say of each, worked out from the tables in the code."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from counterfoil.client.errors import CODES, from_problem
from services.audit import problems
from services.gateway.table import RETRYABLE, TABLE

ROOT = Path(__file__).parents[2]
GATEWAYS_OWN = "gateway"
MADE_HERE = re.compile(r'(CounterfoilError|NoIdentity|NotFound|Revoked|Unproven|Unsupported|unanswered|_unproven)\(\s*"([a-z_]+)"')
CLASSES = {"unanswered": "Unavailable", "_unproven": "Unproven"}
BURIED = re.compile(r'(?:DeadLetter|Unreadable|BadSignature)\("([a-z_]+)"')
NOT_YET = frozenset({"rate_limited", "installation_required"})
"""The SDK knows them; nothing here says them yet."""


def stages() -> Mapping[str, list[str]]:
    """Of each code: who says it."""
    found: dict[str, list[str]] = {}
    for stage, table, _ in problems.TABLES.values():
        for code in table:
            found.setdefault(code, []).append(stage)
    found["revoked"].append("audit")
    found[problems.UNIFORM] = ["authorize"]
    return found


def answers() -> Iterator[tuple[str, ...]]:
    """code, stages, status and `error` at /oauth2, status at /v1, the SDK's class, whether asking again can help."""
    said = stages()
    for code, row in TABLE.items():
        kind = from_problem({"code": code, "error": row.error}, row.status)
        again = "yes" if code in RETRYABLE else "no"
        yield code, ", ".join(said.get(code, [GATEWAYS_OWN])), f"{row.status} `{row.error}`", str(row.v1), type(kind).__name__, again


def of_the_client() -> set[tuple[str, str]]:
    """code and class, as client and command line raise them."""
    texts = (file.read_text() for name in ("client", "cli") for file in (ROOT / "libs/counterfoil" / name).glob("*.py"))
    return {(code, CLASSES.get(kind, kind)) for text in texts for kind, code in MADE_HERE.findall(text)}


def of_dead_letters() -> set[str]:
    """Of what a stage's reader or its handlers refuse to read."""
    files = [*(ROOT / "services").rglob("*.py"), ROOT / "libs/counterfoil/wire/envelope.py", ROOT / "libs/counterfoil/wire/signing.py"]
    return {code for file in files for code in BURIED.findall(file.read_text())} | {"handler_error"}


def known() -> set[str]:
    return set(TABLE) | set(stages()) | set(CODES)
