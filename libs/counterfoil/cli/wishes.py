"""The options of a wish, read; and a wish written as the line that asks for it."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import typer

from counterfoil.cli import sugar
from counterfoil.client.lifetime import seconds

if TYPE_CHECKING:
    from counterfoil.client.subject import Subject


class Wanted(TypedDict):
    scopes: Sequence[str]
    details: Sequence[dict[str, Any]]
    lifetime: int | None


def wanted(
    connector: str, scope: Sequence[str] | None, detail: Sequence[str] | None, asked: str | None, repo: Sequence[str] | None = None,
    permission: Sequence[str] | None = None,
) -> Wanted:  # fmt: skip
    if (repo or permission) and not sugar.knows(connector):
        raise typer.BadParameter(f"--repo and --permission are for {sugar.GITHUB}/...; {connector} takes --scope and --detail")
    try:
        scopes, repositories = sugar.scopes(permission or ()), sugar.details(repo or ())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return {"scopes": [*(scope or ()), *scopes], "details": [*details(detail), *repositories], "lifetime": lifetime(asked)}


def subject(user: str | None, issuer: str | None) -> "Subject":
    from counterfoil.client.subject import App, User

    if user is None:
        if issuer is not None:
            raise typer.BadParameter("it says who knows the user: --user is missing", param_hint="--user-issuer")
        return App()
    try:
        return User(user, issuer)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--user") from None


def digest(user: str | None, issuer: str | None) -> str | None:
    from counterfoil.wire import users

    subject(user, issuer)
    return None if user is None else users.digest(user, issuer)


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


def line(connector: str, wish: Mapping[str, Any]) -> str:
    """The `counterfoil get` that asks for it, ready to be pasted."""
    asked_scopes, asked_details = list(wish.get("scopes") or ()), list(wish.get("details") or ())
    words = sugar.spoken(connector, asked_scopes, asked_details)
    if words is None:
        words = [word for one in asked_scopes for word in ("--scope", str(one))]
        words += [word for one in asked_details for word in ("--detail", json.dumps(one, separators=(",", ":")))]
    if wish.get("lifetime"):
        words += ["--lifetime", str(wish["lifetime"])]
    return shlex.join(["counterfoil", "get", connector, *words])
