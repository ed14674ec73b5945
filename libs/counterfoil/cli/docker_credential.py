"""docker-credential-counterfoil: a credential for a registry, whenever Docker asks for one. Nothing is kept.

https://github.com/docker/docker-credential-helpers#development
"""

import argparse
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn
from urllib.parse import urlsplit

from counterfoil.cli import borrowing, sugar
from counterfoil.cli.exits import USAGE
from counterfoil.client.errors import CounterfoilError

ABOUT = "A credential helper for Docker, podman, skopeo and whatever else knows these helpers: it is told of a registry, and answers with a login."
EXAMPLES = """COUNTERFOIL_DOCKER says whose credential each registry gets, and which; the options above may follow each:

  export COUNTERFOIL_DOCKER="containers.example.com=github/acme-bot --permission packages:read registry.example.com=gitlab/acme --scope read_registry"
  echo containers.example.com | docker-credential-counterfoil get

in ~/.docker/config.json:

  {"credHelpers": {"containers.example.com": "counterfoil", "registry.example.com": "counterfoil"}}"""
VARIABLE = "COUNTERFOIL_DOCKER"
NOT_FOUND = "credentials not found in native keychain"
"""Docker knows by just these words that there is none, and goes on without."""
USER = "x-access-token"
LIFETIME = "15m"


class Words(argparse.ArgumentParser):
    """What is wrong has to be said on stdout: whoever started us reads nothing else."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        text, code = answered(words)
    except CounterfoilError as error:
        text, code = f"counterfoil: {error.message} [{error.code}]; {error.fix}", 1
    except ValueError as error:
        text, code = f"docker-credential-counterfoil: {error}; see --help", USAGE
    # Docker reads stdout, of an error too.
    sys.stdout.write(f"{text}\n" if text else "")
    sys.exit(code)


def parser() -> argparse.ArgumentParser:
    made = borrowing.parser("docker-credential-counterfoil", ABOUT, LIFETIME, EXAMPLES, Words)
    made.add_argument("--permission", action="append", default=[], help="GitHub: like packages:read (the usual one); several times for several")
    made.add_argument("--repo", action="append", default=[], help="GitHub: owner/name; several times for several")
    made.add_argument("--username", default=USER, help="where the credential has none of its own (usually %(default)s)")
    made.add_argument("operation", help="what Docker adds: get, store, erase or list")
    return made


def answered(words: Sequence[str]) -> tuple[str, int]:
    operation = parser().parse_args(words).operation
    if operation == "list":
        return json.dumps({server: parser().parse_args([*words, *given]).username for server, (_, given) in registries(os.environ).items()}), 0
    if operation != "get":
        return "", 0
    server = sys.stdin.read().strip()
    if (found := registries(os.environ).get(host(server))) is None:
        return NOT_FOUND, 1
    connector, given = found
    return login(server, connector, parser().parse_args([*words, *given])), 0


def login(server: str, connector: str, given: argparse.Namespace) -> str:
    permissions = given.permission or (["packages:read"] if sugar.knows(connector) and not given.scope else [])
    wanted = borrowing.wish(connector, given, given.repo, permissions)
    credential = borrowing.lent(borrowing.session(given), connector, wanted)
    parts = credential.parts()
    secret = parts.get("password") or credential.reveal()
    return json.dumps({"ServerURL": server, "Username": parts.get("username", given.username), "Secret": secret})


def registries(env: Mapping[str, str]) -> dict[str, tuple[str, list[str]]]:
    """Of each its connector, and the options that follow. Raises ValueError."""
    found: dict[str, tuple[str, list[str]]] = {}
    words = iter(shlex.split(env.get(VARIABLE, "")))
    options: list[str] | None = None
    for word in words:
        if word.startswith("-") and options is not None:
            options += [word, next(words, "")] if re.fullmatch(r"--[a-z]+|-.", word) else [word]
            continue
        server, _, connector = word.partition("=")
        if not (host(server) and connector):
            raise ValueError(f"{VARIABLE} is like registry.example=artifactory/acme --scope pull, not {word}")
        options = []
        found[host(server)] = connector, options
    return found


def host(server: str) -> str:
    return urlsplit(server if "//" in server else f"//{server}").netloc.lower()


if __name__ == "__main__":
    main()
