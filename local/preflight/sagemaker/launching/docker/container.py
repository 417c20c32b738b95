"""One container in the engine, from its start to its removal."""

import contextlib
import logging
import math
import subprocess
import threading
from collections.abc import Callable, Iterable
from functools import partial

from docker.errors import APIError
from docker.models.containers import Container as EngineContainer
from docker.types import CancellableStream

from preflight.sagemaker.launching.container import NOWHERE, ContainerSpec, Usage
from preflight.sagemaker.launching.docker.engine import ENGINE_ERRORS, EngineError, is_gone
from preflight.sagemaker.launching.docker.feed import feed
from preflight.sagemaker.launching.docker.files import pack, unpack
from preflight.sagemaker.launching.output_lines import OutputLines
from preflight.unpacking import UnpackError

LOG = logging.getLogger(__name__)

# Exit codes as `docker run` has them.
CANNOT_INVOKE, PROGRAM_NOT_FOUND, KILLED = 126, 127, 137


class DockerContainer:
    """A started container. A thread reads its ``output``, and when it has ended brings the folders back.

    ``remove`` then removes it and lets go of whatever it has held here.
    """

    def __init__(
        self,
        container: EngineContainer,
        spec: ContainerSpec,
        output: CancellableStream,
        address: tuple[str, int],
        remove: Callable[[], None],
    ) -> None:
        self.address = address
        self._container = container
        self._spec = spec
        self._remove = remove
        self._exit_code: int | None = None
        self._problem: Exception | None = None
        self._ended = threading.Event()
        self._gone = threading.Event()
        self._fetching = threading.Lock()
        self._run_in_background(lambda: self._watch(output))

    def poll(self) -> int | None:
        return self._exit_code

    def wait(self, timeout_seconds: float | None = None) -> int:
        """Also raises EngineError if what it made could not be fetched."""
        if not self._ended.wait(timeout_seconds):
            assert timeout_seconds is not None
            raise subprocess.TimeoutExpired(self._spec.image, timeout_seconds)
        self._gone.wait()
        if self._problem and self._spec.brought_back:
            raise EngineError(f"What {self._spec.image} left cannot be read: {self._problem}") from self._problem
        assert self._exit_code is not None
        return self._exit_code

    def usage(self) -> Usage | None:
        try:
            stats = self._container.client.api.stats(self._container.id, stream=False, one_shot=True)
            memory = stats["memory_stats"]
            used = memory["usage"] - memory.get("stats", {}).get("inactive_file", 0)  # as `docker stats` counts
            return Usage(stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, used)
        except (*ENGINE_ERRORS, KeyError):  # of one that has ended there are no figures
            return None

    def terminate(self, grace_seconds: float) -> None:
        self._run_in_background(lambda: self._end(grace_seconds))

    def stop(self, grace_seconds: float) -> None:
        self.terminate(grace_seconds)
        with contextlib.suppress(EngineError):
            self.wait()

    def feed(self, relative_path: str, chunks: Iterable[bytes]) -> None:
        feed(self._container, f"/opt/ml/{relative_path}", chunks)

    def bring(self, relative_path: str) -> None:
        try:
            self._container.put_archive("/", pack(self._spec.folder / relative_path, f"opt/ml/{relative_path}"))
        except ENGINE_ERRORS as error:
            raise OSError(f"{relative_path} cannot be put into the container: {error}") from error

    def fetch(self, relative_path: str) -> None:
        try:
            with self._fetching:
                if not self._ended.is_set():
                    self._fetch(relative_path, LOG.warning)
        except (*ENGINE_ERRORS, UnpackError, OSError) as error:  # a file that changed under way, for one
            LOG.warning("%s of %s could not be fetched: %s", relative_path, self._spec.owner_arn, error)

    def _watch(self, output: CancellableStream) -> None:
        try:
            self._read(output)
            self._exit_code = self._await_exit()
            self._ended.set()
            self._bring_back()
        except Exception as error:
            LOG.exception("A container of %s is lost.", self._spec.owner_arn)
            self._problem = error
        finally:
            self._exit_code = KILLED if self._exit_code is None else self._exit_code
            self._ended.set()
            try:
                self._remove()
            except Exception:  # the stack removes it when it goes down
                LOG.exception("A container of %s could not be removed.", self._spec.owner_arn)
            self._gone.set()

    def _read(self, output: CancellableStream) -> None:
        streams = OutputLines(self._spec.on_line), OutputLines(self._spec.on_line)
        for chunks in output:
            for stream, chunk in zip(streams, chunks, strict=True):
                if chunk:
                    stream.add(chunk)
        for stream in streams:
            stream.end()

    def _await_exit(self) -> int:
        try:
            return int(self._container.wait(timeout=None)["StatusCode"])
        except APIError as error:
            if not is_gone(error):
                raise
            return KILLED  # removed by hand

    def _bring_back(self) -> None:
        with self._fetching:
            for name in self._spec.brought_back:
                self._fetch(name, partial(self._on_refused, name))

    def _fetch(self, relative_path: str, on_refused: Callable[[str], None]) -> None:
        try:
            chunks, _ = self._container.get_archive(f"/opt/ml/{relative_path}")
        except APIError as error:  # it made no such folder, or was removed by hand
            if not is_gone(error):
                raise
        else:
            unpack(chunks, self._spec.folder / relative_path, on_refused)

    def _on_refused(self, folder: str, reason: str) -> None:
        self._spec.on_line(f"Preflight leaves this out of /opt/ml/{folder}: {reason}")

    def _end(self, grace_seconds: float) -> None:
        try:
            if grace_seconds > 0:
                self._container.stop(timeout=math.ceil(grace_seconds))
            else:
                self._container.kill()
        except ENGINE_ERRORS as error:
            if not is_gone(error):
                LOG.warning("A container of %s could not be stopped: %s", self._spec.owner_arn, error)

    @staticmethod
    def _run_in_background(task: Callable[[], None]) -> None:
        threading.Thread(target=task, name="docker-container", daemon=True).start()


class EndedContainer:
    """A container whose program could not be started."""

    address = NOWHERE

    def __init__(self, exit_code: int) -> None:
        self._exit_code = exit_code

    def poll(self) -> int:
        return self._exit_code

    def wait(self, timeout_seconds: float | None = None) -> int:
        return self._exit_code

    def feed(self, relative_path: str, chunks: Iterable[bytes]) -> None:
        """Nobody reads."""

    def bring(self, relative_path: str) -> None:
        """It has ended."""

    def fetch(self, relative_path: str) -> None:
        """Nothing was written."""

    def usage(self) -> Usage | None:
        return None

    def terminate(self, grace_seconds: float) -> None:
        """Nothing runs."""

    def stop(self, grace_seconds: float) -> None:
        """Nothing runs."""
