"""A server around a script: workers that share one port, each with the script and its model.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from preflight_container.script_mode import codecs, sources
from preflight_container.script_mode.folders import Folders
from preflight_container.script_mode.handlers import Handler, as_answer
from preflight_container.script_mode.search_path import put_first
from preflight_container.script_mode.torch_handlers import TorchHandler
from preflight_container.workers import CANNOT_WORK, Workers

_PAGES = {
    404: (
        "Not Found",
        "The requested URL was not found on the server. If you entered the URL manually please check your spelling and "
        "try again.",
    ),
    405: ("Method Not Allowed", "The method is not allowed for the requested URL."),
    500: (
        "Internal Server Error",
        "The server encountered an internal error and was unable to complete your request. Either the server is "
        "overloaded or there is an error in the application.",
    ),
}


def serve(environ: Mapping[str, str]) -> int:
    """Answer until SIGTERM; the exit code is 1 if the script cannot be brought or loaded, and the log says why."""
    folders, program = Folders(environ), environ.get("SAGEMAKER_PROGRAM") or ""
    is_torch = environ.get("PREFLIGHT_FRAMEWORK") == "pytorch"
    code = folders.model / "code" if is_torch else folders.code
    if is_torch:
        program = program or "inference.py"
    if not program:
        print("The model names no script: set SAGEMAKER_PROGRAM (the SDK's entry_point).", file=sys.stderr, flush=True)
        return 1
    try:
        if not is_torch:  # whose code comes with the model
            sources.bring(environ.get("SAGEMAKER_SUBMIT_DIRECTORY"), code, environ)
        if (code / sources.REQUIREMENTS).exists():
            sources.install(["-r", sources.REQUIREMENTS], code, folders.base)
        if (code / "setup.py").exists() and not is_torch:
            sources.install(["--no-build-isolation", "."], code, folders.base)
    except Exception as error:
        print(f"The model's script cannot be brought: {error}", file=sys.stderr, flush=True)
        return 1
    put_first(str(code))
    if environ.get("PREFLIGHT_FRAMEWORK") == "xgboost":
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    address = environ.get("PREFLIGHT_BIND_ADDRESS") or "0.0.0.0", int(environ.get("SAGEMAKER_BIND_TO_PORT") or 8080)
    workers = int(environ.get("SAGEMAKER_MODEL_SERVER_WORKERS") or os.cpu_count() or 1)
    try:
        listener = socket.create_server(address, backlog=512)
    except OSError as error:
        print(f"Cannot listen on {address[0]}:{address[1]}: {error}", file=sys.stderr, flush=True)
        return 1
    module = program[: -len(".py")] if program.endswith(".py") else program

    def work(place: int) -> None:
        worker = _Worker(module, folders, environ)
        kind = _TorchRequests if worker.is_torch else _Requests
        _Server(listener, worker, kind).serve_forever()

    return Workers(work).run(workers)


class _Worker:
    """The script and its model in one process: loaded at the first request, then one request at a time."""

    def __init__(self, module: str, folders: Folders, environ: Mapping[str, str]) -> None:
        self._module, self._folders = module, folders
        self._framework = environ.get("PREFLIGHT_FRAMEWORK", "sklearn")
        self.is_torch = self._framework == "pytorch"
        self.default_accept = environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or codecs.JSON
        self._handler: Handler | TorchHandler | None = None
        self._turn = threading.Lock()

    @property
    def handler(self) -> Handler | TorchHandler:
        with self._turn:
            if self._handler is None:
                self._handler = self._load()
            return self._handler

    def _load(self) -> Handler | TorchHandler:
        try:
            if self.is_torch:
                return TorchHandler(self._module, str(self._folders.model))
            return Handler(self._module, self._framework, str(self._folders.model))
        except BaseException:
            # On AWS every ping is answered with 500 until the endpoint gives up; here it ends at once.
            traceback.print_exc()
            print("The script's model cannot be loaded.", file=sys.stderr, flush=True)
            os._exit(CANNOT_WORK)

    def invoke(self, body: bytes, content_type: str, accept: str) -> tuple[Any, str, int]:
        handler = self.handler
        with self._turn:
            return handler.answer(body, content_type, accept)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, worker: _Worker, kind: type[_Requests]) -> None:
        super().__init__(listener.getsockname()[:2], kind, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        listener.setblocking(False)  # another worker may be first
        self.worker = worker

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = self.socket.accept()
        connection.setblocking(True)
        return connection, address


class _Requests(BaseHTTPRequestHandler):
    """/ping, /invocations and /execution-parameters; every error is the page that Flask would send."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    healthy = b""
    names_charset = True

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/ping":
            self.server.worker.handler  # noqa: B018 - loads the model
            self._send(200, self.healthy, codecs.JSON)
        elif path == "/execution-parameters" and self.server.worker.handler.execution_parameters:
            self._try(self._execution_parameters)
        elif path == "/invocations":
            self._refuse(405)
        else:
            self._refuse(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.partition("?")[0] != "/invocations":
            self._refuse(404)
            return
        headers = self.headers
        content_type = headers.get("ContentType") or headers.get("Content-Type") or codecs.JSON
        accept = headers.get("Accept")
        if not accept or accept == "*/*":
            accept = self.server.worker.default_accept
        self._try(lambda: self.server.worker.invoke(body, content_type, str(accept)))

    def _execution_parameters(self) -> tuple[Any, str, int]:
        function = self.server.worker.handler.execution_parameters
        assert function is not None
        result = function()
        if isinstance(result, dict):
            return json.dumps(result), codecs.JSON, 200
        return as_answer(result)

    def _try(self, answer: Any) -> None:
        try:
            body, content_type, status = answer()
            encoded = body.encode() if isinstance(body, str) else bytes(body)
        except Exception as error:
            traceback.print_exc()  # for the endpoint's log
            self._fail(error)
            return
        self._send(status, encoded, content_type)

    def _fail(self, error: Exception) -> None:
        self._refuse(500)

    def _refuse(self, status: int) -> None:
        title, text = _PAGES[status]
        page = f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n<p>{text}</p>\n"
        self._send(status, page.encode(), "text/html")

    def _send(self, status: int, content: bytes, content_type: str) -> None:
        is_text = self.names_charset and content_type.startswith("text/") and "charset" not in content_type
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8" if is_text else content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """AWS's containers log requests by gunicorn; pings would fill the log."""
        if not self.path.startswith("/ping"):
            print(f"{self.command} {self.path} {format % args}", flush=True)


class _TorchRequests(_Requests):
    """The same of PyTorch's image, which has TorchServe: every error is JSON, or what went wrong with its traceback."""

    names_charset = False
    healthy = b'{\n  "status": "Healthy"\n}\n'
    _ERRORS: ClassVar = {
        404: ("ResourceNotFoundException", "Requested resource is not found, please refer to API document."),
        405: ("MethodNotAllowedException", "Requested method is not allowed, please refer to API document."),
    }

    def _fail(self, error: Exception) -> None:
        text = f"{error or 'Invalid Request'}\n{traceback.format_exc()}"
        self._send(500, text.encode(), "text/plain")

    def _refuse(self, status: int) -> None:
        kind, message = self._ERRORS[status]
        content = json.dumps({"code": status, "type": kind, "message": message}, indent=2)
        self._send(status, f"{content}\n".encode(), codecs.JSON)
