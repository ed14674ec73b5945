"""The verbs of `counterfoil audit`: those of the published package, and those of a server's tree where there is one."""

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from counterfoil.cli.verbs import Group, made, servers

GROUP = "counterfoil.commands.audit"
SERVERS_OWN = ("coverage", "erase-subject")
"""They need the database."""


class AuditVerbs(Group):
    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return [*super().list_commands(ctx), *servers(GROUP)]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | TyperGroup | None:  # type: ignore[override]
        own: Any = super().get_command(ctx, cmd_name)
        if own is not None:
            return own  # type: ignore[no-any-return]
        found = servers(GROUP).get(cmd_name)
        if found is not None:
            return made(found.load())
        if cmd_name in SERVERS_OWN:
            raise typer.BadParameter(
                f"`audit {cmd_name}` reads the database, and is not in the published package: run it where the services are, "
                f"from the source tree (./counterfoil audit {cmd_name}) or in their image (python -m services.ops audit {cmd_name})"
            )
        return None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 typer calls it so
        """The servers' own are named without being loaded: they bring the whole database with them."""
        own = [(name, self.commands[name].get_short_help_str(limit=80)) for name in self.commands]
        with formatter.section("Commands"):
            formatter.write_dl([*own, *((name, "Server verb: see its own --help.") for name in servers(GROUP))])
