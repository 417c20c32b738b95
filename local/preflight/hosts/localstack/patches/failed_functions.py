"""A function whose making has failed can be deleted.

LocalStack looks for what runs it, finds nothing, and answers 500.
"""

import contextlib
from collections.abc import Iterator

from localstack.services.lambda_.invocation.lambda_service import LambdaService
from localstack.utils.patch import Patch


def patches() -> Iterator[Patch]:
    """Let there be nothing to stop."""
    stop = LambdaService.stop_version

    def stop_version(self: LambdaService, qualified_arn: str) -> None:
        with contextlib.suppress(ValueError):  # raised last, when nothing is found
            stop(self, qualified_arn)

    yield Patch(LambdaService, "stop_version", stop_version)
