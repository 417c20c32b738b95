"""Endpoint: a name that keeps answering while the fleet behind it comes, changes and goes.

States (EndpointStatus), as on AWS::

    Creating ─► InService ◄─► Updating          a failed update: InService on the old fleet, with FailureReason
        │            │
        └─► Failed ──┴─► Deleting ─► gone

One thread carries each change through; reads and invocations never wait for it.
"""

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local.sagemaker.context import ServiceContext
from local.sagemaker.endpoint_config import EndpointConfig, EndpointConfigs
from local.sagemaker.errors import ResourceLimitExceeded, ValidationException
from local.sagemaker.fleet import INVOCATION_TIMEOUT_SECONDS, Fleet, HostingError
from local.sagemaker.listing import Listing
from local.sagemaker.model import Models
from local.sagemaker.store import Scope
from local.sagemaker.tags import tag_resource

LOG = logging.getLogger(__name__)

INSTANCE_LIMIT = 20  # of one type in one account and region; AWS's own default is lower for most types

_LISTING = Listing(result_key="Endpoints", name_key="EndpointName", status_key="EndpointStatus")


class Endpoint:
    """One endpoint; ``describe`` shows it as DescribeEndpoint does."""

    def __init__(self, context: ServiceContext, scope: Scope, name: str, config_name: str) -> None:
        self.name = name
        self.arn = scope.arn("endpoint", name)
        self._context = context
        self._scope = scope
        self._config_name = config_name
        self.status = "Creating"
        self.fleet: Fleet | None = None
        self._starting: Fleet | None = None
        self._failure_reason: str | None = None
        self.creation_time = self._last_modified = datetime.now(UTC)

    def describe(self) -> dict[str, Any]:
        with self._context.stores.lock:
            description = {
                "EndpointName": self.name,
                "EndpointArn": self.arn,
                "EndpointConfigName": self._config_name,
                "EndpointStatus": self.status,
                "ProductionVariants": [variant.summary() for variant in self.fleet.variants] if self.fleet else None,
                "FailureReason": self._failure_reason,
                "CreationTime": self.creation_time,
                "LastModifiedTime": self._last_modified,
            }
        return {key: value for key, value in description.items() if value is not None}

    def summary(self) -> dict[str, Any]:
        with self._context.stores.lock:
            return {
                "EndpointName": self.name,
                "EndpointArn": self.arn,
                "CreationTime": self.creation_time,
                "LastModifiedTime": self._last_modified,
                "EndpointStatus": self.status,
            }

    def deploy(self, fleet: Fleet) -> None:
        """Start ``fleet`` in the background and put it in the place of the one that serves."""
        with self._context.stores.lock:
            self._starting = fleet
            self._last_modified = datetime.now(UTC)
        threading.Thread(target=self._deploy, args=(fleet,), name=f"endpoint-{self.name}", daemon=True).start()

    def delete(self) -> None:
        """Stop its fleet in the background; then ``forget`` it."""
        threading.Thread(target=self._delete, name=f"endpoint-{self.name}", daemon=True).start()

    def kill(self) -> None:
        """Stop its processes at once: the stack goes down."""
        for fleet in (self._starting, self.fleet):
            if fleet:
                fleet.stop(grace_seconds=0)

    def require_settled(self) -> None:
        """Raises ValidationException while a change is under way."""
        if self.status not in ("InService", "Failed", "OutOfService"):
            raise ValidationException(f'Cannot update in-progress endpoint "{self.arn}".')

    def _deploy(self, fleet: Fleet) -> None:
        failure: str | None = None
        try:
            fleet.start()
        except HostingError as error:
            failure = str(error)
        except Exception as error:
            LOG.exception("Endpoint %s failed inside Preflight.", self.name)
            failure = f"InternalServerError: {type(error).__name__}: {error}"
        with self._context.stores.lock:
            previous = self.fleet
            self._starting = None
            self._last_modified = datetime.now(UTC)
            self._failure_reason = failure
            if failure is None:
                self.fleet, self._config_name = fleet, fleet.config.name
            self.status = "InService" if self.fleet else "Failed"
        if failure is None and previous:
            previous.drain(INVOCATION_TIMEOUT_SECONDS)
            previous.stop()

    def _delete(self) -> None:
        with self._context.stores.lock:
            fleet, self.fleet = self.fleet, None
        if fleet:
            fleet.drain(INVOCATION_TIMEOUT_SECONDS)
            fleet.stop()
        with self._context.stores.lock:
            store = self._context.stores[self._scope]
            store.endpoints.pop(self.name, None)
            store.tags.pop(self.arn, None)


class Endpoints:
    """Operations on Endpoint."""

    def __init__(self, context: ServiceContext, configs: EndpointConfigs, models: Models) -> None:
        self._context = context
        self._configs = configs
        self._models = models

    def create(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["EndpointName"]
        with self._context.stores.lock:
            store = self._context.stores[scope]
            arn = scope.arn("endpoint", name)
            if name in store.endpoints:
                raise ValidationException(f'Cannot create already existing endpoint "{arn}".')
            config = self._configs.require(scope, request["EndpointConfigName"])
            self._require_within_limits(scope, config)
            fleet = self._fleet(scope, name, config)
            endpoint = Endpoint(self._context, scope, name, config.name)
            tag_resource(store, arn, request.get("Tags", []))
            store.endpoints[name] = endpoint
            endpoint.deploy(fleet)
        return {"EndpointArn": arn}

    def update(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            endpoint = self.require(scope, request["EndpointName"])
            config = self._configs.require(scope, request["EndpointConfigName"])
            endpoint.require_settled()
            if endpoint.status == "Failed":
                raise ValidationException(f'Cannot update failed endpoint "{endpoint.arn}".')  # words guessed
            self._require_within_limits(scope, config)
            fleet = self._fleet(scope, endpoint.name, config)
            endpoint.status = "Updating"
            endpoint.deploy(fleet)
        return {"EndpointArn": endpoint.arn}

    def describe(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        return self.require(scope, request["EndpointName"]).describe()

    def list(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            summaries = [endpoint.summary() for endpoint in self._context.stores[scope].endpoints.values()]
        return _LISTING.page(summaries, request)

    def delete(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            endpoint = self.require(scope, request["EndpointName"])
            endpoint.require_settled()
            endpoint.status = "Deleting"
            endpoint.delete()
        return {}

    def close(self) -> None:
        """Stop every fleet: the stack goes down."""
        for store in self._context.stores:
            for endpoint in list(store.endpoints.values()):
                endpoint.kill()

    def require(self, scope: Scope, name: str) -> Endpoint:
        with self._context.stores.lock:
            endpoint = self._context.stores[scope].endpoints.get(name)
        if endpoint is None:
            raise ValidationException(f'Could not find endpoint "{scope.arn("endpoint", name)}".')
        return endpoint

    def _require_within_limits(self, scope: Scope, config: EndpointConfig) -> None:
        """Every instance is a process here: a slip of the pen must not start hundreds."""
        used: Counter[str] = Counter()
        for endpoint in self._context.stores[scope].endpoints.values():
            for variant in endpoint.fleet.variants if endpoint.fleet else ():
                used[variant.config["InstanceType"]] += variant.config["InitialInstanceCount"]
        wanted: Counter[str] = Counter()
        for variant_config in config.production_variants:
            wanted[variant_config["InstanceType"]] += variant_config["InitialInstanceCount"]
        for instance_type, count in wanted.items():
            if used[instance_type] + count > INSTANCE_LIMIT:
                raise ResourceLimitExceeded(
                    f"The account-level service limit '{instance_type} for endpoint usage' is {INSTANCE_LIMIT} "
                    f"Instances, with current utilization of {used[instance_type]} Instances and a request delta of "
                    f"{count} Instances. Please use AWS Service Quotas to request an increase for this quota."
                )

    def _fleet(self, scope: Scope, name: str, config: EndpointConfig) -> Fleet:
        models = {
            variant["ModelName"]: self._models.require(scope, variant["ModelName"])
            for variant in config.production_variants
        }
        return Fleet(self._context, scope, name, config, models)
