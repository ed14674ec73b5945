"""An API server of one page, behind TLS, that lets in whoever bears a lent token: what the real kubectl talks to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Thread

UNAUTHORIZED = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "message": "Unauthorized", "code": 401}


class Cluster:
    def __init__(self) -> None:
        self.good: set[str] = set()
        self.seen: list[str] = []
        """The bearer of each request."""
        self.url = ""


@contextmanager
def served(tls: SSLContext) -> Iterator[Cluster]:
    cluster = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            cluster.seen.append(bearer)
            good = bearer in cluster.good
            body = json.dumps({"gitVersion": "v1.36.3"} if good else UNAUTHORIZED).encode()
            self.send_response(200 if good else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.socket = tls.wrap_socket(listening.socket, server_side=True)
    cluster.url = f"https://127.0.0.1:{listening.server_port}"
    Thread(target=listening.serve_forever, daemon=True).start()
    try:
        yield cluster
    finally:
        listening.shutdown()
        listening.server_close()
