"""A stack that stops does not wait for functions' queues.

Each function that was called asynchronously has a queue in SQS, asked by requests to the stack itself that wait for up
to two seconds. LocalStack stops by waiting for them, then deletes each queue by one more request; while the stack
stops these take seconds, and the queues go with it anyway.
"""

from collections.abc import Callable, Iterator
from typing import Any

from localstack.runtime import events
from localstack.services.lambda_.invocation.event_manager import LambdaEventManager
from localstack.utils.patch import Patch


def patches() -> Iterator[Patch]:
    """End them at once when the stack stops; a function that is deleted or a reset takes its queue along as before."""
    yield Patch.function(LambdaEventManager.stop, _stop)


def _stop(stop: Callable[..., None], manager: Any) -> None:
    if not events.infra_stopping.is_set():
        stop(manager)
        return
    manager.stopped.set()
    if poller := manager.poller:
        poller.stop()
