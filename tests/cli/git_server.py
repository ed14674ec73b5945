"""A real git server over HTTP, which opens for lent credentials only."""

import base64
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

GIT = shutil.which("git")


def founded(root: Path, *names: str) -> "GitServer":
    """Empty repositories that may be pushed to."""
    for name in names:
        for words in (("init", "--quiet", "--bare", str(root / name)), ("-C", str(root / name), "config", "http.receivepack", "true")):
            subprocess.run([GIT or "git", *words], check=True)
    return GitServer(root)


@dataclass
class GitServer:
    """git's own http-backend behind a door that opens for the tokens in `good`, each for the repositories it names."""

    root: Path
    good: dict[str, list[str]] = field(default_factory=dict)
    refused: int = 0

    def allowed(self, header: str, path: str) -> bool:
        user, _, token = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        repository = "/".join(path.strip("/").split("/")[:2]).removesuffix(".git")
        return user == "x-access-token" and repository in self.good.get(token, [])

    def handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805 self is the request's
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                header = self.headers.get("Authorization", "")
                if not header or not server.allowed(header, path):
                    server.refused += bool(header)
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.backend(path, query)

            do_POST = do_GET  # noqa: N815 http.server looks for this name

            def backend(self, path: str, query: str) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                env = {
                    "GIT_PROJECT_ROOT": str(server.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "REMOTE_USER": "lent", "PATH": os.environ["PATH"],
                }  # fmt: skip
                done = subprocess.run([GIT or "git", "http-backend"], env=env, input=body, capture_output=True, check=True)
                head, _, rest = done.stdout.partition(b"\r\n\r\n")
                lines = dict(line.split(": ", 1) for line in head.decode().splitlines())
                self.send_response(int(lines.pop("Status", "200").split()[0]))
                for name, value in lines.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                self.wfile.write(rest)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
