"""CloudWatch Logs, one request at a time, and without a copy of every line there is.

LocalStack's goes through its groups and streams while other requests add some, and answers 500 when that happens. It
copies all of them against that, with their lines: on a stack that has run some hundred jobs, DescribeLogGroups held
everything up for seconds. With one request at a time nothing changes under the reader, and no copy is needed.
"""

import copy
import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from localstack.services.logs import provider
from localstack.services.logs.provider import LogsProvider
from localstack.utils.patch import Patch
from moto.logs.models import LogsBackend

_one_at_a_time = threading.RLock()


def patches() -> Iterator[Patch]:
    """Put the operations of LocalStack's that read much, and all of moto's below them, behind one lock."""
    for name in ("describe_log_groups", "list_log_groups"):
        yield Patch(LogsProvider, name, _serial(getattr(LogsProvider, name)))
    for name, method in list(vars(LogsBackend).items()):
        if inspect.isfunction(method) and not name.startswith("_"):
            yield Patch(LogsBackend, name, _serial(method))
    yield Patch(provider, "copy", SimpleNamespace(deepcopy=copy.copy))  # of groups, of streams, and of a request


def _serial(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        with _one_at_a_time:
            return method(*arguments, **named)

    return call
