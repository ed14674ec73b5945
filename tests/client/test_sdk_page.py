"""The pages about the SDK: each block of Python is run as it stands, on the whole town, and prints what stands below it."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from tests.support.github import GitHub
from tests.support.town import Town
from tests.walk import test_github as walk

ROOT = Path(__file__).parents[2]
PAGES = ("docs/reference/sdk.md", "docs/how-to/call-an-api.md")
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n```\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
CONNECTOR, API = "github/acme-bot", "https://api.github.com"
OURS = "github/page-bot"
"""In a session that walks too, the page's name is taken."""


def blocks(*, github: bool) -> list[tuple[str, str | None]]:
    found = [block for page in PAGES for block in BLOCK.findall((ROOT / page).read_text())]
    return [(code, printed or None) for code, printed in found if (CONNECTOR in code) is github]


@pytest.fixture
async def env(town: Town) -> dict[str, str]:
    known = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).json()
    kept = {name: text for name, text in os.environ.items() if not name.startswith("COUNTERFOIL_")}
    given = {"URL": town.plan.url, "ID_TOKEN": await town.id_token(), "LOG_KEY": " ".join(known["log_keys"])}
    return kept | {f"COUNTERFOIL_{name}": text for name, text in given.items()}


async def run(code: str, printed: str | None, env: dict[str, str]) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-W", "error", "-c", code, env=env, stdout=pipe, stderr=pipe)
    out, error = await process.communicate()

    assert process.returncode == 0, error.decode()
    assert out.decode().strip() != ""
    assert printed is None or out.decode() == printed


@pytest.mark.parametrize(("code", "printed"), blocks(github=False))
async def test_a_block_runs_and_prints_what_it_says(env: dict[str, str], code: str, printed: str | None):
    await run(code, printed, env)


@pytest.fixture(scope="module")
async def bot(town: Town, github: GitHub) -> GitHub:
    await walk.register(town, github, OURS, github.config(), "acme/a", "acme/b")
    await walk.lent(town, "acme/a", connector=OURS)
    return github


@pytest.mark.parametrize(("code", "printed"), blocks(github=True))
async def test_a_block_that_calls_github_runs_too(env: dict[str, str], bot: GitHub, code: str, printed: str | None):
    await run(code.replace(CONNECTOR, OURS).replace(API, bot.url), printed, env)


def test_there_is_something_to_run():
    assert len(blocks(github=False)) >= 3
    assert len(blocks(github=True)) >= 4
