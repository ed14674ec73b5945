"""A collector that takes everything and keeps nothing, a process of its own: says its port, then answers until it is ended."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Taken(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None: ...  # noqa: A002 - its name is the library's


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taken)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
