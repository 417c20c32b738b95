"""Invocations without new threads.

LocalStack starts two for each: one to count it, one to end the function's process when nothing has called it for ten
minutes. Together they take longer than a small function.
"""

from collections.abc import Callable, Iterator
from typing import Any

from localstack.services.lambda_.invocation import execution_environment, version_manager
from localstack.utils.patch import Patch

from preflight.hosts.localstack.lambda_.timers import Timer

_COUNTING = "record-cloudwatch-metric"


def patches() -> Iterator[Patch]:
    """Count at once (``function_telemetry`` makes that cheap), and let one thread do for all timers."""
    start_thread = version_manager.start_thread

    def start_or_call(method: Callable[..., Any], *arguments: Any, name: str = "", **named: Any) -> Any:
        if name.startswith(_COUNTING):
            return method()
        return start_thread(method, *arguments, name=name or None, **named)

    yield Patch(version_manager, "start_thread", start_or_call)
    yield Patch(execution_environment, "Timer", Timer)
