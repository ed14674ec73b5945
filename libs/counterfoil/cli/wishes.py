"""The options of a wish, read: what `get` and `run` have in common."""

import json
from collections.abc import Sequence
from typing import Any, TypedDict

import typer

from counterfoil.client.lifetime import seconds


class Wanted(TypedDict):
    scopes: Sequence[str]
    details: Sequence[dict[str, Any]]
    lifetime: int | None


def wanted(scope: Sequence[str] | None, detail: Sequence[str] | None, asked: str | None) -> Wanted:
    return {"scopes": scope or (), "details": details(detail), "lifetime": lifetime(asked)}


def lifetime(text: str | None) -> int | None:
    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--lifetime") from None


def details(texts: Sequence[str] | None) -> list[dict[str, Any]]:
    found = []
    for text in texts or ():
        try:
            detail = json.loads(text)
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            raise typer.BadParameter("a detail is a JSON object", param_hint="--detail")
        found.append(detail)
    return found
