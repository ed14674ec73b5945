"""Figures beside their targets, as one table for people and as JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`value` is the median of `runs`. `most` and `least` are the target; without one it is a floor or a detail."""

    name: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None
    runs: Sequence[float] = ()
    beside: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        if self.least is not None:
            return f">= {number(self.least)}"
        return f"<= {number(self.most)}" if self.most is not None else ""

    @property
    def holds(self) -> bool | None:
        if self.least is not None:
            return self.value >= self.least
        return self.value <= self.most if self.most is not None else None

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name, "value": round(self.value, 3), "unit": self.unit, "target": self.target, "holds": self.holds,
            "runs": [round(run, 3) for run in self.runs], "beside": self.beside, **self.more,
        }  # fmt: skip


def number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def row(figure: Figure) -> tuple[str, str, str, str, str]:
    between = f" ({number(min(figure.runs))}-{number(max(figure.runs))})" if len(figure.runs) > 1 else ""
    mark = {True: "holds", False: "SHORT", None: ""}[figure.holds]
    return figure.name, f"{number(figure.value)} {figure.unit}{between}", figure.target, mark, figure.beside


def table(figures: Sequence[Figure], conditions: Mapping[str, Any]) -> str:
    rows = [("figure", "measured (least-most)", "target", "", "beside it"), *(row(figure) for figure in figures)]
    widths = [max(len(line[place]) for line in rows) for place in range(4)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[4]]).rstrip() for line in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([*lines, "", *(f"{name}: {value}" for name, value in conditions.items())])
