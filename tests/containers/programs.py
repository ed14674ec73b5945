"""Programs that come from no package of ours: built by Go once, kept in the cache, and never part of the product."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.dev.folders import closed
from services.dev.jars import cache_folder

HERE = Path(__file__).parent
COMPOSE, COMPOSE_GO, BUILDER = "v2.40.3", "v2.16.2", "v0.155.0"
COMPOSE_MODULE = f"""module compose

go 1.24

require github.com/docker/compose/v2 {COMPOSE}

exclude (
	github.com/davecgh/go-spew v1.1.2-0.20180830191138-d8f796af33cc
	github.com/pmezard/go-difflib v1.0.1-0.20181226105442-5d4384ee4fb2
)
"""
"""What `go install` would refuse: its own excluded versions have to be excluded once more."""
IMPORTED = '//go:build tools\n\npackage tools\n\nimport _ "github.com/docker/compose/v2/cmd"\n'


def needed(name: str) -> str:
    """Skips where this machine has no such program."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not on this machine")
    return found


def go(folder: Path, *arguments: str) -> str:
    """Skips where modules cannot be fetched."""
    done = subprocess.run(
        [needed("go"), *arguments], cwd=folder, env={**os.environ, "GOFLAGS": "-mod=mod"}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 and any(word in done.stderr for word in ("dial tcp", "no such host", "proxy", "i/o timeout", "403 Forbidden")):
        pytest.skip(f"go {arguments[0]}: the modules cannot be fetched here")
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def kept(name: str, *steps: Sequence[str], **files: str) -> Path:
    """What the steps leave under `name` in a folder of its own, made once."""
    folder = closed(cache_folder() / "go" / name)
    if not (folder / name).exists():
        for file, text in files.items():
            (folder / file.replace("_", ".")).write_text(text)
        for step in steps:
            go(folder, *step)
    return folder / name


def compose() -> Path:
    build = ("build", "-o", f"compose-{COMPOSE}", "github.com/docker/compose/v2/cmd")
    return kept(f"compose-{COMPOSE}", ("mod", "tidy"), build, go_mod=COMPOSE_MODULE, tools_go=IMPORTED)


def collector() -> Path:
    """The parts that our configuration uses: a build of all the others would take an hour."""
    name = f"collector-{BUILDER}"
    wanted = (HERE / "collector.yaml").read_text().replace("name: otelcol", f"name: {name}").replace("./built", ".")
    return kept(name, ("run", f"go.opentelemetry.io/collector/cmd/builder@{BUILDER}", "--config=builder.yaml"), builder_yaml=wanted)


def compose_schema(folder: Path) -> Path:
    """The Compose Specification's, as its own Go library carries it."""
    found = json.loads(go(folder, "mod", "download", "-json", f"github.com/compose-spec/compose-go/v2@{COMPOSE_GO}"))
    return Path(found["Dir"], "schema", "compose-spec.json")
