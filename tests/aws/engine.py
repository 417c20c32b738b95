"""A Docker engine as far as a build asks for one: it builds nothing, and remembers what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Engine(ThreadingHTTPServer):
    """https://docs.docker.com/reference/api/engine/ for one image. ``builds`` are the queries of POST /build."""

    IMAGE_ID = f"sha256:{'0123456789ab' * 5}0123"
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.builds: list[dict[str, list[str]]] = []

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        is_version = self.path.endswith("/version")
        self.reply(200, {"ApiVersion": "1.44"} if is_version else {"Id": self.server.IMAGE_ID})

    def do_POST(self) -> None:
        while size := int(self.rfile.readline(), 16) if self.headers.get("Transfer-Encoding") else 0:
            self.rfile.read(size + 2)
        path = urlsplit(self.path)
        if path.path.endswith("/build"):
            self.server.builds.append(parse_qs(path.query))
            self.reply(200, {"stream": "Successfully built 0123456789ab"})
        else:
            self.reply(201, {})

    def reply(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running_engine() -> Iterator[Engine]:
    with Engine() as engine:
        thread = threading.Thread(target=engine.serve_forever, daemon=True)
        thread.start()
        yield engine
        engine.shutdown()
        thread.join()
