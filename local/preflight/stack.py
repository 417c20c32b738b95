"""One Preflight stack: LocalStack with our plug-ins, as a child process on one port.

The stack outlives the command that starts it. Its folder (``<home>/stacks/<port>/``) has in ``state`` what it keeps for
its next start, in ``stack.log`` what it printed, and beside them what only this run needs. Its process names the folder
on its command line and is known by it: no clock that is set, no number used again and no file that is lost can hide a
stack that runs, or show one that does not.

It runs on the Python of the stack's environment, with this kit on its PYTHONPATH: ``environments.py``.
"""

from __future__ import annotations  # psutil's names stand in annotations, and are loaded where they are used

import contextlib
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import platformdirs

from preflight import function_runtimes
from preflight.environments import Say, cache_folder, kit_path, silent, stack_python, uv_program
from preflight.sagemaker.settings import (
    DOCKER_MARK,
    FRAMEWORK_VERSIONS,
    LAUNCHERS,
    SCALING_MINUTE,
    STACK_MARK,
    SettingError,
    require_framework_versions,
    require_invocation_timeout,
    require_launcher,
    require_origins,
    require_roles_decide,
    require_scaling_minute,
    require_services_url,
)
from preflight.waiting import wait_until

if TYPE_CHECKING:  # it takes longer to load than most commands take; so each function that needs it imports it
    import psutil

DEFAULT_PORT = 4566
START_TIMEOUT_SECONDS = 90
STOP_TIMEOUT_SECONDS = 20
VANISH_SECONDS = 5
LAMBDA_EXECUTORS = ("process",)
HOST = "preflight.hosts.localstack"
SAGEMAKER_HOST = "preflight.hosts.plain"  # SageMaker alone

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
    SCALING_MINUTE,
    "PREFLIGHT_ALLOWED_ORIGINS",
    "PREFLIGHT_FRAMEWORK_VERSIONS",
    "PREFLIGHT_IAM",
    "PREFLIGHT_LAMBDA_RUNTIME",
    "PYENV_ROOT",
    "NVM_DIR",
    "DEBUG",
)
_INSTALLERS = ("UV_", "PIP_")  # where a runtime's environment is fetched from, the first time a function needs it


# The stacks this process started and must reap, should it live to see their end.
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class KeptState:
    """Whether a stack keeps what it stores (None: it does not say) and where; what of it could not be used."""

    is_kept: bool | None
    folder: Path | None
    notes: list[str]


class StackError(Exception):
    """The stack could not do what was asked; the text says why and what to do."""


def default_home() -> Path:
    """Where stacks keep their files: ``PREFLIGHT_HOME``, or the user's own state folder, for all projects."""
    return Path(os.environ.get("PREFLIGHT_HOME") or platformdirs.user_state_path("preflight"))


def declared_images_folder(home: Path) -> Path:
    """Where ``preflight images add`` writes to, and every stack of ``home`` reads."""
    return home.resolve() / "images"


@dataclass(frozen=True)
class Stack:
    """The stack on one port of ``host``: 127.0.0.1, or every address inside a container, which has its own.

    With ``services``, an emulator's address, it is SageMaker alone, which asks for S3, IAM and the rest there. One that
    is ``ephemeral`` starts empty and keeps nothing; what an earlier one has kept stays for the next that is not.
    """

    port: int = DEFAULT_PORT
    home: Path = field(default_factory=default_home)
    host: str = "127.0.0.1"
    services: str = ""
    ephemeral: bool = False

    @classmethod
    def all_of(cls, home: Path) -> list[Stack]:
        """One for each port that a stack has had a folder for, by port."""
        ports = [int(folder.name) for folder in home.glob("stacks/*/") if folder.name.isdecimal()]
        return [cls(port=port, home=home) for port in sorted(ports)]

    @property
    def endpoint_url(self) -> str:
        """What every AWS client talks to."""
        return f"http://localhost:{self.port}"

    @property
    def folder(self) -> Path:
        return self.home.resolve() / "stacks" / str(self.port)

    @property
    def log_file(self) -> Path:
        return self.folder / "stack.log"

    @property
    def kept_log_file(self) -> Path:
        """What the last stack printed that was killed."""
        return self.folder / "stack.log.1"

    @property
    def state_folder(self) -> Path:
        """What is kept for the next start; its owner's only."""
        return self.folder / "state"

    @property
    def kept_services(self) -> frozenset[str]:
        """The services of which something is kept: each takes it back when it is first asked."""
        return frozenset(path.name for path in self.state_folder.glob("services/*/"))

    @property
    def has_state(self) -> bool:
        """Whether a stack that was stopped, or killed, has kept something here."""
        return self.state_folder.is_dir()

    @property
    def _temporary(self) -> Path:
        """There from the start of a stack to its orderly end, so a killed one leaves it."""
        return self.folder / "tmp"

    def _arguments(self, host: str) -> list[str]:
        """The stack's command line after its interpreter. The folder is there to be seen: nothing reads it."""
        return ["-P", "-m", host, str(self.folder)]

    def process(self) -> psutil.Process | None:
        """The running stack's process, or None."""
        import psutil

        found = {}
        possible = [self._arguments(HOST), self._arguments(SAGEMAKER_HOST)]
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.cmdline()[1:] in possible and process.uids().real == os.getuid():
                    found[process.pid] = process
        # One that is about to run another program still has its parent's command line.
        return next((process for process in found.values() if process.ppid() not in found), None)

    def health(self) -> dict[str, str] | None:
        """The state of each service (``{"s3": "running", ...}``), or None if the stack does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_localstack/health", timeout=2) as answer:
                return dict(json.load(answer)["services"])
        except (OSError, ValueError, KeyError):
            return None

    def refused_services(self) -> dict[str, str]:
        """The services that are not here though an emulator of AWS could be expected to have them, and why."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_preflight/services", timeout=20) as answer:
                return dict(json.load(answer)["refused"])
        except (OSError, ValueError, KeyError):
            return {}

    def is_keeping(self) -> bool:
        """Whether the stack that runs keeps what it stores; as its process was told, so it need not answer."""
        import psutil

        with contextlib.suppress(psutil.Error):
            process = self.process()
            return process is not None and bool(process.environ().get("PREFLIGHT_KEPT_DIR"))
        return False

    def kept_state(self) -> KeptState:
        """What the stack that runs says of what it keeps."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_preflight/state", timeout=60) as answer:
                said = json.load(answer)
                folder = Path(said["folder"]) if said["folder"] else None
                return KeptState(bool(said["is_kept"]), folder, list(said["notes"]))
        except (OSError, ValueError, KeyError) as error:
            return KeptState(None, None, [f"The stack does not say whether its state could be read: {error}"])

    def launcher_fallback(self) -> str | None:
        """Why it runs containers as processes though Docker was asked for; None if it runs them as asked."""
        return self._said_of_launcher("fallback")

    def launcher_limitation(self) -> str | None:
        """What its containers lack on this machine, and what to do about it; None for nothing."""
        return self._said_of_launcher("limitation")

    def _said_of_launcher(self, what: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_preflight/launcher", timeout=20) as answer:
                said: str | None = json.load(answer)[what]
                return said
        except (OSError, ValueError, KeyError) as error:
            return f"The stack does not say how it runs containers: {error}"

    def roles_decide(self) -> bool | None:
        """Whether IAM's policies decide; false with PREFLIGHT_IAM=off, None where IAM is another emulator's."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_preflight/iam", timeout=20) as answer:
                return bool(json.load(answer)["roles_decide"])
        except urllib.error.HTTPError:  # SageMaker alone has no such address
            return None
        except (OSError, ValueError, KeyError) as error:
            raise StackError(f"The stack does not say whether roles decide: {error}") from None

    def function_runtimes(self) -> dict[str, str]:
        """What runs each of Lambda's runtimes, or why nothing does; empty if the stack does not say."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_preflight/runtimes", timeout=60) as answer:
                return dict(json.load(answer))
        except (OSError, ValueError):
            return {}

    def up(self, say: Say = silent) -> bool:
        """Start the stack and return once it answers; False if it was up already. ``say`` gets what is worth knowing.

        Raises:
            EnvironmentProblem: what it, or functions of its own Python, run in cannot be made.
            StackError: the port is taken, or the stack ended or stayed silent; nothing is left running.
        """
        with self._locked():
            process = self.process()
            if process and self.health() is not None:
                self._tell_of_other_settings(process, say)
                return False
            python = stack_python(say)
            function_runtimes.prepare_own(say)
            self._make_room(say)
            with self.log_file.open("wb") as log:
                self._start_process(python, output=log)
            return True

    def run(self, on_ready: Callable[[], None], say: Say = silent) -> None:
        """Start the stack, call ``on_ready`` once it answers, and return when it has ended.

        It prints where this process prints. Whatever ends this call (Ctrl-C, SIGTERM as an exception) ends the stack.

        Raises:
            EnvironmentProblem: as for ``up``.
            StackError: as for ``up``; it is up already; it ended by itself with an error.
        """
        with self._locked():
            if self.process() and self.health() is not None:
                raise StackError(f"A stack is up on port {self.port}. Stop it: preflight down --port {self.port}")
            python = stack_python(say)
            function_runtimes.prepare_own(say)
            self._make_room(say)
            child = self._start_process(python, output=None)
        try:
            on_ready()
            if code := child.wait():
                raise StackError(f"The stack ended with code {code}; its last lines say why.")
        finally:
            self.down()

    def down(self, say: Say = silent, *, forget: bool = False) -> bool:
        """Stop the stack and everything it started, and ``forget`` what it kept; False if it was not up.

        Raises:
            StackError: it does not stop; or it is stopped, but what it started in Docker cannot be removed.
        """
        with self._locked():
            was_up = self._stop_process()
            if not was_up:
                self._tell_of_a_killed_one(say)
            self._end_what_is_left()
            self._remove_containers()
            self._clear()
            if forget:
                shutil.rmtree(self.state_folder, ignore_errors=True)
            return was_up

    def _environment(self) -> Mapping[str, str]:
        try:
            launcher = require_launcher(os.environ.get("PREFLIGHT_LAUNCHER") or LAUNCHERS[0])
            require_framework_versions(os.environ.get(FRAMEWORK_VERSIONS))
            require_invocation_timeout(os.environ.get("PREFLIGHT_INVOCATION_TIMEOUT_SECONDS"))
            require_scaling_minute(os.environ.get(SCALING_MINUTE))
            services = require_services_url(self.services) if self.services else ""
            require_roles_decide(os.environ.get("PREFLIGHT_IAM"))
            require_origins(os.environ.get("PREFLIGHT_ALLOWED_ORIGINS"))
            function_runtimes.require_policy(os.environ.get(function_runtimes.SETTING))
        except (SettingError, function_runtimes.PolicyError) as error:
            raise StackError(str(error)) from None
        passed_on = {
            name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_INSTALLERS)
        }
        executor = os.environ.get("LAMBDA_RUNTIME_EXECUTOR", LAMBDA_EXECUTORS[0])
        if executor not in LAMBDA_EXECUTORS:
            known = ", ".join(LAMBDA_EXECUTORS)
            raise StackError(f"LAMBDA_RUNTIME_EXECUTOR is {executor!r}, which Preflight does not know; use {known}.")
        return passed_on | {
            "GATEWAY_LISTEN": f"{self.host}:{self.port}",
            "GATEWAY_SERVER": "preflight",  # LocalStack's own would listen on every address
            "LOCALSTACK_HOST": f"localhost:{self.port}",
            "FILESYSTEM_ROOT": str(self.folder / "localstack"),
            "TMPDIR": str(self._temporary),  # LocalStack clears its part of it, which two stacks would share
            STACK_MARK: str(self.folder),
            "PREFLIGHT_STATE_DIR": str(self.folder / "sagemaker"),
            "PREFLIGHT_KEPT_DIR": "" if self.ephemeral else str(self.state_folder),
            "PREFLIGHT_IMAGES": str(declared_images_folder(self.home)),
            "PREFLIGHT_CACHE": str(cache_folder()),
            "PREFLIGHT_UV": uv_program() or "",
            "PREFLIGHT_LAUNCHER": launcher,
            "PREFLIGHT_SERVICES": services,
            "PROVIDER_OVERRIDE_S3": "preflight",  # LocalStack's own keeps the objects of all stacks in one folder
            "LAMBDA_RUNTIME_EXECUTOR": executor,
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DISABLE_EVENTS": "1",  # no telemetry
            "DNS_ADDRESS": "0",
            "PYTHONPATH": str(kit_path()),
            "PYTHONUNBUFFERED": "1",
            # No configuration and no credentials but its own: not ~/.aws, nor those of a machine in EC2.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _tell_of_other_settings(self, process: psutil.Process, say: Say) -> None:
        """What is set here and now is for the next start: a stack keeps what it was started with."""
        import psutil

        with contextlib.suppress(psutil.Error):  # it ends in this moment
            kept = process.environ()
            for name, value in self._environment().items():
                if name in os.environ and name.startswith("PREFLIGHT_") and value != kept.get(name):
                    say(
                        f"{name} is {value!r} here, but this stack runs with {kept.get(name)!r}. "
                        f"To change that: preflight down --port {self.port}, then up."
                    )

    def _make_room(self, say: Say) -> None:
        """Remove what a stack that is not up any more has left here."""
        if not self._stop_process():
            self._tell_of_a_killed_one(say)
        self._end_what_is_left()
        self._require_free_port()
        with contextlib.suppress(StackError):  # the stack itself tries again before it starts a container
            self._remove_containers()
        self._clear()

    def _tell_of_a_killed_one(self, say: Say) -> None:
        """Nothing runs; what did so last may not have ended by itself."""
        if not self._temporary.exists():
            return
        log = ""
        if self.log_file.exists():
            self.log_file.replace(self.kept_log_file)
            log = f" Its log: {self.kept_log_file}"
        rest = "what it stored is kept, but for its last seconds" if self.has_state else "what it stored is gone"
        say(f"The last stack on port {self.port} was killed, or the machine went down; {rest}.{log}")

    def _start_process(self, python: Path, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
        environment = self._environment()
        self._temporary.mkdir(exist_ok=True)
        child = subprocess.Popen(
            [python, *self._arguments(SAGEMAKER_HOST if self.services else HOST)],
            env=environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,  # Ctrl-C in the terminal is for the command, not for the stack
        )
        _started.append(child)
        try:
            self._wait_until_ready(child)
        except BaseException:
            self._stop_process()
            if child.poll() is None:  # it had no command line yet
                child.kill()
                child.wait()
            shutil.rmtree(self._temporary, ignore_errors=True)
            raise
        return child

    def _wait_until_ready(self, child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise StackError(f"The stack ended with code {child.returncode} while starting.\n{self._log_tail()}")
            if (services := self.health()) is not None:
                if "sagemaker" not in services:
                    raise StackError(
                        "The stack started without SageMaker: install Preflight again, to register its plug-ins."
                    )
                return
            time.sleep(0.05)
        raise StackError(f"The stack did not answer within {START_TIMEOUT_SECONDS} s.\n{self._log_tail()}")

    def _stop_process(self) -> bool:
        import psutil

        process = self.process()
        if process is None:
            return False
        children = process.children(recursive=True)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
        for process_left in _left_of([process], STOP_TIMEOUT_SECONDS):
            process_left.kill()
        # Its children stop by themselves once it is gone; this is for one that does not.
        for process_left in _left_of(children, STOP_TIMEOUT_SECONDS):
            with contextlib.suppress(psutil.NoSuchProcess):
                process_left.kill()
        _left_of([process, *children], VANISH_SECONDS)
        _started[:] = [child for child in _started if child.poll() is None]
        # What it stores is its own as long as it runs. A child that was about to run another program looks like it.
        if not wait_until(lambda: self.process() is None, VANISH_SECONDS, 0.1):
            raise StackError(f"The stack's process {process.pid} cannot be stopped. End it, then try again.")
        return True

    def _end_what_is_left(self) -> None:
        """End what is left where the stack and its guards were killed at once: a daemon that one of them watched."""
        import psutil

        def none_is_left() -> bool:
            left = self._marked()
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            return not left

        wait_until(none_is_left, VANISH_SECONDS, 0.05)

    def _marked(self) -> list[psutil.Process]:
        import psutil

        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # it ends meanwhile, or is not ours
                if process.uids().real == os.getuid() and process.environ().get(STACK_MARK) == str(self.folder):
                    found.append(process)
        return found

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
            except OSError as error:
                if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                    raise StackError(f"{self.host} is no address of this machine: 127.0.0.1, or 0.0.0.0.") from None
                raise StackError(
                    f"Port {self.port} is in use{_who_listens(self.port)}. "
                    f"Stop that, or choose another port: --port {self.port + 1}, or PORT={self.port + 1} for make."
                ) from None

    def _clear(self) -> None:
        """What only one run needs goes with it; its log stays until the next start, and what it keeps."""
        for name in ("localstack", "sagemaker", "tmp"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _log_tail(self, lines: int = 15) -> str:
        try:
            tail = self.log_file.read_text(errors="replace").splitlines()[-lines:]
        except OSError:
            return ""
        if not tail:
            named = os.environ.get("PREFLIGHT_STACK_PYTHON")
            python = f", or {named}, which PREFLIGHT_STACK_PYTHON names, no Python" if named else ""
            return f"It has printed nothing into {self.log_file}: is that disk full{python}?"
        return "\n".join([f"The last lines of {self.log_file}:", *(f"  {line}" for line in tail)])

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Two commands on one stack take turns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # data and models are their owner's
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _left_of(processes: Sequence[psutil.Process], timeout_seconds: float) -> list[psutil.Process]:
    """Those that still run when all have ended, or the time is over. One that nobody reaps has ended."""

    def left() -> list[psutil.Process]:
        return [process for process in processes if not _has_ended(process)]

    wait_until(lambda: not left(), timeout_seconds, 0.05)
    return left()


def _has_ended(process: psutil.Process) -> bool:
    import psutil

    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _who_listens(port: int) -> str:
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:  # macOS shows other programs' connections to root only
        pass
    return ""
