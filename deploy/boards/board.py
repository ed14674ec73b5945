"""A board of panels: laid out in 24 columns, numbered, with its variables and its links."""

from collections.abc import Sequence
from typing import Any

from deploy.boards.panel import Panel

COLUMNS = 24
TAG = "counterfoil"
TRACES = "https://traces.example.org/trace/"
"""What comes before a trace's id. Whoever imports the board changes it there, once."""


def board(name: str, title: str, says: str, *panels: Panel) -> dict[str, Any]:
    return {
        "uid": f"counterfoil-{name}", "title": f"Counterfoil: {title}", "description": says, "tags": [TAG], "schemaVersion": 39, "version": 1,
        "editable": True, "graphTooltip": 1, "timezone": "browser", "refresh": "30s", "time": {"from": "now-1h", "to": "now"},
        "annotations": {"list": []}, "templating": {"list": [source(), text("TRACE_URL", "Traces", TRACES), text("trace_id", "Trace id", "")]},
        "links": links(), "panels": laid(panels),
    }  # fmt: skip


def source() -> dict[str, Any]:
    return {"name": "ds", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}, "options": [], "refresh": 1,
            "regex": "", "hide": 0, "includeAll": False, "multi": False}  # fmt: skip


def text(name: str, label: str, value: str) -> dict[str, Any]:
    chosen = {"selected": True, "text": value, "value": value}
    return {"name": name, "label": label, "type": "textbox", "query": value, "current": chosen, "options": [chosen], "hide": 0}


def links() -> list[dict[str, Any]]:
    beside = {"type": "dashboards", "title": "Counterfoil", "tags": [TAG], "asDropdown": True, "includeVars": True, "keepTime": True}
    trace = {"type": "link", "title": "Open the trace", "url": "${TRACE_URL}${trace_id}", "icon": "external link", "targetBlank": True,
             "tooltip": "of the id that stands above: an exemplar shows it, and so does every problem document"}  # fmt: skip
    return [beside, trace]


def laid(panels: Sequence[Panel]) -> list[Panel]:
    """From left to right; what does not fit begins below the highest so far."""
    placed: list[Panel] = []
    across = down = height = 0
    for number, one in enumerate(panels, 1):
        size = one["gridPos"]
        if across + size["w"] > COLUMNS:
            across, down, height = 0, down + height, 0
        placed.append({"id": number, **one, "gridPos": {"x": across, "y": down, **size}})
        across, height = across + size["w"], max(height, size["h"])
    return placed
