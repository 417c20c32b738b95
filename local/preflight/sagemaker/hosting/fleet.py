"""Fleet: the variants behind one endpoint configuration, started and stopped together."""

import functools
import random
import secrets
import threading
from collections.abc import Mapping

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.deployed_model import DeployedModel
from preflight.sagemaker.hosting.endpoint_config import EndpointConfig
from preflight.sagemaker.hosting.sessions import Sessions
from preflight.sagemaker.hosting.variant import Variant
from preflight.sagemaker.launching.folders import remove_folder
from preflight.sagemaker.serving.instance import at_once
from preflight.sagemaker.serving.model import Model
from preflight.sagemaker.serving.serving_container import STOP_GRACE_SECONDS


class Fleet:
    """What serves for an endpoint under one configuration."""

    def __init__(
        self,
        context: ServiceContext,
        scope: Scope,
        endpoint_name: str,
        config: EndpointConfig,
        models: Mapping[str, Model],
    ) -> None:
        self.config = config
        self._folder = context.folder(
            scope.account_id, scope.region, "endpoints", f"{endpoint_name}-{secrets.token_hex(4)}"
        )
        self.sessions = Sessions()
        self._requests = 0
        self._idle = threading.Condition()
        self.variants = [
            Variant(
                DeployedModel(
                    context,
                    scope,
                    endpoint_name,
                    variant,
                    models[variant["ModelName"]],
                    self._folder / variant["VariantName"],
                )
            )
            for variant in config.production_variants
        ]

    def start(self) -> None:
        """Return once every instance answers ``/ping``.

        Raises:
            HostingError: one did not; the others may run until ``stop``.
        """
        self.fetch_data()
        for variant in self.variants:
            variant.scale(variant.desired_count)

    def fetch_data(self) -> None:
        """Fetch what the variants need before they can ``scale``. Raises HostingError."""
        for variant in self.variants:
            variant.fetch_data()

    def begin_request(self) -> None:
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
        """Stop every instance; returns when all are gone."""
        at_once([functools.partial(variant.stop, grace_seconds) for variant in self.variants])
        remove_folder(self._folder)

    def find_variant(self, name: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.name == name), None)

    def choose_variant(self) -> Variant | None:
        """Any variant, by weight; None if no weight is above 0."""
        weights = [variant.weight for variant in self.variants]
        if not any(weights):
            return None
        return random.choices(self.variants, weights)[0] if len(weights) > 1 else self.variants[0]

    def begin_creation(self) -> None:
        """Say of every variant that it is about to start."""
        for variant in self.variants:
            variant.set_status("Creating", f"Launching {variant.desired_count} instance(s).")

    def begin_deletion(self) -> None:
        """Say of every variant that it ends."""
        for variant in self.variants:
            variant.set_status("Deleting", f"Terminating {variant.count} instance(s).")

    def settle(self) -> None:
        """Say of every variant that nothing is being done to it any more."""
        for variant in self.variants:
            variant.set_status(None)
