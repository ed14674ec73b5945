"""What a request asks of GitHub: permissions as scopes, repositories of one account as its one detail."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from services.providers.seam import Declared, Details, Refused, read

PERMISSION = re.compile(r"([a-z][a-z0-9_]{0,63}):(read|write|admin)")
Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
FullName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$")]
MOST = 500
"""Repositories that GitHub takes in one request."""


class Repositories(Declared):
    type: Literal["github"]
    repositories: tuple[FullName, ...] = Field(strict=False, min_length=1, max_length=MOST)


@dataclass(frozen=True, slots=True)
class Wish:
    permissions: Mapping[str, str]
    repositories: tuple[str, ...]
    """With their owner, as they were asked for."""

    @property
    def account(self) -> str:
        """That all of them are of."""
        return self.repositories[0].partition("/")[0]

    def body(self, **more: str) -> bytes:
        """Both, always: to GitHub an absent member is all that there is to have."""
        names = [one.partition("/")[2] for one in self.repositories]
        return json.dumps({**more, "repositories": names, "permissions": self.permissions}).encode()


def wish(scopes: frozenset[str], details: Details, account: str | None) -> Wish:
    """Raises Refused where it names no permission, no repository, or one of another account; `account` None is any, but one."""
    return Wish(permissions(scopes), repositories(details, account))


def permissions(scopes: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for scope in sorted(scopes):
        hit = PERMISSION.fullmatch(scope)
        if hit is None:
            raise Refused("no_permission", "a scope of GitHub is a permission and its level, as contents:read")
        if found.setdefault(hit[1], hit[2]) != hit[2]:
            raise Refused("two_levels", f"{hit[1]} is asked for at two levels: name the higher one alone")
    if not found:
        raise Refused("no_permission", "name at least one permission as a scope, as contents:read")
    return found


def repositories(details: Details, account: str | None) -> tuple[str, ...]:
    if len(details) != 1:
        raise Refused("no_repository", 'name the repositories in one detail: {"type": "github", "repositories": ["owner/name"]}')
    named = read(Repositories, details[0], "detail").repositories
    if len({one.casefold() for one in named}) < len(named):
        raise Refused("twice", "a repository is named twice")
    theirs = account or named[0].partition("/")[0]
    if any(one.partition("/")[0].casefold() != theirs.casefold() for one in named):
        raise Refused("foreign_repository", f"all repositories have to be those of {theirs}, and one is another account's")
    return named
