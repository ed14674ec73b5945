"""The skill for coding agents: its front matter keeps to the limits, its commands work on a real town, and none of them shows a secret."""

import asyncio
import os
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from urllib.parse import urlsplit

import pytest
import yaml

from counterfoil.client import errors
from tests.docs import codes
from tests.docs.pages import ROOT, SOME_ID, rows
from tests.docs.test_docs import leaf_command
from tests.support.demo import BROKER_PASSWORD
from tests.support.town import Town

FOLDER = ROOT / "skills/counterfoil"
PAGE, ANSWERS = FOLDER / "SKILL.md", FOLDER / "references/answers.md"
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"  # exit code (\d)$")
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
IN_A_URL = re.compile(r"://[^\s/:@]+:[^\s/@]+@")
LENT = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])")
"""What lent passwords look like: 32 bytes as base64url."""
TELLING = re.compile(r"-o (token|json)|--output|\bid-token\b|\bkeys\b|\becho\b|\bprintenv\b|\benv\b|\bset\b|\$\w|--no-mask")


def parts() -> tuple[dict[str, str], str]:
    _, front, body = PAGE.read_text().split("---\n", 2)
    return yaml.safe_load(front), body


def blocks(language: str) -> list[str]:
    return [dedent(text) for _, found, text in BLOCK.findall(PAGE.read_text()) if found == language]


def lines() -> Iterator[tuple[str, int]]:
    """Each command of the skill, and the exit code it says."""
    for block in blocks("sh"):
        for line in block.splitlines():
            said = EXIT.search(line)
            yield EXIT.sub("", line), int(said[1]) if said else 0


def named() -> list[str]:
    """Those that are only spoken of, too: for GitHub, or for an operator."""
    spoken = [one for one in re.findall(r"`(counterfoil [^`]+ [^`]+)`", PAGE.read_text() + ANSWERS.read_text()) if " VERB " not in one]
    return [*(line for line, _ in lines()), *(line for block in blocks("text") for line in block.splitlines()), *spoken]


def shows(text: str) -> list[str]:
    return [BROKER_PASSWORD] * text.count(BROKER_PASSWORD) + [one.group() for found in (TOKEN, IN_A_URL, LENT) for one in found.finditer(text)]


def test_the_front_matter_keeps_to_the_limits():
    front, body = parts()

    assert set(front) == {"name", "description"}
    assert front["name"] == FOLDER.name
    assert re.fullmatch(r"[a-z0-9-]{1,64}", front["name"])
    assert 0 < len(front["description"]) <= 1024
    assert "Use when" in front["description"]
    assert len(body.splitlines()) < 500


def test_what_it_leads_to_is_there_and_can_go_with_it():
    for link in re.findall(r"\]\(([^)]+)\)", PAGE.read_text()):
        assert (FOLDER / link).is_file(), link
        assert (FOLDER / link).resolve().is_relative_to(FOLDER)


@pytest.mark.parametrize("line", named())
def test_every_command_can_be_called_so_and_none_would_show_a_secret(line: str):
    given = [SOME_ID if word == "CREDENTIAL_ID" else word for word in shlex.split(line)]
    command, rest = leaf_command(given[1:])
    command.make_context(line, rest)

    assert not TELLING.search(line)
    assert not re.search(r"--secret \w+=(?!@|env:)", line)
    assert given[1] != "get"


@pytest.mark.parametrize("line", ["counterfoil get postgres/demo -o token", "counterfoil run -c postgres/demo -- env", "counterfoil id-token"])
def test_that_guard_sees_what_would(line: str):
    assert TELLING.search(line)


def test_the_codes_and_classes_that_it_explains_are_there():
    table = [row[0].strip("`") for row in rows(ANSWERS.read_text()) if len(row) == 2]

    assert table
    assert set(table) <= codes.known()
    for name in re.findall(r"`([A-Z]\w+)`", ANSWERS.read_text()):
        assert hasattr(errors, name), name


@dataclass
class Desk:
    """Where an agent sits: a folder, and a shell that has `counterfoil`."""

    folder: Path
    env: dict[str, str]

    async def does(self, line: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", line, cwd=self.folder, env=self.env,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()


@pytest.fixture
def desk(town: Town, tmp_path: Path) -> Desk:
    """What the person has put there, and the config as the skill has it, but for the port."""
    (tmp_path / "broker-password.txt").write_text(BROKER_PASSWORD)
    (config,) = blocks("yaml")
    (tmp_path / "shop.yaml").write_text(config.replace("5432", str(urlsplit(f"//{town.plan.postgres[0]}:{town.plan.postgres[1]}").port)))
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "counterfoil"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m counterfoil.cli.main "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return Desk(tmp_path, {"PATH": path, "HOME": str(tmp_path), "COUNTERFOIL_URL": town.plan.url, "NO_COLOR": "1"})


async def test_its_commands_work_on_a_real_town_and_show_no_secret(desk: Desk):
    for line, code in lines():
        done, said = await desk.does(line)

        assert done == code, f"{line}\n{said}"
        assert shows(said) == [], line


async def test_its_program_works_on_a_real_town_and_shows_no_secret(desk: Desk, town: Town):
    program, _ = blocks("python")
    desk.env["COUNTERFOIL_ID_TOKEN"] = await town.id_token()
    (desk.folder / "orders.py").write_text(program)

    done, said = await desk.does(f"{sys.executable} orders.py")

    assert done == 0, said
    assert re.fullmatch(r"\d+ orders\n", said)


async def test_the_search_for_secrets_finds_one_of_each_kind(desk: Desk):
    _, lent = await desk.does("counterfoil get postgres/demo --scope read -o json")
    _, token = await desk.does("counterfoil id-token")

    assert IN_A_URL.search(lent)
    assert LENT.search(lent)
    assert TOKEN.search(token)
    assert shows(f"{BROKER_PASSWORD} {BROKER_PASSWORD}") == [BROKER_PASSWORD] * 2


def test_its_other_program_calls_the_client_as_it_can_be_called():
    for program in blocks("python"):
        compile(program, "skill", "exec")
    _, other = blocks("python")
    assert 'auth=cf.auth("github/acme-bot", scopes=["issues:read"])' in other
