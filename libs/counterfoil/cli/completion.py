"""counterfoil completion: what the shell offers when Tab is pressed."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.verbs import QUIET

verb = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
VARIABLE = "_COUNTERFOIL_COMPLETE"
Shell = Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="For which shell.")]
FILES = {"bash": ".bash_completions/counterfoil.sh", "zsh": ".zfunc/_counterfoil", "fish": ".config/fish/completions/counterfoil.fish"}
LINES = {
    "bash": (".bashrc", "source ~/.bash_completions/counterfoil.sh"), "zsh": (".zshrc", "fpath+=~/.zfunc; autoload -Uz compinit; compinit"),
}  # fmt: skip
"""What the shell reads at its start, where it does not find the file by itself."""


@verb.callback()
def completion() -> None:
    """Let the shell complete verbs and options."""


@verb.command()
def show(shell: Shell) -> None:
    """Print the script, to be kept wherever you keep such.

    \b
    counterfoil completion show bash
    source <(counterfoil completion show bash)
    """  # noqa: D301 \b keeps lines as they are
    printing.line(script(shell))


@verb.command()
def install(shell: Shell, dry_run: options.DryRun = False) -> None:
    """Put the script where the shell finds it, below your home. Once is enough; twice changes nothing.

    \b
    counterfoil completion install bash
    counterfoil completion install zsh --dry-run
    """  # noqa: D301 \b keeps lines as they are
    for path, text in changed(Path.home(), shell).items():
        printing.line(str(path))
        if not dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    say("would be written" if dry_run else "new shells complete")


def script(shell: str) -> str:
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    return str(get_completion_script(prog_name="counterfoil", complete_var=VARIABLE, shell=shell))


def changed(home: Path, shell: str) -> dict[Path, str]:
    files = {home / FILES[shell]: script(shell) + "\n"}
    if shell in LINES:
        name, line = LINES[shell]
        there = (home / name).read_text() if (home / name).exists() else ""
        lines = there.splitlines()
        files[home / name] = there if line in lines else "\n".join([*lines, line]) + "\n"
    return {path: text for path, text in files.items() if not path.exists() or path.read_text() != text}
