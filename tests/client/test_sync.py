"""The blocking client: the async one, call by call, for callers without a loop."""

import asyncio
import inspect
import multiprocessing
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import httpx
import pytest

import counterfoil
from counterfoil import CounterfoilError, Denied, sync
from counterfoil.sync import Client
from tests.client.gateway import URL, Gateway, form, problem

METHODS = ("__init__", "get_token", "exchange", "credential", "auth", "explain", "revoke")


@pytest.fixture
def gateway() -> Gateway:
    made = Gateway()
    made.answers = [made.lend_bearer]
    return made


@pytest.mark.parametrize("method", METHODS)
def test_a_method_takes_what_the_async_one_takes(method: str):
    own, other = (inspect.signature(getattr(kind, method)) for kind in (Client, counterfoil.Client))

    assert [str(one) for one in own.parameters.values()] == [str(one) for one in other.parameters.values()]


def test_it_has_every_public_name_of_the_async_one():
    assert {name for name in vars(counterfoil.Client) if not name.startswith("_")} <= {*vars(Client), "url"}
    assert set(sync.__all__) == {"App", "Client", "User"}


def test_it_lends_and_keeps_and_explains_and_revokes(gateway: Gateway):
    with gateway.blocking() as cf:
        first, second = cf.get_token("github/acme"), cf.get_token("github/acme")
        gateway.answers = [lambda _: httpx.Response(200, json={"accepted": "2026-11-24T12:00:00Z"})]
        assert cf.revoke(first) == {"accepted": "2026-11-24T12:00:00Z"}
        gateway.answers = [lambda _: httpx.Response(200, json={"granted": True})]
        assert cf.explain("github/acme").granted

    assert first.reveal() == second.reveal() == "canary-1"
    assert [one.url.path for one in gateway.asked] == ["/oauth2/token", "/oauth2/revoke", "/v1/explain"]


def test_the_block_revokes_at_its_end_and_lets_its_own_error_through(gateway: Gateway):
    gateway.answers = [gateway.lend_bearer, lambda _: httpx.Response(200)]
    with gateway.blocking() as cf:
        with cf.credential("github/acme") as credential:
            assert len(gateway.asked) == 1
        assert form(gateway.asked[1]) == {"token": str(credential.credential_id)}

        gateway.answers = [gateway.lend_bearer] * 3 + [problem(403, "not_allowed")]
        with pytest.raises(KeyError) as raised, cf.credential("github/acme"):
            raise KeyError("mine")

    assert "could not be revoked" in raised.value.__notes__[0]


def test_a_no_is_raised_where_it_was_asked_for(gateway: Gateway):
    gateway.answers = [problem(400, "no_link")]
    with gateway.blocking() as cf, pytest.raises(Denied, match="no_link"):
        cf.get_token("github/acme")


def test_several_threads_may_use_it_at_once(gateway: Gateway):
    with gateway.blocking() as cf, ThreadPoolExecutor(8) as threads:
        kept = {one.reveal() for one in threads.map(lambda _: cf.get_token("github/acme"), range(16))}
        own = {one.reveal() for one in threads.map(lambda _: cf.exchange("github/acme"), range(8))}

    assert kept == {"canary-1"}
    assert len(own) == 8


async def test_it_works_where_a_loop_is_running(gateway: Gateway):
    with gateway.blocking() as cf:
        assert cf.get_token("github/acme").reveal() == "canary-1"


def test_its_auth_serves_blocking_and_async_requests_alike(gateway: Gateway):
    def api(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if request.headers["authorization"] == "Bearer canary-2" else 401)

    async def asked(auth: Any) -> int:
        async with httpx.AsyncClient(transport=wire, auth=auth) as http:
            return (await http.get(URL)).status_code

    wire = httpx.MockTransport(api)
    with gateway.blocking() as cf, httpx.Client(transport=wire, auth=cf.auth("github/acme")) as http:
        assert http.get(URL).status_code == 200
        assert asyncio.run(asked(cf.auth("github/acme"))) == 200

    assert len(gateway.asked) == 2


def test_a_token_callable_that_waits_for_its_own_client_is_told(gateway: Gateway):
    def token() -> str:
        return cf.get_token("github/acme").reveal()

    with gateway.blocking(token=token) as cf, pytest.raises(RuntimeError, match="the very client"):
        cf.get_token("github/acme")


def test_it_has_to_be_open(gateway: Gateway):
    cf = gateway.blocking()
    for call in (cf.get_token, cf.exchange, cf.credential, cf.auth, cf.explain):
        with pytest.raises(RuntimeError, match="with Client"):
            call("github/acme")
    with cf:
        with pytest.raises(RuntimeError, match="already"):
            cf.open()
        assert cf.get_token("github/acme").reveal() == "canary-1"
    cf.close()
    with pytest.raises(RuntimeError, match="with Client"):
        cf.get_token("github/acme")
    with cf:  # and again
        assert cf.get_token("github/acme").reveal() == "canary-2"


def test_closing_leaves_no_thread_behind(gateway: Gateway):
    before = threading.active_count()
    with gateway.blocking():
        assert threading.active_count() == before + 1

    assert threading.active_count() == before


def test_one_that_cannot_be_opened_leaves_no_thread_behind():
    before = threading.active_count()
    with pytest.raises(CounterfoilError, match="no_log_key"), Client("http://exchange.example", allow_http=True):
        pass

    assert threading.active_count() == before


def test_one_that_is_forgotten_is_closed(gateway: Gateway):
    before = threading.active_count()
    gateway.blocking().open()

    assert threading.active_count() == before


def test_whoever_waits_while_another_thread_closes_it_is_told(gateway: Gateway):
    asked, inside = threading.Semaphore(0), []

    async def never(_: httpx.Request) -> httpx.Response:
        asked.release()
        await asyncio.sleep(60)
        raise AssertionError

    cf = gateway.blocking(http=httpx.AsyncClient(transport=httpx.MockTransport(never)), sampled=False).open()

    def wait(call: Any) -> None:
        with pytest.raises(CounterfoilError, match="closed") as raised:
            call("github/acme")
        inside.append(raised.value)

    threads = [threading.Thread(target=wait, args=(call,)) for call in (cf.get_token, cf.exchange)]
    for thread in threads:
        thread.start()
    assert all(asked.acquire(timeout=10) for _ in threads)
    cf.close()
    for thread in threads:
        thread.join(10)

    assert len(inside) == 2


def forked(cf: Client, auth: httpx.Auth, said: Any) -> None:
    """In the child: every way in is shut."""
    tries = (lambda: cf.get_token("github/acme"), lambda: cf.exchange("github/acme"), lambda: httpx.get("http://127.0.0.1:1", auth=auth))
    for call in tries:
        try:
            call()
        except RuntimeError as error:
            said.put(str(error))
    with patch.object(asyncio, "run_coroutine_threadsafe", side_effect=AssertionError):  # nobody is there to run it
        cf.close()
    said.put("closed")


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_a_fork_it_says_so_instead_of_waiting_for_a_thread_that_is_not_there(gateway: Gateway):
    context = multiprocessing.get_context("fork")
    said = context.Queue()
    with gateway.blocking() as cf:
        auth = cf.auth("github/acme")
        child = context.Process(target=forked, args=(cf, auth, said))
        child.start()
        found = [said.get(timeout=30) for _ in range(4)]
        child.join(30)
        assert cf.get_token("github/acme").reveal() == "canary-1"

    assert ["before the process forked" in one for one in found] == [True, True, True, False]
    assert found[3] == "closed"


def test_a_process_that_ends_with_one_open_ends_at_once_and_closes_it():
    asked = (
        "import counterfoil.sync as s, counterfoil.client.opened as o\n"
        "close = o.Opened.close\n"
        "async def told(self): await close(self); print('closed')\n"
        "o.Opened.close = told\n"
        f"cf = s.Client({URL!r}, 'a.b.c').open(); print('ends')"
    )
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60)

    assert (ended.stdout, ended.stderr) == ("ends\nclosed\n", "")


INTERRUPTED = """
import asyncio, signal, threading, httpx
from uuid import UUID
from counterfoil.sync import Client
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background would ignore it
ended, asked = threading.Event(), threading.Event()
async def slow(_):
    asked.set()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        ended.set()
        raise
def interrupt(main):
    asked.wait(30)
    signal.pthread_kill(main, signal.SIGINT)
http = httpx.AsyncClient(transport=httpx.MockTransport(slow))
with Client(URL, 'a.b.c', http=http, sampled=False, timeout=60) as cf:
    threading.Thread(target=interrupt, args=(threading.get_ident(),)).start()
    try:
        cf.revoke(UUID(int=1))
    except KeyboardInterrupt:
        print('interrupted', ended.wait(30))
"""


def test_an_interrupt_of_the_waiting_thread_ends_the_work():
    """In a process of its own: in this one others listen to the signal, too."""
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED.replace("URL", repr(URL))], capture_output=True, text=True, check=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("interrupted True\n", "")
