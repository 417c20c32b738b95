"""A registry of images as ECR is one, as far as ``docker push`` asks: who logs in, and which tags arrive."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4


class Registry(ThreadingHTTPServer):
    """https://distribution.github.io/distribution/spec/api/ for one user, remembering nothing but names."""

    daemon_threads = True

    def __init__(self, password: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.authorization = "Basic " + base64.b64encode(f"AWS:{password}".encode()).decode()
        self.blobs: set[str] = set()
        self.tags: list[str] = []

    @property
    def address(self) -> str:
        return f"localhost:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Registry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.is_let_in():
            self.reply(200)

    def do_HEAD(self) -> None:
        if self.is_let_in():
            self.reply(200 if self.path.rpartition("/")[2] in self.server.blobs else 404)

    def do_POST(self) -> None:
        if self.is_let_in():
            self.reply(202, {"Location": f"{self.path}{uuid4()}", "Docker-Upload-UUID": str(uuid4())})

    def do_PATCH(self) -> None:
        length = len(self.read_body())
        if self.is_let_in():
            self.reply(202, {"Location": self.path, "Range": f"0-{length - 1}"})

    def do_PUT(self) -> None:
        body = self.read_body()
        if not self.is_let_in():
            return
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if "/manifests/" in self.path:
            self.server.tags.append(self.path.removeprefix("/v2/").replace("/manifests/", ":"))
        else:
            digest = self.path.partition("digest=")[2].replace("%3A", ":")
            self.server.blobs.add(digest)
        self.reply(201, {"Docker-Content-Digest": digest})

    def is_let_in(self) -> bool:
        if self.headers["Authorization"] == self.server.authorization:
            return True
        self.reply(401, {"WWW-Authenticate": 'Basic realm="registry"'})
        return False

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def reply(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running_registry(password: str) -> Iterator[Registry]:
    with Registry(password) as registry:
        thread = threading.Thread(target=registry.serve_forever, daemon=True)
        thread.start()
        yield registry
        registry.shutdown()
        thread.join()
