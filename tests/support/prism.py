"""Prism over GitHub's own description of its API: what it says of a request is what GitHub's description says."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.support.node import COUNTERPARTS, Node

PROGRAM = "node_modules/@stoplight/prism-cli/dist/index.js"
DESCRIPTION = COUNTERPARTS / "node_modules/@octokit/openapi/generated/api.github.com.json"
OURS = (
    "/app/installations/{installation_id}/access_tokens",
    "/app/installations/{installation_id}/suspended",
    "/installation/token",
    "/installation/repositories",
    "/applications/{client_id}/token/scoped",
    "/applications/{client_id}/token",
    "/applications/{client_id}/grant",
    "/user",
)
REFERENCE = re.compile(r'"\$ref": ?"#/components/([^"/]+)/([^"]+)"')


@cache
def description() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DESCRIPTION.read_text())
    return found


def referred(part: object) -> Iterator[tuple[str, str]]:
    for hit in REFERENCE.finditer(json.dumps(part)):
        yield hit[1], hit[2]


def cut() -> dict[str, Any]:
    """Our paths and what they refer to, of twelve megabytes: Prism reads that in no time."""
    whole = description()
    paths = {path: whole["paths"][path] for path in OURS}
    parts: dict[str, dict[str, Any]] = {}
    waiting = list(referred(paths))
    while waiting:
        kind, name = waiting.pop()
        if name not in parts.setdefault(kind, {}):
            parts[kind][name] = whole["components"][kind][name]
            waiting += referred(parts[kind][name])
    return {"openapi": whole["openapi"], "info": whole["info"], "servers": [{"url": "/"}], "paths": paths, "components": parts}


async def mock(node: Node) -> str:
    """Answers with the description's examples, and refuses what the description does not allow."""
    return await node.start(PROGRAM, "mock", str(slice_of(node)), "--port", "{port}", "--host", "127.0.0.1", "--errors")


async def proxy(node: Node, upstream: str) -> str:
    """Passes on, and says in the header `sl-violations` what was not as described."""
    return await node.start(PROGRAM, "proxy", str(slice_of(node)), upstream, "--port", "{port}", "--host", "127.0.0.1")


def slice_of(node: Node) -> str:
    file = node.folder / "github-slice.json"
    if not file.exists():
        file.write_text(json.dumps(cut()))
    return str(file)
