"""Panels of a Grafana board, as plain dicts: what is asked, how it is drawn, in which unit, from where on it is bad."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Panel = dict[str, Any]
Limits = Sequence[tuple[float, str]]
SOURCE = {"type": "prometheus", "uid": "${ds}"}
"""The variable of the board: whoever imports it chooses, and nothing else is bound."""
SECONDS, BYTES, PER_SECOND, SHARE, COUNT, TIMES = "s", "bytes", "ops", "percentunit", "short", "none"
BAD: Limits = ((1, "red"),)
"""Of what should be nought."""


@dataclass(frozen=True, slots=True)
class Ask:
    expr: str
    legend: str = ""


def targets(asks: Sequence[Ask], *, now: bool = False) -> list[dict[str, Any]]:
    """Exemplars lie on buckets alone. `now`: the last values as rows, not their course."""
    return [
        {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": ask.expr, "legendFormat": ask.legend or "__auto", "editorMode": "code",
         "instant": now, "range": not now, "exemplar": "_bucket" in ask.expr and not now, "format": "table" if now else "time_series"}
        for place, ask in enumerate(asks)
    ]  # fmt: skip


def steps(limits: Limits) -> dict[str, Any]:
    return {"mode": "absolute", "steps": [{"color": "green", "value": None}, *({"color": color, "value": value} for value, color in limits)]}


def panel(kind: str, title: str, says: str, unit: str, size: tuple[int, int], limits: Limits, **more: Any) -> Panel:
    """`gridPos` has no place yet: the board gives it."""
    width, height = size
    custom = more.pop("custom", {})
    return {"type": kind, "title": title, "description": says, "gridPos": {"w": width, "h": height}, "datasource": SOURCE,
            "fieldConfig": {"defaults": {"unit": unit, "thresholds": steps(limits), "custom": custom}, "overrides": []}, **more}  # fmt: skip


def lines(title: str, says: str, unit: str, *asks: Ask, width: int = 12, stacked: bool = False, limits: Limits = ()) -> Panel:
    """A course of time. Limits are drawn as lines."""
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 30 if stacked else 8, "showPoints": "never", "spanNulls": False, "axisSoftMin": 0,
              "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
              "thresholdsStyle": {"mode": "line" if limits else "off"}}  # fmt: skip
    options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", title, says, unit, (width, 8), limits, custom=custom, targets=targets(asks), options=options)


def number(title: str, says: str, unit: str, ask: Ask, *, width: int = 3, limits: Limits = (), decimals: int | None = None) -> Panel:
    """What it is now, in the colour of its limit. Nothing known is shown as nothing, never as nought."""
    options = {"colorMode": "background" if limits else "value", "graphMode": "area", "justifyMode": "auto", "textMode": "value",
               "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}  # fmt: skip
    made = panel("stat", title, says, unit, (width, 4), limits, targets=targets([ask]), options=options)
    if decimals is not None:
        made["fieldConfig"]["defaults"]["decimals"] = decimals
    return made


def bars(title: str, says: str, unit: str, *asks: Ask, width: int = 12, limits: Limits = ()) -> Panel:
    """One bar for each ask, in their order: no alphabet comes between."""
    options = {"orientation": "horizontal", "displayMode": "basic", "valueMode": "text", "showUnfilled": True, "minVizHeight": 16,
               "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}  # fmt: skip
    return panel("bargauge", title, says, unit, (width, 8), limits, targets=targets(asks), options=options)


def table(title: str, says: str, unit: str, ask: Ask, *, columns: Mapping[str, str], width: int = 12, limits: Limits = ()) -> Panel:
    """The values of now, a row for each; `columns`: what is shown, by label, under which head. `Value` is the number."""
    order = {name: place for place, name in enumerate(columns)}
    organized = {"id": "organize", "options": {"indexByName": order, "renameByName": dict(columns), "includeByName": dict.fromkeys(columns, True)}}
    custom = {"cellOptions": {"type": "color-text" if limits else "auto"}}
    return panel("table", title, says, unit, (width, 8), limits, custom=custom, targets=targets([ask], now=True),
                 transformations=[organized], options={"showHeader": True})  # fmt: skip


def words(title: str, text: str, *, width: int = 12, height: int = 8) -> Panel:
    """What no metric may say: how to ask the log."""
    return {"type": "text", "title": title, "description": "", "gridPos": {"w": width, "h": height}, "options": {"mode": "markdown", "content": text}}
