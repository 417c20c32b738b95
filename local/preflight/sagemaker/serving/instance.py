"""Instance: all containers of a model side by side, and one request through them.

A model of one container gets the request as it is. In an inference pipeline each container gets what the one before it
answered; called directly (InferenceExecutionConfig Direct), only the one the request names.
https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipelines.html
"""

import functools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from preflight.sagemaker.serving.multi_model import ModelFailure, Models
from preflight.sagemaker.serving.reply import NoReply, OpenReply, Reply
from preflight.sagemaker.serving.serving_container import STOP_GRACE_SECONDS, ServingContainer
from preflight.sagemaker.telemetry.logs import LogStream

MAX_REPLY_BYTES = 25 * 1024 * 1024  # as a request: AWS does not say


@dataclass(frozen=True)
class Call:
    """A request on its way to a model. ``headers`` are the ones containers get; ``target`` names a single container.
    ``model`` is the one of a multi-model container that is asked.

    A ``body`` that comes in pieces can be sent once.
    """

    headers: Mapping[str, str]
    body: bytes | Iterable[bytes]
    deadline: float
    target: str | None = None
    max_reply_bytes: int = MAX_REPLY_BYTES
    model: str = ""


class ContainerFailure(Exception):
    """A container answered with an error, or not at all: ``cause``."""

    def __init__(self, container_name: str, cause: Reply | NoReply) -> None:
        super().__init__(f"{container_name}: {cause!r}")
        self.container_name, self.cause = container_name, cause


class Instance:
    """Its containers start, serve and stop together; each is replaced by itself when it dies.

    ``log_stream`` is where they write.
    """

    def __init__(
        self, containers: Sequence[ServingContainer], log_stream: LogStream, models: Models | None = None
    ) -> None:
        self._containers = containers
        self._models = models  # of a multi-model container
        self.log_stream = log_stream
        self.outstanding = 0  # requests under way; the variant counts them

    @property
    def is_healthy(self) -> bool:
        return all(container.is_healthy for container in self._containers)

    def has(self, model: str) -> bool:
        """Whether its multi-model container has loaded ``model``, or is about to."""
        return self._models is not None and self._models.has(model)

    def start(self) -> str | None:
        """Return once every container answers ``/ping``; else the name of one that does not, and nothing runs."""
        try:
            started = at_once([container.start for container in self._containers])
        except BaseException:
            self.stop(0)
            raise
        if all(started):
            return None
        self.stop(0)
        return self._containers[started.index(False)].name

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        """Returns when all its containers are gone."""
        at_once([functools.partial(container.stop, grace_seconds) for container in self._containers])

    def terminate(self, grace_seconds: float) -> None:
        """Let its containers end; returns at once."""
        for container in self._containers:
            container.terminate(grace_seconds)

    def get(self, path: str, deadline: float) -> Reply:
        """What the first of its containers, which gets the requests, says at ``path``. Raises ContainerFailure."""
        first = self._containers[0]
        try:
            return first.request("GET", path, deadline).read(MAX_REPLY_BYTES)
        except NoReply as error:
            raise ContainerFailure(first.name, error) from error

    def invoke(self, call: Call) -> Reply:
        """The last container's reply. Raises ContainerFailure; of a multi-model one, ModelNotThere, ModelNotReady."""
        if self._models is not None:
            return _invoke_model(self._containers[0].name, self._models, call)
        name, reply = self._open(call)
        return _read(name, reply, call.max_reply_bytes)

    def open(self, call: Call) -> OpenReply:
        """The last container's reply, which may still be under way. Raises ContainerFailure unless it begins well."""
        return self._open(call)[1]

    def _open(self, call: Call) -> tuple[str, OpenReply]:
        """Name of the container that answers for the model, and its reply."""
        containers = [one for one in self._containers if call.target in (None, one.name)]
        headers = dict(call.headers)
        body = call.body
        accept = headers.pop("Accept", None)
        for container in containers[:-1]:
            opened = _invoke(container, headers, body, call.deadline)
            reply = _read(container.name, opened, call.max_reply_bytes)
            body = reply.body
            if content_type := reply.headers.get("Content-Type"):
                headers["Content-Type"] = content_type
        if accept is not None:
            headers["Accept"] = accept  # what the client accepts is for the last to know; AWS does not say
        return containers[-1].name, _invoke(containers[-1], headers, body, call.deadline)


def _invoke_model(container_name: str, models: Models, call: Call) -> Reply:
    assert isinstance(call.body, bytes)
    try:
        reply = models.invoke(call.model, call.headers, call.body, call.deadline, call.max_reply_bytes)
    except ModelFailure as failure:
        raise ContainerFailure(container_name, failure.cause) from failure
    if not 200 <= reply.status < 300:
        raise ContainerFailure(container_name, reply)
    return reply


def _invoke(
    container: ServingContainer, headers: Mapping[str, str], body: bytes | Iterable[bytes], deadline: float
) -> OpenReply:
    """A reply that begins well. Raises ContainerFailure."""
    try:
        reply = container.request("POST", "/invocations", deadline, headers, body)
    except NoReply as error:
        raise ContainerFailure(container.name, error) from error
    if not reply.is_success:
        raise ContainerFailure(container.name, _read(container.name, reply, MAX_REPLY_BYTES))
    return reply


def _read(container_name: str, reply: OpenReply, max_bytes: int) -> Reply:
    try:
        return reply.read(max_bytes)
    except NoReply as error:
        raise ContainerFailure(container_name, error) from error


def at_once[Result](calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """What each of ``calls`` returns, all made at the same time. Raises one's error, after all have ended."""
    results: dict[int, Result] = {}
    errors: list[BaseException] = []

    def make(place: int) -> None:
        try:
            results[place] = calls[place]()
        except BaseException as error:
            errors.append(error)

    # Daemons: a pool's threads would keep a stack from going down.
    threads = [threading.Thread(target=make, args=(place,), daemon=True) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[place] for place in range(len(calls))]
