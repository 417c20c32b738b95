"""One Preflight stack: LocalStack with our plug-ins, as a child process on one port.

The stack outlives the command that starts it. What is known of it lies in its own folder
(``<home>/stacks/<port>/``): ``stack.json`` says which process it is, ``stack.log`` holds what it printed.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from preflight.sagemaker.settings import (
    DOCKER_MARK,
    LAUNCHERS,
    SettingError,
    require_invocation_timeout,
    require_launcher,
)

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_PORT = 4566
START_TIMEOUT_SECONDS = 90
STOP_TIMEOUT_SECONDS = 20
LAMBDA_EXECUTORS = ("process",)

# A stack gets these of the user's variables and no others: no credentials, no AWS_ENDPOINT_URL, no LocalStack
# setting by accident.
_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "SSL_CERT_FILE",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "PREFLIGHT_CONTAINER_IMAGE",
    "PREFLIGHT_CONTAINER_NETWORK",
    "PREFLIGHT_STACK_ID",
    "PREFLIGHT_INVOCATION_TIMEOUT_SECONDS",
    "PREFLIGHT_ALLOWED_ORIGINS",
    "DEBUG",
)


# The stacks this process started and must reap, should it live to see their end.
_started: list["subprocess.Popen[bytes]"] = []


class StackError(Exception):
    """The stack could not do what was asked; the text says why and what to do."""


def default_home() -> Path:
    """Where stacks keep their files: ``PREFLIGHT_HOME``, or ``.preflight`` beside the code."""
    return Path(os.environ.get("PREFLIGHT_HOME") or REPOSITORY / ".preflight")


@dataclass(frozen=True)
class Stack:
    """The stack on one port of ``host``: 127.0.0.1, or every address inside a container, which has its own."""

    port: int = DEFAULT_PORT
    home: Path = REPOSITORY / ".preflight"
    host: str = "127.0.0.1"

    @property
    def endpoint_url(self) -> str:
        """What every AWS client talks to."""
        return f"http://localhost:{self.port}"

    @property
    def folder(self) -> Path:
        return self.home / "stacks" / str(self.port)

    @property
    def log_file(self) -> Path:
        return self.folder / "stack.log"

    @property
    def _record_file(self) -> Path:
        return self.folder / "stack.json"

    def process(self) -> psutil.Process | None:
        """The running stack's process, or None. A process that merely has its number is not it."""
        try:
            record = json.loads(self._record_file.read_text())
            process = psutil.Process(record["pid"])
            same = abs(process.create_time() - record["create_time"]) < 1
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (OSError, ValueError, KeyError, psutil.Error):
            return None

    def health(self) -> dict[str, str] | None:
        """The state of each service (``{"s3": "running", ...}``), or None if the stack does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_localstack/health", timeout=2) as answer:
                return dict(json.load(answer)["services"])
        except (OSError, ValueError, KeyError):
            return None

    def launcher_fallback(self) -> str | None:
        """Why it runs containers as processes though Docker was asked for; None if it runs them as asked."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_preflight/launcher", timeout=20) as answer:
                fallback: str | None = json.load(answer)["fallback"]
                return fallback
        except (OSError, ValueError, KeyError) as error:
            return f"The stack does not say how it runs containers: {error}"

    def up(self) -> bool:
        """Start the stack and return once it answers; False if it was up already.

        Raises:
            StackError: the port is taken, or the stack ended or stayed silent; nothing is left running.
        """
        with self._locked():
            if self.process() and self.health() is not None:
                return False
            self._make_room()
            with self.log_file.open("wb") as log:
                self._start_process(output=log)
            return True

    def run(self, on_ready: Callable[[], None]) -> None:
        """Start the stack, call ``on_ready`` once it answers, and return when it has ended.

        It prints where this process prints. Whatever ends this call (Ctrl-C, SIGTERM as an exception) ends the stack.

        Raises:
            StackError: as for ``up``; it is up already; it ended by itself with an error.
        """
        with self._locked():
            if self.process() and self.health() is not None:
                raise StackError(f"A stack is up on port {self.port}. Stop it: preflight down --port {self.port}")
            self._make_room()
            child = self._start_process(output=None)
        try:
            on_ready()
            if code := child.wait():
                raise StackError(f"The stack ended with code {code}; its last lines say why.")
        finally:
            self.down()

    def down(self) -> bool:
        """Stop the stack and everything it started; False if it was not up.

        Raises:
            StackError: its processes are stopped, but what it started in Docker cannot be removed.
        """
        with self._locked():
            was_up = self._stop_process()
            self._remove_containers()
            self._clear_state()
            return was_up

    def _environment(self) -> Mapping[str, str]:
        try:
            launcher = require_launcher(os.environ.get("PREFLIGHT_LAUNCHER") or LAUNCHERS[0])
            require_invocation_timeout(os.environ.get("PREFLIGHT_INVOCATION_TIMEOUT_SECONDS"))
        except SettingError as error:
            raise StackError(str(error)) from None
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        executor = os.environ.get("LAMBDA_RUNTIME_EXECUTOR", LAMBDA_EXECUTORS[0])
        if executor not in LAMBDA_EXECUTORS:
            known = ", ".join(LAMBDA_EXECUTORS)
            raise StackError(f"LAMBDA_RUNTIME_EXECUTOR is {executor!r}, which Preflight does not know; use {known}.")
        return passed_on | {
            "GATEWAY_LISTEN": f"{self.host}:{self.port}",
            "GATEWAY_SERVER": "preflight",  # LocalStack's own would listen on every address
            "LOCALSTACK_HOST": f"localhost:{self.port}",
            "FILESYSTEM_ROOT": str(self.folder / "localstack"),
            "TMPDIR": str(self.folder / "tmp"),  # LocalStack clears its part of it, which two stacks would share
            "PREFLIGHT_STATE_DIR": str(self.folder / "sagemaker"),
            "PREFLIGHT_LAUNCHER": launcher,
            "PROVIDER_OVERRIDE_S3": "preflight",  # LocalStack's own keeps the objects of all stacks in one folder
            "LAMBDA_RUNTIME_EXECUTOR": executor,
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DISABLE_EVENTS": "1",  # no telemetry
            "DNS_ADDRESS": "0",
            "PYTHONUNBUFFERED": "1",
        }

    def _make_room(self) -> None:
        """Remove what a stack that is not up any more has left here."""
        self._stop_process()
        self._require_free_port()
        with contextlib.suppress(StackError):  # the stack itself tries again before it starts a container
            self._remove_containers()
        self._clear_state()

    def _start_process(self, output: IO[bytes] | None) -> "subprocess.Popen[bytes]":
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        child = subprocess.Popen(
            [sys.executable, "-m", "preflight.hosts.localstack"],
            env=self._environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,  # Ctrl-C in the terminal is for the command, not for the stack
        )
        _started.append(child)
        try:
            record = {
                "pid": child.pid,
                "create_time": psutil.Process(child.pid).create_time(),
                "port": self.port,
            }
            self._record_file.write_text(json.dumps(record))
            self._wait_until_ready(child)
        except BaseException:
            self._stop_process()
            if child.poll() is None:  # there is no record of it yet
                child.kill()
                child.wait()
            raise
        return child

    def _wait_until_ready(self, child: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise StackError(f"The stack ended with code {child.returncode} while starting.\n{self._log_tail()}")
            if (services := self.health()) is not None:
                if "sagemaker" not in services:
                    raise StackError("The stack started without SageMaker: run `make setup` to register the plug-ins.")
                return
            time.sleep(0.05)
        raise StackError(f"The stack did not answer within {START_TIMEOUT_SECONDS} s.\n{self._log_tail()}")

    def _stop_process(self) -> bool:
        process = self.process()
        if process is None:
            self._record_file.unlink(missing_ok=True)
            return False
        children = process.children(recursive=True)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs([process], timeout=STOP_TIMEOUT_SECONDS)
        for process_left in alive:
            process_left.kill()
        # Its children stop by themselves once it is gone; this is for one that does not.
        _, alive = psutil.wait_procs(children, timeout=STOP_TIMEOUT_SECONDS)
        for process_left in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process_left.kill()
        psutil.wait_procs([process, *children], timeout=5)
        _started[:] = [child for child in _started if child.poll() is None]
        self._record_file.unlink(missing_ok=True)
        return True

    def _remove_containers(self) -> None:
        """Remove what the stack left in Docker, if it has used it. Nobody else does once its process is killed."""
        mark = self.folder / "sagemaker" / DOCKER_MARK
        if not mark.exists():
            return
        from preflight.sagemaker.launching.docker.engine import (  # takes longer than most commands here
            Engine,
            EngineError,
        )

        try:
            Engine.connect().remove_all_of(mark.read_text())
        except EngineError as error:
            raise StackError(
                f"The stack's processes are stopped, but what it started in Docker may be left: {error} "
                f"Start Docker, then run it again: preflight down --port {self.port}"
            ) from None

    def _require_free_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OverflowError:
                raise StackError(f"{self.port} is not a port; choose one from 1024 to 65535.") from None
            except PermissionError:
                raise StackError(f"Port {self.port} needs root; choose one from 1024 to 65535.") from None
            except OSError:
                raise StackError(
                    f"Port {self.port} is in use{_who_listens(self.port)}. "
                    f"Stop that, or choose another port: --port {self.port + 1}, or PORT={self.port + 1} for make."
                ) from None

    def _clear_state(self) -> None:
        """State does not outlive a stack; its log does, until the next start."""
        for name in ("localstack", "sagemaker", "tmp"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _log_tail(self, lines: int = 15) -> str:
        try:
            tail = self.log_file.read_text(errors="replace").splitlines()[-lines:]
        except OSError:
            return ""
        return "\n".join([f"The last lines of {self.log_file}:", *(f"  {line}" for line in tail)])

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Two commands on one stack take turns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _who_listens(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:  # macOS shows other programs' connections to root only
        pass
    return ""
