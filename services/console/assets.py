"""Script and style: each one file, whose address changes with its content, so that a browser may keep it for ever.

htmx and its extension in files of their own would be a race: htmx may look for the extension before that has told of itself.
"""

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

STATIC = Path(__file__).parent / "static"
VENDORED = ("vendor/htmx.min.js", "vendor/hx-sse.min.js")
KINDS = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"


class Asset:
    def __init__(self, name: str, content: bytes) -> None:
        stem, _, kind = name.rpartition(".")
        self.path = f"/static/{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{kind}"
        self.content, self.zipped, self._kind = content, gzip.compress(content, 9, mtime=0), KINDS[kind]

    async def answer(self, request: Request) -> Response:
        zipped = "gzip" in request.headers.get("accept-encoding", "")
        headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if zipped else {})
        return Response(self.zipped if zipped else self.content, headers=headers, media_type=self._kind)


def joined(paths: Sequence[Path]) -> bytes:
    """A line of its own between two scripts: one need not end in a semicolon."""
    return b"\n;\n".join(path.read_bytes() for path in paths)


def assets() -> Mapping[str, Asset]:
    own = sorted((STATIC / "own").glob("*.js"))
    script = joined([*(STATIC / name for name in VENDORED), *own])
    style = b"\n".join(path.read_bytes() for path in sorted((STATIC / "own").glob("*.css")))
    return {
        "script": Asset("console.js", script),
        "style": Asset("console.css", style),
        "icon": Asset("icon.svg", (STATIC / "icon.svg").read_bytes()),
    }


def routes(found: Mapping[str, Asset]) -> Sequence[Route]:
    return [*(Route(one.path, one.answer) for one in found.values()), Route("/robots.txt", robots)]


async def robots(_: Request) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")
