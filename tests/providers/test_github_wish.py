"""What may be asked of GitHub: some permissions and some repositories, always both, and nothing that could mean two things."""

import json
from typing import Any

import pytest

from services.providers.github.wish import MOST, wish
from services.providers.seam import Refused

READ = frozenset({"contents:read"})


def detail(*repositories: Any, **more: Any) -> dict[str, Any]:
    return {"type": "github", "repositories": list(repositories), **more}


def code(scopes: frozenset[str] = READ, *details: dict[str, Any]) -> str:
    with pytest.raises(Refused) as caught:
        wish(scopes, details, "acme")
    return caught.value.code


def test_permissions_and_names_without_their_owner_are_sent():
    found = wish(frozenset({"contents:write", "pull_requests:read"}), (detail("acme/a", "acme/b.c-d_e"),), "acme")

    assert json.loads(found.body()) == {"repositories": ["a", "b.c-d_e"], "permissions": {"contents": "write", "pull_requests": "read"}}


def test_as_many_as_github_takes_and_no_more():
    names = [f"acme/{number}" for number in range(MOST + 1)]

    assert len(wish(READ, (detail(*names[:MOST]),), "acme").repositories) == MOST
    assert code(READ, detail(*names)) == "detail"


@pytest.mark.parametrize(
    "scope", ["contents", "contents:", ":read", "contents:all", "Contents:read", "contents:read ", "contents:read\n", "*", "", "a b:read"]
)
def test_a_scope_is_a_permission_and_its_level(scope: str):
    assert code(READ | {scope}, detail("acme/a")) == "no_permission"


def test_a_permission_has_one_level():
    assert code(frozenset({"contents:read", "contents:write"}), detail("acme/a")) == "two_levels"


def test_nothing_named_is_refused_for_to_github_it_is_everything():
    assert code(frozenset(), detail("acme/a")) == "no_permission"
    assert code(READ) == "no_repository"
    assert code(READ, detail()) == "detail"
    assert code(READ, {"type": "github"}) == "detail"


@pytest.mark.parametrize(
    "wrong",
    [
        detail("a"), detail("acme/"), detail("/a"), detail("acme/a/b"), detail("*"), detail("acme/*"), detail("acme/a", 7), detail("acme/a\n"),
        detail("acme/a", more=1), {"type": "postgres", "repositories": ["acme/a"]}, {"type": "github", "repositories": "acme/a"},
        {"repositories": ["acme/a"]},
    ],
)  # fmt: skip
def test_a_detail_names_repositories_with_their_owner_and_nothing_else(wrong: dict[str, Any]):
    assert code(READ, wrong) == "detail"


def test_one_detail_holds_all_of_them():
    assert code(READ, detail("acme/a"), detail("acme/b")) == "no_repository"


@pytest.mark.parametrize("again", ["acme/a", "acme/A", "Acme/a"])
def test_a_repository_is_named_once(again: str):
    assert code(READ, detail("acme/a", again)) == "twice"


@pytest.mark.parametrize("foreign", ["globex/a", "acme2/a", "acm/a"])
def test_a_repository_of_another_account_would_be_this_ones_of_that_name(foreign: str):
    assert code(READ, detail("acme/b", foreign)) == "foreign_repository"


def test_an_account_is_the_same_in_any_case():
    assert wish(READ, (detail("ACME/a"),), "acme").repositories == ("ACME/a",)
