"""The process itself: over HTTP, killed in the middle of its work, asked by two at once, told nonsense."""

import asyncio
import hashlib
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.cosignature import WitnessVKey
from services.dev.ports import free_port
from services.witness.requests import LARGEST
from tests.support.witness import ROOT, Running, ended, environment, running, started
from tests.witness.growing import KEY, ORIGIN, Growing, body

LOG = Growing()
PLACE = hashlib.sha256(ORIGIN.encode()).hexdigest()


@pytest.fixture
async def witness(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, KEY.vkey) as found:
        yield found


async def get(witness: Running, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(f"{witness.url}{path}")


def cosigned(vkey: str, note: str) -> bool:
    return WitnessVKey.parse(vkey).signed_at(checkpoints.parse(note)) is not None


async def test_it_speaks_the_protocol_and_shows_monitors_the_last_head(witness: Running):
    before = await get(witness, f"/{PLACE}/checkpoint")
    good, other, unknown = await witness.add(LOG.body(0, 7)), await witness.add(LOG.body(0, 9)), await get(witness, f"/{'0' * 64}/checkpoint")
    shown = await get(witness, f"/{PLACE}/checkpoint")

    assert (before.status_code, unknown.status_code) == (404, 404)
    assert cosigned(witness.vkey, LOG.head(7) + good.text)
    assert (other.status_code, other.headers["content-type"], other.text) == (409, "text/x.tlog.size", "7\n")
    assert shown.text == LOG.head(7) + good.text
    assert checkpoints.check(shown.text, [KEY.vkey]).size == 7


async def test_what_is_no_request_of_the_protocol_is_refused_in_an_orderly_way(witness: Running):
    large = await witness.add(b"x" * (LARGEST + 1))

    assert large.status_code == 413
    assert [(await get(witness, path)).status_code for path in ("/", "/add-checkpoint", "/a/b/c", "/readyz", "/livez")] == [404, 405, 404, 200, 200]
    assert (await witness.add(LOG.body(0, 1))).status_code == 200


async def test_what_it_cosigned_outlives_a_kill(tmp_path: Path):
    """Killed while it is asked: whatever cosignature was given out, the head on disk is no older, and no other history gets one."""
    fork = Growing("two", shared=20)
    env = environment(tmp_path, free_port(), KEY.vkey)
    size = newest = 0
    for round_ in range(4):
        witness = await started(env)
        answer = await witness.add(body(size, LOG.proof(size, size), LOG.head(size)) if size else LOG.body(0, 1))
        while answer.status_code != 200:  # one that was killed after it wrote and before it answered
            assert answer.status_code == 409
            size = int(answer.text)
            answer = await witness.add(LOG.body(size, size))
        given = [checkpoints.parse(LOG.head(max(size, 1))).size]
        with suppress(httpx.TransportError):
            while (await witness.add(LOG.body(given[-1], given[-1] + 5))).status_code == 200:
                given.append(given[-1] + 5)
                if len(given) == 4:
                    asyncio.get_running_loop().call_later(0.004 * round_, witness.process.send_signal, signal.SIGKILL)
        await witness.end(signal.SIGKILL)
        size, newest = given[-1], max(newest, given[-1])
    last = await started(env)
    told = int((await last.add(LOG.body(0, 1))).text)
    refused = await last.add(fork.body(told, told + 5))

    assert newest > 20
    assert newest <= told <= newest + 5
    assert refused.status_code == 422
    assert await last.end() == 0


async def test_of_two_that_ask_at_once_one_continues_the_other(witness: Running):
    await witness.add(LOG.body(0, 7))
    answers = await asyncio.gather(*(witness.add(LOG.body(7, size)) for size in range(8, 28)))
    (good,) = [answer for answer in answers if answer.status_code == 200]
    shown = (await get(witness, f"/{PLACE}/checkpoint")).text

    assert {answer.status_code for answer in answers} == {200, 409}
    assert good.text in shown
    assert {answer.text for answer in answers if answer.status_code == 409} == {f"{checkpoints.parse(shown).size}\n"}


async def test_a_second_process_over_the_same_memory_does_not_start(witness: Running, tmp_path: Path):
    code, said = await ended(environment(tmp_path, free_port(), KEY.vkey))

    assert code == 1
    assert "in use" in said
    assert (await witness.add(LOG.body(0, 7))).status_code == 200


SETTINGS = {
    "COUNTERFOIL_WITNESS_NAME": "a name", "COUNTERFOIL_WITNESS_STATE": "", "COUNTERFOIL_WITNESS_LOGS": "log.test+0+x",
    "COUNTERFOIL_WITNESS_PORT": "0",
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
async def test_a_setting_that_cannot_be_right_is_named(tmp_path: Path, name: str):
    code, said = await ended(environment(tmp_path, free_port(), KEY.vkey) | {name: SETTINGS[name]})

    assert code == 1
    assert name in said
    assert list(tmp_path.iterdir()) == []


async def test_it_is_made_of_the_published_package_and_nothing_of_the_servers():
    listed = "import sys, services.witness.app; print('\\n'.join(sys.modules))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", listed, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    modules = (await process.communicate())[0].decode().split()

    assert "counterfoil.wire.cosignature" in modules
    assert not [name for name in modules if name.startswith("counterfoil_server")]
