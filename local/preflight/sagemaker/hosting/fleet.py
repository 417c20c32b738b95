"""Fleet: the variants behind one endpoint configuration at work, started and stopped together."""

import functools
import random
import secrets
import threading
import time

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.async_request import MAX_TIMEOUT_SECONDS
from preflight.sagemaker.hosting.capture import Capture
from preflight.sagemaker.hosting.model_metrics import ModelMeasurement
from preflight.sagemaker.hosting.record import FleetRecord, VariantRecord
from preflight.sagemaker.hosting.sessions import Sessions
from preflight.sagemaker.hosting.shadow import Shadow
from preflight.sagemaker.hosting.variant import Variant
from preflight.sagemaker.launching.container import Metering
from preflight.sagemaker.launching.folders import remove_folder
from preflight.sagemaker.serving.instance import at_once
from preflight.sagemaker.serving.served_model import Place, ServedModel
from preflight.sagemaker.serving.serving_container import STOP_GRACE_SECONDS
from preflight.sagemaker.telemetry.cloudwatch import Source
from preflight.sagemaker.telemetry.logs import LogStream

STARTUP_TIMEOUT_SECONDS = 480
SERVERLESS_STARTUP_TIMEOUT_SECONDS = 180
VOLUME_GB = 30  # of most instance types; others have less or more. A guess for all.
UTILIZATION = "/aws/sagemaker/Endpoints"  # namespace of what instances use
SERVERLESS_VOLUME_GB = 5  # page: "Deploy models with Amazon SageMaker Serverless Inference"


class Fleet:
    """What serves for an endpoint as ``record`` says; made anew from it."""

    def __init__(self, context: ServiceContext, scope: Scope, endpoint_name: str, record: FleetRecord) -> None:
        self.record = record
        self.sessions = Sessions()
        self._folder = context.folder(
            scope.account_id, scope.region, "endpoints", f"{endpoint_name}-{secrets.token_hex(4)}"
        )
        config = record.config.request.capture
        self.capture = Capture(context, scope, endpoint_name, config, self._folder / "capture") if config else None
        self._requests = 0
        self._idle = threading.Condition()
        self.variants = [
            Variant(
                context,
                variant,
                ServedModel(
                    context,
                    variant.model,
                    _place(context, scope, endpoint_name, variant, record),
                    self._folder / variant.name,
                ),
            )
            for variant in record.variants
        ]
        self._serving = [variant for variant in self.variants if not variant.record.is_shadow]
        shadow = next((variant for variant in self.variants if variant.record.is_shadow), None)
        self.shadow = Shadow(record.variants[0], shadow) if shadow else None

    def start(self) -> None:
        """Return once every instance answers ``/ping``.

        Raises:
            ServingError: one did not; the others may run until ``stop``.
        """
        self.fetch_data()
        for variant in self.variants:
            variant.scale(variant.record.desired_count)

    def fetch_data(self) -> None:
        """Fetch what the variants need before they can ``scale``. Raises ServingError."""
        for variant in self.variants:
            variant.fetch_data()

    def begin_request(self) -> None:
        """It stays until ``end_request``."""
        with self._idle:
            self._requests += 1

    def end_request(self) -> None:
        with self._idle:
            self._requests -= 1
            self._idle.notify_all()

    def drain(self, timeout_seconds: float) -> None:
        """Return once no request is under way; call when none can begin."""
        with self._idle:
            self._idle.wait_for(lambda: self._requests == 0, timeout_seconds)

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        """Stop every instance; returns when all are gone, and what was captured is stored."""
        if self.shadow:
            self.shadow.close()
        at_once([functools.partial(variant.stop, grace_seconds) for variant in self.variants])
        if self.capture:
            self.capture.close()
        remove_folder(self._folder)

    def find_variant(self, name: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.name == name), None)

    def choose_variant(self) -> Variant | None:
        """Any variant, by weight; None if no weight is above 0."""
        weights = [variant.record.weight for variant in self._serving]
        if not any(weights):
            return None
        return random.choices(self._serving, weights)[0] if len(weights) > 1 else self._serving[0]


def _place(
    context: ServiceContext, scope: Scope, endpoint_name: str, variant: VariantRecord, fleet: FleetRecord
) -> Place:
    request, serverless = variant.request, variant.serverless
    is_async = fleet.config.request.async_inference_config is not None
    default = SERVERLESS_STARTUP_TIMEOUT_SECONDS if serverless else STARTUP_TIMEOUT_SECONDS
    return Place(
        scope=scope,
        owner_arn=scope.arn("endpoint", endpoint_name),
        instance_type=request.instance_type or "",
        memory_mb=serverless.memory_size_in_mb if serverless else None,
        startup_timeout_seconds=request.container_startup_health_check_timeout_in_seconds or default,
        volume_gb=request.volume_size_in_gb or (SERVERLESS_VOLUME_GB if serverless else VOLUME_GB),
        log_stream=lambda instance_id: LogStream(
            scope,
            f"/aws/sagemaker/Endpoints/{endpoint_name}",
            f"{request.variant_name}/{instance_id}",
            variant.model.role_arn,
        ),
        invocation_timeout_seconds=MAX_TIMEOUT_SECONDS if is_async else None,
        metering=lambda instance_id: Metering(
            Source(scope, UTILIZATION, (("EndpointName", endpoint_name), ("VariantName", variant.name))), instance_id
        ),
        measure=lambda name, unit, value: context.metrics.put(
            ModelMeasurement(time.time(), scope, endpoint_name, variant.name, name, unit, value)
        ),
    )
