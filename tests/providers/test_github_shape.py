"""Our requests are such as GitHub's own description of its API allows, and its own example of an answer is one that we do not hand over."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from counterfoil_server.runtime.addresses import loopback
from counterfoil_server.runtime.outbound import Answer, Outbound
from services.providers import calls
from services.providers.seam import Refused, Unavailable, token_of
from tests.providers.desk import Desk
from tests.providers.test_github import desk_of, named
from tests.support import prism
from tests.support.github import GitHub
from tests.support.node import Node


@dataclass
class Overheard:
    """A careful http that keeps the answers."""

    http: Outbound = field(default_factory=lambda: Outbound({"http": loopback}))
    answers: list[Answer] = field(default_factory=list)

    async def send(self, *arguments: Any, **more: Any) -> Answer:
        self.answers.append(await self.http.send(*arguments, **more))
        return self.answers[-1]


def listening(desk: Desk) -> Overheard:
    desk.provider._networks._made["this_machine"] = (heard := Overheard())  # type: ignore[attr-defined]
    return heard


@pytest.fixture(scope="module")
async def example(node: Node) -> str:
    return await prism.mock(node)


@pytest.fixture(scope="module")
async def described(node: Node, example: str) -> str:
    """Before the examples: nothing is wrong with the answers, so the header is about requests."""
    return await prism.proxy(node, example)


async def test_no_request_of_ours_violates_the_description(github: GitHub, described: str):
    desk = desk_of(github, api=described, account="octocat", stateless_token="enabled")
    heard = listening(desk)

    minted = await desk.mint(scopes=frozenset({"contents:read", "issues:write"}), details=named("octocat/a", "octocat/b"))
    with pytest.raises(Unavailable) as example_lives:
        await desk.provider.revoke({"api": described, "until": None}, desk.config, desk.root, token_of(minted))

    assert example_lives.value.code == "still_alive"
    assert [one.status for one in heard.answers] == [201, 204, 200]
    assert [one.headers["sl-violations"] for one in heard.answers if "sl-violations" in one.headers] == []


@pytest.mark.parametrize("body", [{"repositories": "rails"}, {"permissions": {"contents": "admin"}}, {"repository_ids": ["1"]}])
async def test_what_violates_it_is_noticed(github: GitHub, example: str, described: str, body: dict[str, Any]):
    """The control: without it the test above could not fail."""
    place = "/app/installations/100/access_tokens"

    assert '"location":["request"' in (await github.shim.http.post(described + place, json=body)).headers["sl-violations"]
    assert (await github.shim.http.post(example + place, json=body)).status_code == 422


async def test_githubs_own_example_gives_more_than_was_asked_and_is_not_handed_over(github: GitHub, example: str):
    desk = desk_of(github, api=example, account="octocat")
    order = desk.order(details=named("octocat/Hello-World"))

    minted = await desk.provider.mint(order, desk.root)

    assert order.scopes == {"contents:read"}
    assert "issues:write" in minted.granted_scopes
    assert calls.more(order, minted)
    assert minted.amiss
    assert token_of(minted).text().startswith("ghs_")


@pytest.mark.parametrize(("status", "kind"), [(401, Refused), (403, Refused), (404, Refused), (422, Refused)])
async def test_the_descriptions_own_errors_are_understood(github: GitHub, example: str, status: int, kind: type[Exception]):
    desk = desk_of(github, api=example)
    heard = listening(desk)
    heard.http = Preferring(status)  # type: ignore[assignment]

    with pytest.raises(kind):
        await desk.mint()
    assert [one.status for one in heard.answers] == [status]


class Preferring:
    def __init__(self, status: int) -> None:
        self.http, self.status = Outbound({"http": loopback}), status

    async def send(self, method: str, url: str, headers: dict[str, str], *more: Any, **other: Any) -> Answer:
        return await self.http.send(method, url, {**headers, "Prefer": f"code={self.status}"}, *more, **other)
