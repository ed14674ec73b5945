"""git-credential-counterfoil: a credential for one repository, whenever git asks for one. Nothing is kept.

https://git-scm.com/docs/git-credential
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn
from urllib.parse import urlsplit

from counterfoil.cli import borrowing, sugar
from counterfoil.cli.exits import USAGE, say, told
from counterfoil.client.errors import CounterfoilError

ABOUT = "A credential helper for git: it is told of a repository, and answers with a login for that one."
EXAMPLES = """for example:

  git config --global credential.useHttpPath true
  git config --global credential.https://github.com.helper 'counterfoil --connector github/acme-bot --permission contents:write'"""
USER = "x-access-token"
"""GitHub's word for "the password is a token"."""
LIFETIME = "15m"
STATE = "counterfoil.credential_id="
Attributes = Mapping[str, Sequence[str]]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    parser = borrowing.parser("git-credential-counterfoil", ABOUT, LIFETIME, EXAMPLES)
    parser.add_argument("-c", "--connector", required=True, help="whose credential, like github/acme-bot")
    parser.add_argument("--permission", action="append", default=[], help="GitHub: like contents:read (the usual one); several times for several")
    parser.add_argument("--repo", action="append", default=[], help="GitHub: owner/name; else the one that git asks for (credential.useHttpPath)")
    parser.add_argument("--username", default=USER, help="where the credential has none of its own (usually %(default)s)")
    parser.add_argument("operation", help="what git adds: get, store or erase")
    given = parser.parse_args(arguments)
    operations = {"get": get, "erase": erase}
    try:
        code = operations[given.operation](given, read(sys.stdin)) if given.operation in operations else 0  # git: "silently ignore"
    except CounterfoilError as error:
        code = told(error)
    except ValueError as error:
        say(f"git-credential-counterfoil: {error}")
        code = USAGE
    if code and given.operation == "get":
        sys.stdout.write("quit=1\n")  # else git would go on and ask for a password
    sys.exit(code)


def read(lines: Iterable[str]) -> Attributes:
    found: dict[str, list[str]] = {}
    for line in lines:
        name, equals, value = line.rstrip("\n").partition("=")
        if not equals:
            break
        found.setdefault(name, []).append(value)
    return found


def get(given: argparse.Namespace, asked: Attributes) -> int:
    from counterfoil.client.well_known import loopback

    protocol, host, path = (asked.get(name, [""])[-1] for name in ("protocol", "host", "path"))
    if protocol != "https" and not loopback(f"{protocol}://{host}"):
        raise ValueError(f"{protocol}://{host} would carry the credential in clear: use https")
    repositories = given.repo or repository(given.connector, path)
    permissions = given.permission or (["contents:read"] if sugar.knows(given.connector) and not given.scope else [])
    wanted = borrowing.wish(given.connector, given, repositories, permissions)
    credential = borrowing.lent(borrowing.session(given), given.connector, wanted)
    parts = credential.parts()
    answer = {
        "username": parts.get("username", given.username), "password": parts.get("password") or credential.reveal(),
        "password_expiry_utc": str(int(credential.expires_at.timestamp())),
    }  # fmt: skip
    if "state" in asked.get("capability[]", ()):  # git gives it back with erase
        answer |= {"capability[]": "state", "state[]": f"{STATE}{credential.credential_id}"}
    sys.stdout.write("".join(f"{name}={value}\n" for name, value in answer.items()))
    return 0


def repository(connector: str, path: str) -> list[str]:
    """`acme/site` of acme/site.git and of acme/site.git/info/lfs."""
    if not sugar.knows(connector):
        return []
    owner, _, rest = urlsplit(path).path.strip("/").partition("/")
    name = rest.partition("/")[0].removesuffix(".git")
    if not (owner and name):
        raise ValueError("git did not say which repository: git config --global credential.useHttpPath true, or give --repo")
    return [f"{owner}/{name}"]


def erase(given: argparse.Namespace, asked: Attributes) -> int:
    """It was not accepted: whoever has it shall not have it any longer."""
    from counterfoil.cli.session import run

    states = [one.removeprefix(STATE) for one in asked.get("state[]", ()) if one.startswith(STATE)]
    tokens = states or asked.get("password", ())
    if not tokens:
        return 0
    session = borrowing.session(given)

    async def revoke() -> None:
        async with session.client() as cf:
            await cf.revoke(tokens[-1])

    run(revoke())
    return 0


if __name__ == "__main__":
    main()
