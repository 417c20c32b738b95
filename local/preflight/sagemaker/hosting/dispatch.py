"""Dispatch: one request to an endpoint on its way to one instance, whatever it came by.

The fleet stays while it has the request; the variant counts it; the instance is given back when the request is done
with it, whatever comes of it.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.endpoint_operations import Endpoints
from preflight.sagemaker.hosting.fleet import Fleet
from preflight.sagemaker.hosting.variant import Variant
from preflight.sagemaker.serving.instance import Call, ContainerFailure, Instance
from preflight.sagemaker.serving.reply import NoAnswer, NotReached

REPLACEMENT_WAIT_SECONDS = 10.0  # how long a request waits for an instance that is being replaced
POLL_SECONDS = 0.01
RETRY_SECONDS = 0.05


class NoEndpoint(Exception):
    """No endpoint of that name answers."""


class NoSession(Exception):
    """No variant has that session."""


class NoVariant(Exception):
    """No variant has that name; or, without a name, none has a weight above 0."""


class Unavailable(Exception):
    """No instance of the variant is healthy."""


@dataclass(frozen=True)
class Leased[Result]:
    """What an instance answered. It is the request's own until the end of the ``with`` block this stands in."""

    instance: Instance
    result: Result
    lease: contextlib.ExitStack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.lease.close()


class Dispatcher:
    """Finds who answers."""

    def __init__(self, context: ServiceContext, endpoints: Endpoints) -> None:
        self._lock = context.resources.lock
        self._timeout_seconds = context.settings.invocation_timeout_seconds
        self._endpoints = endpoints

    @contextlib.contextmanager
    def fleet(self, scope: Scope, endpoint_name: str, session_id: str | None) -> Iterator[Fleet]:
        """The fleet that serves, which stays meanwhile. Raises NoEndpoint."""
        endpoint = self._endpoints.find(scope, endpoint_name)
        if endpoint:
            endpoint.wait_until_resumed(self._timeout_seconds)
        with self._lock:
            fleet = endpoint.route(session_id) if endpoint else None
            if fleet:
                fleet.begin_request()
        if fleet is None:
            raise NoEndpoint
        try:
            yield fleet
        finally:
            fleet.end_request()


def choose_variant(fleet: Fleet, name: str | None, session_id: str | None) -> Variant:
    """The session's variant, the one of that name, or one by weight. Raises NoSession, NoVariant."""
    if session_id is not None:
        of_session = fleet.sessions.variant_of(session_id)
        if of_session is None:
            raise NoSession
        return of_session
    variant = fleet.choose_variant() if name is None else fleet.find_variant(name)
    if variant is None or variant.record.is_shadow:
        raise NoVariant
    return variant


def ask[Result](
    variant: Variant, call: Call, only: Instance | None, attempt: Callable[[Instance, Call], Result]
) -> Leased[Result]:
    """What an instance answers to ``attempt``, or another that takes its place if it dies; ``only`` can be the one.

    Raises:
        ContainerFailure: of an instance that was reached, and of the one that took its place.
        Unavailable: none was healthy in time.
    """
    start = time.monotonic()
    is_second_try = False
    while True:
        with contextlib.ExitStack() as lease:
            instance = _wait_for_instance(variant, call, only, lease)
            try:
                return Leased(instance, attempt(instance, call), lease.pop_all())
            except ContainerFailure as failure:
                if isinstance(failure.cause, NotReached):
                    # Another instance, or this one's replacement, can take it.
                    if time.monotonic() > min(start + REPLACEMENT_WAIT_SECONDS, call.deadline):
                        raise Unavailable from None
                    pause = POLL_SECONDS
                elif isinstance(failure.cause, NoAnswer) and not is_second_try:
                    # The one that takes its place gets the request, once: it may be the request that kills.
                    is_second_try = True
                    pause = RETRY_SECONDS
                else:
                    raise
        time.sleep(pause)


def _wait_for_instance(variant: Variant, call: Call, only: Instance | None, lease: contextlib.ExitStack) -> Instance:
    deadline = min(time.monotonic() + REPLACEMENT_WAIT_SECONDS, call.deadline)
    while (instance := lease.enter_context(variant.lease(only, model=call.model))) is None:
        if time.monotonic() > deadline:
            raise Unavailable
        time.sleep(POLL_SECONDS)
    return instance
