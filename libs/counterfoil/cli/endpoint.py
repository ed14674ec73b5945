"""What AWS SDKs call the container's endpoint, on loopback: whoever bears the token in the child's file is given what is lent just now.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from counterfoil.cli.aws import document
from counterfoil.client.errors import CounterfoilError

if TYPE_CHECKING:
    from counterfoil.client.credential import Credential

LOOPBACK, PATH = "127.0.0.1", "/credentials"
POLL = 0.2
"""Seconds that the end may take."""
PATIENCE = 5
"""Seconds for whoever has connected to say what it wants."""
NOWHERE = dict.fromkeys(("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "BOTO_CONFIG"), os.devnull)
"""SDKs look into these first: a key that lies there would be used instead of what is lent."""


class Endpoint:
    """Listens from `with` on, and to the block's end."""

    def __init__(self, credential: "Credential") -> None:
        self.credential = credential
        self.token = secrets.token_urlsafe(32)
        self._folder = ""

    def __enter__(self) -> Self:
        try:
            self._folder = tempfile.mkdtemp(prefix="counterfoil-")
            with os.fdopen(os.open(self._file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o400), "w") as file:
                file.write(self.token)
            self._listening = Listening(self)
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            why = f"no endpoint could be opened on this machine: {error.strerror}"
            raise CounterfoilError("no_endpoint", why, fix="let TMPDIR name a folder that can be written") from None
        Thread(target=self._listening.serve_forever, kwargs={"poll_interval": POLL}, name="endpoint", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown()
        self._listening.server_close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _file(self) -> Path:
        return Path(self._folder, "token")

    @property
    def variables(self) -> dict[str, str]:
        """What makes the child's SDKs come here, and nowhere else."""
        address = f"http://{LOOPBACK}:{self._listening.server_address[1]}{PATH}"
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": address, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(self._file), **NOWHERE}

    def answer(self, path: str, bearer: str) -> tuple[int, Mapping[str, Any]]:
        if not compare_digest(bearer.encode(), self.token.encode()):
            return 401, {"code": "Unauthorized", "message": "say the token that lies in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"}
        if path != PATH:
            return 404, {"code": "NotFound", "message": f"credentials are at {PATH}"}
        credential = self.credential
        if credential.expires_at <= datetime.now(UTC):
            return 503, {
                "code": "Ended",
                "message": "what was lent has ended, and nothing fresh could be had: counterfoil run said why, on its stderr",
            }
        found = document(credential.parts(), credential.expires_at)
        return 200, {"Token" if name == "SessionToken" else name: value for name, value in found.items() if name != "Version"}


class Listening(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__((LOOPBACK, 0), Handler)
        self.endpoint = endpoint

    def handle_error(self, *_: object) -> None:
        """Whoever asked has gone."""


class Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE
    server: Listening

    def do_GET(self) -> None:
        status, found = self.server.endpoint.answer(self.path, self.headers.get("Authorization", ""))
        body = json.dumps(found).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), "Cache-Control": "no-store"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Our stderr is the command's."""
