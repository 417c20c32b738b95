"""Functions' logs and metrics, written in batches.

LocalStack writes both after each invocation, with calls to its own CloudWatch that take three times as long as the
invocation, and the next invocation waits for them.
"""

from collections.abc import Iterator

from localstack.services.lambda_.invocation import version_manager
from localstack.utils.patch import Patch

from preflight.hosts.localstack.lambda_ import telemetry


def patches() -> Iterator[Patch]:
    """Put both in the place of LocalStack's own."""
    yield Patch(version_manager, "LogHandler", telemetry.NoLogHandler)
    yield Patch(version_manager, "record_cw_metric_invocation", telemetry.record_invocation)
    yield Patch(version_manager, "record_cw_metric_error", telemetry.record_error)
