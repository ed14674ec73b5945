"""A registry of one image, that lets in whoever bears a lent token: what the real docker talks to."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Thread

KIND = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
NAMED = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(CONFIG), "digest": f"sha256:{hashlib.sha256(CONFIG).hexdigest()}"}
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": KIND, "config": NAMED, "layers": []}).encode()
FILES = {"manifests": (MANIFEST, KIND), "blobs": (CONFIG, "application/octet-stream")}


class Registry:
    def __init__(self, user: str, token: str) -> None:
        self._good = f"{user}:{token}"
        self.refused = 0
        """How often somebody came with a login that is none."""
        self.host = ""

    def allows(self, header: str) -> bool:
        kind, _, value = header.partition(" ")
        good = kind == "Basic" and b64decode(value).decode() == self._good
        self.refused += bool(header) and not good
        return good


@contextmanager
def served(registry: Registry, tls: SSLContext) -> Iterator[Registry]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not registry.allows(self.headers.get("Authorization", "")):
                self.answer(401, b"{}", {"WWW-Authenticate": 'Basic realm="registry"'})
                return
            body, kind = next((file for part, file in FILES.items() if part in self.path.split("/")), (b"{}", "application/json"))
            self.answer(200, body, {"Content-Type": kind, "Docker-Content-Digest": f"sha256:{hashlib.sha256(body).hexdigest()}"})

        do_HEAD = do_GET  # noqa: N815 http.server looks for this name

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body)), "Docker-Distribution-Api-Version": "registry/2.0"}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.socket = tls.wrap_socket(listening.socket, server_side=True)
    registry.host = f"127.0.0.1:{listening.server_port}"
    Thread(target=listening.serve_forever, daemon=True).start()
    try:
        yield registry
    finally:
        listening.shutdown()
        listening.server_close()
