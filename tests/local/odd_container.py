"""A container that does as each request tells it, and the launcher that runs it: for what no built-in image does.

The body of a request is JSON: ``status``, ``headers``, ``body``, ``delay`` in seconds, ``drip`` between the bytes of
the body; ``raw`` is written as it is instead of an HTTP answer; ``show`` is answered with what the container sees;
``die`` ends it first; after ``hang`` it answers no ping any more, nor this request if it has no ``body``; ``fails`` is
how often the same body is answered with ``status`` before all is well; ``meet`` waits for so many requests to be here
at once. Any other body is answered with ``<ODD_NAME>(<body>)``; with ODD_ECHO, with itself.
With ODD_HOLDS it is a multi-model container that has memory for so many models; a model answers
``<what its file "name" holds>(<body>)``, and loading takes the seconds that its file "slow" holds.
ODD_PING is the status of /ping, and with ODD_PING_ONCE the container ends after it has answered one. ODD_PARAMETERS is
what /execution-parameters answers.
"""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from preflight.sagemaker.launching.container import ContainerSpec
from preflight.sagemaker.launching.ports import free_port
from preflight.sagemaker.launching.process.guarded_process import GuardedProcess


class OddContainer:
    def __init__(self, spec: ContainerSpec, variables: Mapping[str, str]) -> None:
        self.address = ("127.0.0.1", free_port())
        environment = {
            **spec.environment,
            **variables,
            "PATH": os.environ["PATH"],
            "SAGEMAKER_BIND_TO_PORT": str(self.address[1]),
            "ODD_FOLDER": str(spec.folder),
            "ODD_REQUESTED_PORT": spec.environment.get("SAGEMAKER_BIND_TO_PORT", ""),
        }
        repository = Path(__file__).resolve().parents[2]
        command = [sys.executable, "-m", "tests.local.odd_container"]
        self._process = GuardedProcess.start(command, env=environment, cwd=repository, stdout=subprocess.DEVNULL)
        self.pid = self._process.guard_pid

    def poll(self) -> int | None:
        return self._process.poll()

    def wait(self, timeout_seconds: float | None = None) -> int:
        return self._process.wait(timeout_seconds)

    def feed(self, relative_path: str, chunks: Iterable[bytes]) -> None:
        """It reads no pipes."""

    def bring(self, relative_path: str) -> None:
        """It sees every folder."""

    def fetch(self, relative_path: str) -> None:
        """It works in no folder."""

    def usage(self) -> None:
        """Nobody asks."""

    def terminate(self, grace_seconds: float) -> None:
        self._process.terminate(grace_seconds)

    def stop(self, grace_seconds: float) -> None:
        self._process.stop(grace_seconds)


class OddLauncher:
    """Runs every image as an odd container, and remembers them all."""

    def __init__(self) -> None:
        self.launched: list[OddContainer] = []
        self.is_broken = False  # whether what it launches fails its health checks

    def require_image(self, image: str, region: str, *, script: bool = False) -> None:
        pass

    def launch(self, spec: ContainerSpec) -> OddContainer:
        unhealthy = {"ODD_PING": "503", "ODD_PING_ONCE": "1"} if self.is_broken else {}
        self.launched.append(OddContainer(spec, unhealthy))
        return self.launched[-1]

    def warning(self, image: str, region: str, *, script: bool = False) -> str:
        return ""

    def fallback(self) -> str | None:
        return None

    def limitation(self) -> str | None:
        return None

    def close(self) -> None:
        """The service has stopped what it launched."""

    def running(self) -> list[OddContainer]:
        return [container for container in self.launched if container.poll() is None]


_MEETING_SECONDS = 10
_asked: Counter[str] = Counter()
_meetings: dict[int, threading.Barrier] = {}
_models: dict[str, str] = {}
_lock = threading.Lock()


def _meet(count: int) -> None:
    with _lock:
        meeting = _meetings.setdefault(count, threading.Barrier(count))
    meeting.wait(_MEETING_SECONDS)


class _Server(http.server.ThreadingHTTPServer):
    hangs = threading.Event()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if _Server.hangs.is_set():
            time.sleep(3600)
        if self.path == "/execution-parameters":
            parameters = os.environ.get("ODD_PARAMETERS")
            self._answer(200 if parameters else 404, {}, (parameters or "").encode())
            return
        if self.path.startswith("/models/"):
            self._answer(200 if self.path.split("/")[2] in _models else 404, {}, b"{}")
            return
        self._answer(int(os.environ.get("ODD_PING", "200")), {}, b"")
        if "ODD_PING_ONCE" in os.environ:
            os._exit(1)

    def do_DELETE(self) -> None:
        self._answer(200 if _models.pop(self.path.split("/")[2], None) else 404, {}, b"")

    def _multi_model(self, parts: list[str], content: bytes) -> None:
        if len(parts) == 2:
            asked = json.loads(content)
            folder = Path(os.environ["ODD_FOLDER"], *Path(asked["url"]).parts[3:])
            if (folder / "slow").exists():
                time.sleep(float((folder / "slow").read_text()))
            if asked["model_name"] in _models:
                self._answer(409, {}, b"")
            elif len(_models) >= int(os.environ["ODD_HOLDS"]):
                self._answer(507, {}, b"")
            else:
                _models[asked["model_name"]] = (folder / "name").read_text()
                self._answer(200, {}, b"")
            return
        model = _models.get(parts[2])
        time.sleep(0.01)
        if model is None:
            self._answer(404, {}, b"")
        elif content == b"die":
            os._exit(1)
        else:
            target = self.headers.get("X-Amzn-SageMaker-Target-Model", "")
            self._answer(200, {"Content-Type": "text/odd"}, f"{model}({content.decode()}) for {target}".encode())

    def do_POST(self) -> None:
        content = self._body()
        if "ODD_HOLDS" in os.environ:
            self._multi_model(self.path.split("/"), content)
            return
        if "ODD_ECHO" in os.environ:
            self._answer(200, {}, content)
            return
        body = content.decode()
        try:
            orders: Any = json.loads(body)
        except ValueError:
            orders = None
        if not isinstance(orders, dict):
            name = os.environ.get("ODD_NAME", "odd")
            orders = {"body": f"{name}({body})", "headers": {"Content-Type": f"text/{name}"}}
        if orders.get("die"):
            os._exit(1)
        if meet := orders.get("meet"):
            _meet(meet)
        if "fails" in orders:
            _asked[body] += 1
            if _asked[body] > orders["fails"]:
                orders["status"] = 200
        time.sleep(orders.get("delay", 0))
        if orders.get("hang"):
            _Server.hangs.set()
        if raw := orders.get("raw"):
            for part in [raw[place : place + 1] for place in range(len(raw))] if orders.get("drip") else [raw]:
                self.wfile.write(part.encode("latin-1"))
                time.sleep(orders.get("drip", 0))
            self.close_connection = True
            return
        if orders.get("hang") and "body" not in orders:
            time.sleep(3600)
        shown = {"pid": os.getpid(), "headers": dict(self.headers), "environment": dict(os.environ)}
        answer = json.dumps(shown) if orders.get("show") else orders.get("body", "")
        self._answer(orders.get("status", 200), orders.get("headers", {}), answer.encode(), orders.get("drip", 0))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, headers: dict[str, str], body: bytes, drip: float = 0) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for part in [body[place : place + 1] for place in range(len(body))] if drip else [body]:
            self.wfile.write(part)
            time.sleep(drip)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    address = ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
    _Server(address, _Handler).serve_forever()
