"""The server of a multi-model container: each model has a server of its own behind it, as in AWS's Multi Model Server.

It only starts and ends them, as ``/models`` is asked, and passes requests on. A model is refused with 507 where the
container's memory is nearly full, and where the system ends its server for want of memory.

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WORKER = "PREFLIGHT_MODEL_WORKER"  # set for the server of one of the models
START_SECONDS = 360.0
POLL_SECONDS = 0.05
STOP_SECONDS = 5.0
FULL = 0.9  # of the container's memory
HERE = "127.0.0.1"
_MEMORY = Path("/sys/fs/cgroup")
_NOT_PASSED_ON = ("connection", "content-length", "date", "host", "keep-alive", "server", "transfer-encoding")


class NoMemory(Exception):
    """There is no room for another model."""


class CannotLoad(Exception):
    """A model's server has ended before it answered; its log says why."""


class Worker:
    """The server of one model, whose folder is ``url``, as the container sees it."""

    def __init__(self, command: Sequence[str], url: str, environ: Mapping[str, str]) -> None:
        """Return once it answers. Raises NoMemory, CannotLoad."""
        self.url = url
        self._port = _free_port()
        base = Path(environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml") / Path(url).parent.relative_to("/opt/ml")
        script = environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
        variables = {
            "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
            **{name: value for name, value in environ.items() if name != "SAGEMAKER_MULTI_MODEL"},
            WORKER: "true",
            "SAGEMAKER_BASE_DIR": str(base),
            "SAGEMAKER_SUBMIT_DIRECTORY": script.replace("/opt/ml/model", str(base / "model"), 1),
            "SAGEMAKER_BIND_TO_PORT": str(self._port),
            "PREFLIGHT_BIND_ADDRESS": HERE,
        }
        if _is_memory_full():
            raise NoMemory
        self._process = subprocess.Popen(list(command), env=variables)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            code = self._process.poll()
            if code == -signal.SIGKILL:
                raise NoMemory
            if code is not None or time.monotonic() > deadline:
                self.stop()
                raise CannotLoad
            time.sleep(POLL_SECONDS)

    def ask(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of its answer to a request. Raises OSError, HTTPException."""
        connection = http.client.HTTPConnection(HERE, self._port)
        try:
            connection.request("POST", "/invocations", body, dict(headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HERE, self._port, timeout=2)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Models:
    """What is loaded, by name."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._command, self._environ = command, environ
        self._workers: dict[str, Worker] = {}
        self._loading: set[str] = set()
        self._lock = threading.Lock()

    def load(self, name: str, url: str) -> bool:
        """False if it is loaded already. Raises NoMemory, CannotLoad."""
        with self._lock:
            if name in self._workers or name in self._loading:
                return False
            self._loading.add(name)
        try:
            worker = Worker(self._command, url, self._environ)
        finally:
            with self._lock:
                self._loading.discard(name)
        with self._lock:
            self._workers[name] = worker
        return True

    def find(self, name: str) -> Worker | None:
        with self._lock:
            return self._workers.get(name)

    def unload(self, name: str) -> bool:
        """False if it is not loaded."""
        with self._lock:
            worker = self._workers.pop(name, None)
        if worker is not None:
            worker.stop()
        return worker is not None

    def listed(self) -> list[dict[str, str]]:
        with self._lock:
            return [_described(name, worker) for name, worker in self._workers.items()]

    def close(self) -> None:
        for name in [each["modelName"] for each in self.listed()]:
            self.unload(name)


def serve(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Answer until SIGTERM; ``command`` starts the server of one model."""
    address = environ.get("PREFLIGHT_BIND_ADDRESS") or "0.0.0.0", int(environ.get("SAGEMAKER_BIND_TO_PORT") or 8080)
    models = Models(command, environ)
    try:
        server = _Server(address, models)
    except OSError as error:
        print(f"Cannot listen on {address[0]}:{address[1]}: {error}", file=sys.stderr, flush=True)
        return 1
    signal.signal(signal.SIGTERM, _end)
    try:
        server.serve_forever()
    except (KeyboardInterrupt, SystemExit):
        models.close()
    return 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], models: Models) -> None:
        super().__init__(address, _Requests)
        self.models = models


class _Requests(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        parts = self._parts()
        if parts == ["ping"]:
            self._send(200, b"")
        elif parts == ["models"]:
            self._send_json(200, {"models": self.server.models.listed()})
        elif len(parts) == 2 and parts[0] == "models" and (worker := self.server.models.find(parts[1])):
            self._send_json(200, _described(parts[1], worker))
        else:
            self._refuse(404)

    def do_DELETE(self) -> None:
        parts = self._parts()
        if len(parts) == 2 and parts[0] == "models" and self.server.models.unload(parts[1]):
            self._send_json(200, {"status": f'Model "{parts[1]}" unregistered'})
        else:
            self._refuse(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = self._parts()
        if parts == ["models"]:
            self._load(body)
        elif len(parts) == 3 and parts[0] == "models" and parts[2] == "invoke":
            self._invoke(parts[1], body)
        else:
            self._refuse(404)

    def _load(self, body: bytes) -> None:
        try:
            asked = json.loads(body)
            name, url = str(asked["model_name"]), str(asked["url"])
            Path(url).relative_to("/opt/ml")
        except (ValueError, KeyError, TypeError):
            self._refuse(400)
            return
        try:
            is_new = self.server.models.load(name, url)
        except NoMemory:
            self._refuse(507)
        except CannotLoad:
            self._send_json(500, {"message": "The model cannot be loaded; the endpoint's log says why."})
        else:
            self._send_json(200, {"status": f"Workers scaled to 1 for model: {name}"}) if is_new else self._refuse(409)

    def _invoke(self, name: str, body: bytes) -> None:
        worker = self.server.models.find(name)
        if worker is None:
            self._refuse(404)
            return
        headers = {key: value for key, value in self.headers.items() if key.lower() not in _NOT_PASSED_ON}
        try:
            status, answered, content = worker.ask(headers, body)
        except (OSError, http.client.HTTPException):  # it has ended: the next request has it loaded anew
            self.server.models.unload(name)
            self._refuse(500)
            return
        self._send(status, content, answered)

    def _parts(self) -> list[str]:
        return self.path.partition("?")[0].strip("/").split("/")

    def _refuse(self, status: int) -> None:
        self._send_json(status, {"code": status, "type": http.client.responses.get(status, "Insufficient Storage")})

    def _send_json(self, status: int, content: Any) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            if name.lower() not in _NOT_PASSED_ON:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Each model's server has its own log."""


def _described(name: str, worker: Worker) -> dict[str, str]:
    return {"modelName": name, "modelUrl": worker.url}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


def _is_memory_full() -> bool:
    """Of a container with a limit, as an instance has: cgroup v2."""
    try:
        limit = int((_MEMORY / "memory.max").read_text())
        return int((_MEMORY / "memory.current").read_text()) > FULL * limit
    except (OSError, ValueError):  # no limit
        return False


def _end(number: int, frame: Any) -> None:
    raise SystemExit(0)
