"""The auth object on httpx and httpx2, sync and async. The API is a transport of each, the gateway lends real receipts."""

import asyncio
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

from counterfoil import Client, Denied, Unsupported
from tests.client.gateway import Gateway, problem

API = "https://api.example/repos"
both = pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)


def wire(library: ModuleType, answer: Callable[[Any], Any]) -> Any:
    """Bodies go by as on a wire: MockTransport would read them into the request, which could be sent again then."""

    class Wire(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[name-defined, misc]
        def handle_request(self, request: Any) -> Any:
            for _ in request.stream:
                pass
            return answer(request)

        async def handle_async_request(self, request: Any) -> Any:
            async for _ in request.stream:
                pass
            return answer(request)

    return Wire()


@dataclass
class Api:
    """Takes the tokens in `good`; keeps what it was sent."""

    good: set[str]
    came: list[Any] = field(default_factory=list)

    def answer(self, library: ModuleType, request: Any) -> Any:
        self.came.append((request.headers["authorization"], request.headers.get("x-own"), request.method))
        return library.Response(200 if request.headers["authorization"].removeprefix("Bearer ") in self.good else 401)

    def client(self, library: ModuleType, kind: str) -> Any:
        return getattr(library, kind)(transport=wire(library, lambda request: self.answer(library, request)))

    @property
    def tokens(self) -> list[str]:
        return [sent.removeprefix("Bearer ") for sent, _, _ in self.came]


@pytest.fixture
def gateway() -> Gateway:
    made = Gateway()
    made.answers = [made.lend_bearer]
    return made


@pytest.fixture
async def cf(gateway: Gateway) -> AsyncIterator[Client]:
    async with gateway.client() as client:
        yield client


@both
async def test_each_request_has_the_token_and_all_have_the_same(cf: Client, gateway: Gateway, library: ModuleType):
    api = Api({"canary-1"})
    async with api.client(library, "AsyncClient") as http:
        auth = cf.auth("github/acme")
        found = [(await http.get(API, auth=auth, headers={"x-own": "kept"})).status_code for _ in range(3)]

    assert found == [200] * 3
    assert api.came == [("Bearer canary-1", "kept", "GET")] * 3
    assert len(gateway.asked) == 1


@both
async def test_after_a_401_there_is_one_more_try_with_another_token(cf: Client, library: ModuleType):
    api = Api({"canary-2"})
    async with api.client(library, "AsyncClient") as http:
        auth = cf.auth("github/acme")
        found = [(await http.post(API, auth=auth, json={"a": 1})).status_code for _ in range(2)]

    assert found == [200, 200]
    assert api.tokens == ["canary-1", "canary-2", "canary-2"]


@both
async def test_a_second_401_is_the_answer(cf: Client, library: ModuleType):
    api = Api(set())
    async with api.client(library, "AsyncClient") as http:
        assert (await http.get(API, auth=cf.auth("github/acme"))).status_code == 401

    assert api.tokens == ["canary-1", "canary-2"]


@both
async def test_many_who_are_told_401_at_once_cause_one_exchange(cf: Client, gateway: Gateway, library: ModuleType):
    api = Api({"canary-2"})
    async with api.client(library, "AsyncClient") as http:
        auth = cf.auth("github/acme")
        found = await asyncio.gather(*(http.get(API, auth=auth) for _ in range(5)))

    assert [one.status_code for one in found] == [200] * 5
    assert len(gateway.asked) == 2


@both
async def test_other_answers_are_left_alone(cf: Client, gateway: Gateway, library: ModuleType):
    api = Api(set())
    api.answer = lambda _, __: library.Response(403)  # type: ignore[method-assign, assignment]
    async with api.client(library, "AsyncClient") as http:
        assert (await http.get(API, auth=cf.auth("github/acme"))).status_code == 403

    assert len(gateway.asked) == 1


@both
async def test_what_can_be_sent_once_only_is_sent_once_and_the_next_request_has_another_token(cf: Client, library: ModuleType):
    async def body() -> AsyncIterator[bytes]:
        yield b"streamed"

    api = Api({"canary-2"})
    async with api.client(library, "AsyncClient") as http:
        auth = cf.auth("github/acme")
        assert (await http.post(API, auth=auth, content=body())).status_code == 401
        assert (await http.get(API, auth=auth)).status_code == 200

    assert api.tokens == ["canary-1", "canary-2"]


@both
async def test_a_blocking_client_in_another_thread_is_served_too(cf: Client, library: ModuleType):
    api = Api({"canary-2"})
    auth = cf.auth("github/acme")

    def work() -> int:
        with api.client(library, "Client") as http:
            return http.get(API, auth=auth).status_code  # type: ignore[no-any-return]

    assert await asyncio.to_thread(work) == 200
    assert api.tokens == ["canary-1", "canary-2"]


@both
def test_a_stream_of_a_blocking_client_is_sent_once(gateway: Gateway, library: ModuleType):
    def body() -> Iterator[bytes]:
        yield b"streamed"

    api = Api({"canary-2"})
    with gateway.blocking() as cf, api.client(library, "Client") as http:
        assert http.post(API, auth=cf.auth("github/acme"), content=body()).status_code == 401


@both
async def test_a_blocking_client_in_the_clients_own_loop_is_told_instead_of_waiting_for_itself(cf: Client, library: ModuleType):
    with Api(set()).client(library, "Client") as http, pytest.raises(Unsupported, match="would_block") as raised:
        http.get(API, auth=cf.auth("github/acme"))

    assert "counterfoil.sync" in raised.value.fix


async def test_another_loop_is_served_by_the_clients_own(gateway: Gateway):
    api, loops = Api({"canary-1"}), []

    def token() -> str:
        loops.append(asyncio.get_running_loop())
        return "a.b.c"

    async def elsewhere() -> int:
        async with api.client(httpx, "AsyncClient") as http:
            return (await http.get(API, auth=auth)).status_code  # type: ignore[no-any-return]

    async with gateway.client(token=token) as cf:
        auth = cf.auth("github/acme")
        assert await asyncio.to_thread(lambda: asyncio.run(elsewhere())) == 200

    assert set(loops) == {asyncio.get_running_loop()}


async def test_a_denial_is_an_error_of_the_request_and_nothing_was_sent(cf: Client, gateway: Gateway):
    gateway.answers = [problem(400, "no_link")]
    api = Api(set())
    async with api.client(httpx, "AsyncClient") as http:
        with pytest.raises(Denied):
            await http.get(API, auth=cf.auth("github/acme"))

    assert api.came == []


async def test_a_databases_password_is_not_sent_as_a_bearer_token(cf: Client, gateway: Gateway):
    gateway.answers = [gateway.lend]
    api = Api(set())
    async with api.client(httpx, "AsyncClient") as http:
        with pytest.raises(Unsupported, match="no_bearer") as raised:
            await http.get(API, auth=cf.auth("postgres/demo"))

    assert api.came == []
    assert "canary" not in f"{raised.value} {raised.value.fix}"


async def test_it_says_nothing_of_the_token(cf: Client):
    auth = cf.auth("github/acme")

    assert f"{auth!r} {auth}" == "auth(github/acme) auth(github/acme)"
    with pytest.raises(TypeError):
        pickle.dumps(auth)


@pytest.mark.parametrize(("away", "left"), [("httpx2", "httpx"), ("httpx", "httpx2")])
def test_a_library_that_is_not_there_is_not_asked_for(away: str, left: str):
    asked = (
        f"import importlib.util as u, sys; found = u.find_spec; u.find_spec = lambda name: None if name == {away!r} else found(name)\n"
        f"from counterfoil.client.bearer import auth_class; made = auth_class()\n"
        f"print({away!r} in sys.modules, issubclass(made, __import__({left!r}).Auth))"
    )

    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "False True\n"
