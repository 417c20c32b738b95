"""Targets: the scalable targets that are registered. They change under the resources' lock."""

import secrets
from collections.abc import Iterator

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.resources.table import Change
from preflight.sagemaker.scaling.errors import ObjectNotFoundException, ResourceNotFoundException
from preflight.sagemaker.scaling.record import NAMESPACE, PolicyRecord, TargetRecord
from preflight.sagemaker.scaling.request import OfTarget

_ENDPOINT_KIND = "Endpoint"


class Targets:
    """``loose_alarms`` are those of policies that are gone; whoever has the time deletes them."""

    def __init__(self, context: ServiceContext) -> None:
        self.lock = context.resources.lock
        self._tags = context.resources.tags
        self._targets: dict[tuple[Scope, str], TargetRecord] = {}
        self.loose_alarms: list[tuple[Scope, str]] = []
        context.resources.observe(self._follow)

    def find(self, scope: Scope, of: OfTarget) -> TargetRecord | None:
        with self.lock:
            target = self._targets.get((scope, of.resource_id))  # a variant has one dimension, by its kind
        return target if target and target.dimension == of.scalable_dimension else None

    def require(self, scope: Scope, of: OfTarget) -> TargetRecord:
        """Raises ObjectNotFoundException."""
        if target := self.find(scope, of):
            return target
        raise ObjectNotFoundException(f"No scalable target registered for {named(of)}")

    def require_arn(self, scope: Scope, arn: str) -> TargetRecord:
        """Raises ResourceNotFoundException."""
        with self.lock:
            found = next((target for target in self.of(scope) if target.arn == arn), None)
        if found is None:
            raise ResourceNotFoundException(f"Could not find resource {arn}.")
        return found

    def add(self, target: TargetRecord) -> None:
        with self.lock:
            self._targets[target.scope, target.name] = target

    def remove(self, target: TargetRecord) -> None:
        """With all that it has."""
        with self.lock:
            del self._targets[target.scope, target.name]
            self._tags.forget(target.arn)
            for policy in target.policies.values():
                self.let_go(target, policy)

    def let_go(self, target: TargetRecord, policy: PolicyRecord) -> None:
        """The alarms of ``policy`` are of no use any more."""
        with self.lock:
            self.loose_alarms += [(target.scope, name) for name in policy.alarms.values()]

    def of(self, scope: Scope) -> list[TargetRecord]:
        with self.lock:
            return [target for (owner, _), target in self._targets.items() if owner == scope]

    def variants_of(self, scope: Scope, endpoint_name: str) -> set[str]:
        """The variants of an endpoint that are registered."""
        return {target.variant_name for target in self.of(scope) if target.endpoint_name == endpoint_name}

    def __iter__(self) -> Iterator[TargetRecord]:
        with self.lock:
            return iter(list(self._targets.values()))

    def _follow(self, change: Change) -> None:
        """The targets of an endpoint that is deleted go with it."""
        if change.kind != _ENDPOINT_KIND or change.description["EndpointStatus"] != "Deleting":
            return
        for target in self.of(change.scope):
            if target.endpoint_name == change.description["EndpointName"]:
                self.remove(target)


def new_arn(scope: Scope) -> str:
    where = f"{scope.region}:{scope.account_id}"
    return f"arn:{scope.partition}:application-autoscaling:{where}:scalable-target/{secrets.token_hex(18)}"


def named(of: OfTarget) -> str:
    """A target in the words of AWS's errors."""
    return f"service namespace: {NAMESPACE}, resource ID: {of.resource_id}, scalable dimension: {of.scalable_dimension}"
