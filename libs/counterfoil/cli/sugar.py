"""A provider's own words for a wish, and back: `--repo` and `--permission` are GitHub's scopes and details.

https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

GITHUB = "github"
REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+|\*")
"""In a ceiling, * is any."""
PERMISSION = re.compile(r"[a-z_]+:(read|write|admin)")


def knows(connector: str) -> bool:
    return connector.partition("/")[0] in {GITHUB, "github_user"}


def scopes(permission: Sequence[str]) -> list[str]:
    if wrong := [one for one in permission if not PERMISSION.fullmatch(one)]:
        raise ValueError(f"--permission is like contents:read, not {wrong[0]}")
    return list(permission)


def details(repo: Sequence[str]) -> list[dict[str, Any]]:
    if wrong := [one for one in repo if not REPOSITORY.fullmatch(one)]:
        raise ValueError(f"--repo is like owner/name, not {wrong[0]}")
    return [{"type": GITHUB, "repositories": list(repo)}] if repo else []


def spoken(connector: str, wanted_scopes: Sequence[str], wanted_details: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """The same wish in these words, as arguments; None where they cannot say it."""
    if not knows(connector) or not all(PERMISSION.fullmatch(one) for one in wanted_scopes):
        return None
    match [dict(one) for one in wanted_details]:
        case []:
            repositories: Sequence[str] = ()
        case [{"type": "github", "repositories": [*found], **rest}] if not rest and all(REPOSITORY.fullmatch(str(one)) for one in found):
            repositories = [str(one) for one in found]
        case _:
            return None
    said = [("--repo", one) for one in repositories] + [("--permission", one) for one in wanted_scopes]
    return [word for pair in said for word in pair]
