"""The verbs, by name: a module is imported when its verb is used, so that `--help` waits for none of them."""

import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class Group(TyperGroup):
    """Without `--help` that option would be None, and to learn that None is no bool typer loads the whole of pydantic."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option


QUIET: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False, "cls": Group}
"""Plain text: it is quicker by half, has no colours, and a traceback shows no variables."""

OURS = {
    "get": "Get a credential for a while.",
    "run": "Run a command with credentials that are revoked when it ends.",
    "explain": "Say whether a request would be granted, and why.",
    "revoke": "Revoke a credential, or all that a predicate names.",
    "credential-process": "Print AWS credentials, as a profile's credential_process reads them.",
    "exec-credential": "Print a Kubernetes token, as kubectl's exec plugins do.",
    "lift": "List what a wider revocation has stopped, or let it go on.",
    "credentials": "List the credentials that may be alive.",
    "grants": "List what users agreed to, or end it.",
    "audit": "Read the audit log, and prove it.",
    "login": "Log in as yourself, where no platform says who you are.",
    "logout": "Forget the login.",
    "whoami": "Show who you are, to yourself and to the gateway.",
    "id-token": "Print the OIDC token that is sent.",
    "issuer": "Declare which platforms' tokens are believed.",
    "connector": "Add, list, show, remove connections to providers.",
    "installation": "Add, list, show, remove tenants of a connector.",
    "link": "Say which project may use which connector, up to which ceiling.",
    "policy": "Forbid or permit beside the links, in Cedar.",
    "apply": "Make the registry what a file says.",
    "export": "Write the registry as a file that apply reads.",
    "completion": "Let the shell complete verbs and options.",
    "doctor": "Look for what is wrong, and say what to do.",
}
GROUP = "counterfoil.commands"


class Verbs(Group):
    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002 typer calls it so
        return [*OURS, *servers()]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]  # noqa: ARG002 typer calls it so
        if cmd_name in OURS:
            return made(import_module(f"counterfoil.cli.{cmd_name.replace('-', '_')}").verb)
        found = servers().get(cmd_name)
        return None if found is None else made(found.load())

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # noqa: ARG002 typer calls it so
        with formatter.section("Commands"):
            formatter.write_dl([*OURS.items(), *((name, "Server verb: see its own --help.") for name in servers())])


def made(verb: Any) -> TyperCommand | TyperGroup:
    """A function is a command, a Typer is what it is."""
    if not isinstance(verb, typer.Typer):
        alone = typer.Typer(add_completion=False, **QUIET)
        alone.command()(verb)
        verb = alone
    command = get_command(verb)
    if not isinstance(command, TyperCommand | TyperGroup):
        raise TypeError("a verb is a function or a Typer")
    return command


@dataclass(frozen=True)
class Server:
    """A verb of a server's tree: `module:name`."""

    target: str

    def load(self) -> Any:
        module, _, name = self.target.partition(":")
        return getattr(import_module(module), name)


def servers(group: str = GROUP) -> dict[str, Server]:
    """Verbs that a server's tree adds. Where that tree is not here, nothing is missed; where it is and fails, that is said.

    They are entry points; importlib.metadata would find them too, and take as long as all the rest of --help.
    """
    lines = [line for folder in sys.path for file in sorted(Path(folder).glob("*.dist-info/entry_points.txt")) for line in section(file, group)]
    pairs = (line.partition("=") for line in lines)
    found = {name.strip(): Server(target.strip()) for name, _, target in pairs}
    return {name: one for name, one in found.items() if find_spec(one.target.partition(".")[0])}


def section(file: Path, group: str) -> list[str]:
    _, _, rest = file.read_text(encoding="utf-8").partition(f"[{group}]\n")
    return [line for line in rest.partition("\n[")[0].splitlines() if "=" in line]
