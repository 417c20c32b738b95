"""InvocationClock: what one request takes, for CloudWatch."""

import contextlib
import time
from collections.abc import Iterator

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.hosting.variant import Variant
from preflight.sagemaker.telemetry.cloudwatch import InvocationMeasurement


class InvocationClock:
    """What one request takes, for CloudWatch, from now on."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._model_seconds = 0.0
        self.variant: Variant | None = None  # once it is asked

    @contextlib.contextmanager
    def model(self, variant: Variant) -> Iterator[None]:
        """Around the call of ``variant``'s containers."""
        self.variant = variant
        started = time.perf_counter()
        try:
            yield
        finally:
            self._model_seconds = time.perf_counter() - started

    def invocation(
        self, scope: Scope, endpoint_name: str, variant: Variant, model_status: int
    ) -> InvocationMeasurement:
        total_seconds = time.perf_counter() - self._began
        return InvocationMeasurement(
            time.time(),
            scope,
            endpoint_name,
            variant.name,
            variant.count,
            model_status,
            self._model_seconds,
            total_seconds,
        )
