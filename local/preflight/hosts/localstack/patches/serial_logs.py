"""CloudWatch Logs, one request at a time.

LocalStack's goes through its groups and streams while other requests add some, and answers 500 when that happens:
DescribeLogGroups, which copies every line there is, did while a training job began to write.
"""

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Any

from localstack.services.logs.provider import LogsProvider
from localstack.utils.patch import Patch
from moto.logs.models import LogsBackend

_one_at_a_time = threading.RLock()


def patches() -> Iterator[Patch]:
    """Put the one operation of LocalStack's that reads much, and all of moto's below it, behind one lock."""
    yield Patch(LogsProvider, "describe_log_groups", _serial(LogsProvider.describe_log_groups))
    for name, method in list(vars(LogsBackend).items()):
        if inspect.isfunction(method) and not name.startswith("_"):
            yield Patch(LogsBackend, name, _serial(method))


def _serial(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        with _one_at_a_time:
            return method(*arguments, **named)

    return call
