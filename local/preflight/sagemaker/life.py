"""The life of the service: made when it is first needed, taken away by a reset, ended with the stack.

Whoever carries requests asks here for the service, and so never gets one that is closed.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from preflight.sagemaker.service import SageMaker

DRAIN_SECONDS = 30.0  # how long a reset waits for requests that may still start something
END_DRAIN_SECONDS = 5.0  # and the end of the stack


class ServiceGone(Exception):
    """The stack is stopping: there will be no service any more."""


class ServiceLife:
    """Owns the one service of a stack. ``create`` makes it, and may import it first."""

    def __init__(self, create: "Callable[[], SageMaker]") -> None:
        self._create = create
        self._service: SageMaker | None = None
        self._door = threading.Condition()
        self._is_barred = False  # requests wait
        self._is_over = False  # requests are refused
        self._held = 0
        self._one_at_a_time = threading.Lock()  # resets, and the end

    def service(self) -> "SageMaker":
        """The service, made now if need be. A reset may close it under the caller's hands: see ``is_current``.

        Raises:
            ServiceGone: the stack is stopping.
        """
        with self._door:
            return self._enter()

    @contextlib.contextmanager
    def held(self) -> "Iterator[SageMaker]":
        """The service, which is not closed as long as this holds it; for whatever may start something.

        Raises:
            ServiceGone: the stack is stopping.
        """
        with self._door:
            service = self._enter()
            self._held += 1
        try:
            yield service
        finally:
            with self._door:
                self._held -= 1
                self._door.notify_all()

    def is_current(self, service: "SageMaker") -> bool:
        """Whether ``service`` still serves: what a closed one answers is no news of the resources it had."""
        with self._door:
            return service is self._service and not self._is_barred

    @contextlib.contextmanager
    def emptied(self) -> Iterator[None]:
        """There is no service meanwhile, and nothing that it ran; requests wait, and get a new one afterwards."""
        with self._one_at_a_time:
            with self._door:
                self._is_barred = True
            try:
                self._take_down(DRAIN_SECONDS)
                yield
            finally:
                with self._door:
                    self._is_barred = False
                    self._door.notify_all()

    def close(self) -> None:
        """End the service, in order, and for good. Can be called again."""
        with self._door:
            self._is_over = True
            self._door.notify_all()
        with self._one_at_a_time:
            self._take_down(END_DRAIN_SECONDS)

    def _enter(self) -> "SageMaker":
        self._door.wait_for(lambda: self._is_over or not self._is_barred)
        if self._is_over:
            raise ServiceGone
        if self._service is None:
            self._service = self._create()
        return self._service

    def _take_down(self, drain_seconds: float) -> None:
        with self._door:
            self._door.wait_for(lambda: not self._held, drain_seconds)
            service, self._service = self._service, None
        if service is not None:
            service.close()
