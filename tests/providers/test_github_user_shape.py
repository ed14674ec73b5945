"""Our requests for users are such as GitHub's own description of its API allows; its own example of an answer gives more than was asked."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls, shelf
from services.providers.consenting import Kept
from services.providers.seam import Refused, Unavailable
from tests.providers.desk import CANARY, Desk
from tests.providers.test_github import named
from tests.providers.test_github_shape import Preferring, listening
from tests.support import prism
from tests.support.node import Node

KEPT = Kept(Secret(CANARY), datetime.now(UTC) + timedelta(hours=7))


@pytest.fixture(scope="module")
async def example(node: Node) -> str:
    return await prism.mock(node)


@pytest.fixture(scope="module")
async def described(node: Node, example: str) -> str:
    """Before the examples: nothing is wrong with the answers, so the header is about requests."""
    return await prism.proxy(node, example)


def desk_at(url: str) -> Desk:
    config = {"client_id": "Iv1.8a61f9b3a7aba766", "api": url, "web": url, "network": "this_machine"}
    return Desk(shelf.provider("github_user"), config, {"client_secret": Secret(CANARY)}, frozenset({"issues:write"}), None, named("octocat/a"))


async def test_no_request_of_ours_violates_the_description(described: str):
    desk = desk_at(described)
    heard, token = listening(desk), Secret("ghu_example")
    provider: Any = desk.provider

    wide = desk.order(scopes=frozenset({"contents:read", "issues:write"}), details=named("octocat/a", "octocat/b"))
    await provider.again(wide, KEPT, desk.root)
    with pytest.raises(Unavailable, match="still_alive"):  # the example lives for ever
        await provider.revoke({"api": described, "client_id": desk.config["client_id"], "until": None}, desk.config, desk.root, token)
    with pytest.raises(Unavailable, match="still_alive"):
        await provider.leave_with(token, KEPT, desk.config, desk.root)
    await provider._client(desk.config, desk.root, 1e12).opens(token)

    assert [one.status for one in heard.answers] == [200, 204, 200, 204, 200, 200]
    assert [one.headers["sl-violations"] for one in heard.answers if "sl-violations" in one.headers] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/token/scoped", {"target": "octocat", "repositories": ["a"]}),
        ("/token/scoped", {"access_token": "x", "repositories": "a"}),
        ("/token/scoped", {"access_token": "x", "permissions": {"contents": "admin"}}),
        ("/token", {}),
    ],
)
async def test_what_violates_it_is_noticed(example: str, described: str, path: str, body: dict[str, Any]):
    """The control: without it the test above could not fail."""
    async with httpx.AsyncClient(trust_env=False) as http:
        seen = await http.post(f"{described}/applications/Iv1.x{path}", json=body)
        refused = await http.post(f"{example}/applications/Iv1.x{path}", json=body)

    assert '"location":["request"' in seen.headers["sl-violations"]
    assert refused.status_code == 422


async def test_githubs_own_example_gives_more_than_was_asked_and_is_not_handed_over(example: str):
    desk = desk_at(example)
    order, provider = desk.order(), cast("Any", desk.provider)

    minted = await provider.again(order, KEPT, desk.root)

    assert minted is not None
    assert minted.granted_scopes == {"contents:read", "issues:write"}
    assert calls.more(order, minted)
    assert minted.amiss  # it is over since 2011


@pytest.mark.parametrize(("status", "becomes"), [(401, None), (403, "forbidden"), (404, None), (422, "not_granted")])
async def test_the_descriptions_own_errors_are_understood(example: str, status: int, becomes: str | None):
    """The check knows no other answer than 404 for a no: the kept token is over, and has to be renewed."""
    desk = desk_at(example)
    heard, provider = listening(desk), cast("Any", desk.provider)
    heard.http = Preferring(status)  # type: ignore[assignment]

    with pytest.raises(Refused, match=becomes) if becomes else nullcontext():
        assert await provider.again(desk.order(), KEPT, desk.root) is None
    assert heard.answers[0].status == status
