"""The tokens of Callback steps, and what is sent with them."""

import queue
import random
import string
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from preflight.sagemaker.api.errors import ResourceNotFound, guessed
from preflight.sagemaker.api.scope import Scope

_TOKEN_CHARACTERS = 10


@dataclass(frozen=True)
class CallbackAnswer:
    """What a step was told: its outputs, or why it has failed."""

    outputs: Mapping[str, str] = field(default_factory=dict)
    failure: str | None = None


@dataclass(frozen=True)
class StopAsked:
    """The execution is to stop. ``is_over``: the stack goes down, nobody will answer any more."""

    is_over: bool


@dataclass(frozen=True)
class Callback:
    """One that a step waits for."""

    token: str
    execution_arn: str
    news: "queue.SimpleQueue[CallbackAnswer | StopAsked]" = field(default_factory=queue.SimpleQueue)


class Callbacks:
    """Those of every account and region."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[Scope, str], Callback] = {}

    @contextmanager
    def waiting(self, scope: Scope, execution_arn: str) -> Iterator[Callback]:
        """A new callback, which can be answered meanwhile."""
        token = "".join(random.choices(string.ascii_letters + string.digits, k=_TOKEN_CHARACTERS))
        callback = Callback(token, execution_arn)
        with self._lock:
            self._open[scope, token] = callback
        try:
            yield callback
        finally:
            with self._lock:
                self._open.pop((scope, token), None)

    def answer(self, scope: Scope, token: str, answer: CallbackAnswer) -> str:
        """Returns the ARN of the execution. Raises ResourceNotFound if nobody waits for ``token`` any more."""
        with self._lock:
            callback = self._open.pop((scope, token), None)
        if callback is None:
            raise ResourceNotFound(guessed(f"Callback token '{token}' does not exist."))
        callback.news.put(answer)
        return callback.execution_arn
