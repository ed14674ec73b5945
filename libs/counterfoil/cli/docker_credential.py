"""docker-credential-counterfoil: a credential for a registry, whenever Docker asks for one. Nothing is kept.

https://github.com/docker/docker-credential-helpers#development
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn
from urllib.parse import urlsplit

from counterfoil.cli import borrowing
from counterfoil.cli.exits import USAGE
from counterfoil.client.errors import CounterfoilError

ABOUT = """A credential helper for Docker: "credHelpers": {"registry.example": "counterfoil"} in config.json.
COUNTERFOIL_DOCKER says whose credential each registry gets: registry.example=artifactory/acme, with spaces between several."""
NOT_FOUND = "credentials not found in native keychain"
"""Docker knows by just these words that there is none, and goes on without."""
USER = "x-access-token"
LIFETIME = "15m"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    parser = borrowing.parser("docker-credential-counterfoil", ABOUT, LIFETIME)
    parser.add_argument("operation", help="what Docker adds: get, store, erase or list")
    given = parser.parse_args(arguments)
    text, code = "", 0
    if given.operation == "list":
        text = "{}"
    elif given.operation == "get":
        text, code = answered(given, sys.stdin.read().strip())
    # Docker reads stdout, of an error too.
    sys.stdout.write(f"{text}\n" if text else "")
    sys.exit(code)


def answered(given: argparse.Namespace, server: str) -> tuple[str, int]:
    connector = connectors(os.environ).get(host(server))
    if connector is None:
        return NOT_FOUND, 1
    try:
        wanted = borrowing.wish(connector, given)
        credential = borrowing.lent(borrowing.session(given), connector, wanted)
    except CounterfoilError as error:
        return f"counterfoil: {error.message} [{error.code}]; {error.fix}", 1
    except ValueError as error:
        return f"counterfoil: {error}", USAGE
    parts = credential.parts()
    secret = parts.get("password") or credential.reveal()
    return json.dumps({"ServerURL": server, "Username": parts.get("username", USER), "Secret": secret}), 0


def connectors(env: Mapping[str, str]) -> dict[str, str]:
    pairs = (one.partition("=") for one in env.get("COUNTERFOIL_DOCKER", "").split())
    return {host(server): connector for server, _, connector in pairs if connector}


def host(server: str) -> str:
    return urlsplit(server if "//" in server else f"//{server}").netloc.lower()


if __name__ == "__main__":
    main()
