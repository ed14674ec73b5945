"""Providers: how those behave whom we ask, and how long their secrets have lain with us."""

from typing import Any

from counterfoil_server.runtime.telemetry import names
from deploy.boards.board import board
from deploy.boards.panel import COUNT, PER_SECOND, SECONDS, Ask, Limits, Panel, lines, table
from deploy.boards.queries import quantile, rate, told

DAY = 86400
OLD: Limits = ((76 * DAY, "yellow"), (90 * DAY, "red"))
WHERE = "{{provider}} {{server_address}}"
SHARES = ((0.5, "p50"), (0.99, "p99"))


def made() -> dict[str, Any]:
    says = "Acts of each provider, whatever it speaks; its HTTP answers; what it still allows; the age of the root secrets."
    return board("providers", "providers", says, *acts(), *http(), *connectors())


def acts() -> list[Panel]:
    call = names.PROVIDER_DURATION
    shares = [Ask(quantile(share, call, names.BY_PROVIDER, names.BY_PHASE), f"{{{{provider}}}} {{{{phase}}}} {label}") for share, label in SHARES]
    return [
        lines("Duration of an act", f"{call.says} A dot is one that was traced: it leads there.", SECONDS, *shares),
        lines("Outcomes", call.says, PER_SECOND, Ask(rate(call, *call.labels), "{{provider}} {{phase}}: {{outcome}}"), stacked=True),
    ]


def http() -> list[Panel]:
    request, at = names.HTTP_DURATION, (names.BY_PROVIDER, names.SERVER)
    shares = [Ask(quantile(share, request, *at), f"{WHERE} {label}") for share, label in SHARES]
    answers = Ask(rate(request, names.BY_PROVIDER, names.STATUS), "{{provider}}: {{http_response_status_code}}")
    return [
        lines("HTTP, duration", request.says, SECONDS, *shares),
        lines("HTTP, by status", request.says, PER_SECOND, answers, stacked=True),
        lines("HTTP, errors", "Answers of 5xx, and requests that got none, by their error.", PER_SECOND,
              Ask(rate(request, *at, names.STATUS, where={names.STATUS: "=~5.."}), f"{WHERE}: {{{{http_response_status_code}}}}"),
              Ask(rate(request, *at, names.ERROR, where={names.STATUS: "", names.ERROR: "!="}), f"{WHERE}: {{{{error_type}}}}")),
        lines("HTTP, told to slow down", "Answers of 429.", PER_SECOND, Ask(rate(request, *at, where={names.STATUS: "429"}), WHERE)),
    ]  # fmt: skip


def connectors() -> list[Panel]:
    columns = {"provider": "provider", "connector": "connector", "Value": "age"}
    return [
        lines("Quota left", names.QUOTA.says, COUNT, Ask(told(names.QUOTA, *names.QUOTA.labels), "{{connector}}")),
        table(
            "Age of root secrets", names.SECRET_AGE.says, SECONDS, Ask(told(names.SECRET_AGE, *names.SECRET_AGE.labels)), columns=columns, limits=OLD
        ),
    ]
