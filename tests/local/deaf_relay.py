"""A stack on another port that hangs up on the requests of one kind: what a service sees that has no way to S3."""

import contextlib
import http.server
import re
import threading
from collections.abc import Iterator

import requests

from preflight.stack import Stack

_OWN = ("connection", "content-length", "date", "server", "transfer-encoding")


@contextlib.contextmanager
def relay(stack: Stack, deaf_to: str) -> Iterator[str]:
    """The address of a stack while this lasts; a request whose path matches ``deaf_to`` gets no answer there."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            if re.search(deaf_to, self.path):
                return  # and the connection is closed
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = f"{stack.endpoint_url}{self.path}"
            answer = requests.request(self.command, url, data=body, headers=dict(self.headers), timeout=60)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = pass_on

        def log_message(self, *_: object) -> None:
            """Nobody looks."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
