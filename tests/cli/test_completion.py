"""counterfoil completion: asked by a real bash, and installed into a home."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.cli.shell import CLEAN, Shell

BASH = shutil.which("bash")
ASK = """
source <(counterfoil completion show bash)
COMP_WORDS=({words}); COMP_CWORD={at}
_counterfoil_completion counterfoil
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(BASH is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "offered"),
    [(["counterfoil", "ex"], {"explain", "exec-credential", "export"}), (["counterfoil", "link", ""], {"add", "list", "show", "remove"}),
     (["counterfoil", "get", "--sc"], {"--scope"}), (["counterfoil", "get", "-o", "t"], {"table", "token"})],
)  # fmt: skip
def test_bash_completes_verbs_options_and_values(tmp_path: Path, words: list[str], offered: set[str]):
    program = tmp_path / "counterfoil"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m counterfoil.cli.main "$@"\n')
    program.chmod(0o755)
    quoted = " ".join(f"'{word}'" for word in words)
    env = CLEAN | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([BASH or "bash", "-c", ASK.format(words=quoted, at=len(words) - 1)], env=env, capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) == offered


@pytest.mark.parametrize(
    ("shell", "files"),
    [("bash", [".bash_completions/counterfoil.sh", ".bashrc"]), ("zsh", [".zfunc/_counterfoil", ".zshrc"]),
     ("fish", [".config/fish/completions/counterfoil.fish"])],
)  # fmt: skip
async def test_it_is_put_where_the_shell_looks_and_only_once(sh: Shell, tmp_path: Path, shell: str, files: list[str]):
    if len(files) > 1:
        (tmp_path / files[1]).write_text("mine")
    with patch("pathlib.Path.home", lambda: tmp_path):
        first, second = await sh("completion", "install", shell), await sh("completion", "install", shell)

    assert first.out.splitlines() == [str(tmp_path / name) for name in files]
    assert second.out == ""
    assert "counterfoil" in (tmp_path / files[0]).read_text()
    assert len(files) == 1 or (tmp_path / files[1]).read_text().startswith("mine\n")


async def test_a_dry_run_writes_nothing(sh: Shell, tmp_path: Path):
    with patch("pathlib.Path.home", lambda: tmp_path):
        said = await sh("completion", "install", "bash", "--dry-run")

    assert len(said.out.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []
