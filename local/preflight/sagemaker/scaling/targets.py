"""Targets: the scalable targets that are registered. They change under the resources' lock."""

import secrets
from collections.abc import Iterator

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.resources.table import Change, Kind, Table
from preflight.sagemaker.scaling.errors import ObjectNotFoundException, ResourceNotFoundException
from preflight.sagemaker.scaling.record import NAMESPACE, PolicyRecord, TargetRecord, describe_target
from preflight.sagemaker.scaling.request import OfTarget

_ENDPOINT_KIND = "Endpoint"
_TARGET = Kind(
    record=TargetRecord,
    arn_kind="scalable-target",
    event=None,
    listing=Listing(result_key="ScalableTargets", name_key="ResourceId"),
    describe=describe_target,
    summarize=describe_target,
    taken=lambda arn: ValidationException(guessed(f"{arn} is registered already.")),
    missing=lambda arn: ResourceNotFoundException(f"Could not find resource {arn}."),
)


class Targets:
    """``loose_alarms`` are those of policies that are gone; whoever has the time deletes them."""

    def __init__(self, context: ServiceContext) -> None:
        self.lock = context.resources.lock
        self._table: Table[TargetRecord] = Table(context.resources, _TARGET)
        self.loose_alarms: list[tuple[Scope, str]] = []
        context.resources.observe(self._follow)

    def find(self, scope: Scope, of: OfTarget) -> TargetRecord | None:
        target = self._table.find(scope, of.resource_id)  # a variant has one dimension, by its kind
        is_it = target and (target.name, target.dimension) == (of.resource_id, of.scalable_dimension)
        return target if is_it else None

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
        self._table.add(target)

    def remove(self, target: TargetRecord) -> None:
        """With all that it has."""
        with self.lock:
            self._table.remove(target)
            for policy in target.policies.values():
                self.let_go(target, policy)

    def let_go(self, target: TargetRecord, policy: PolicyRecord) -> None:
        """The alarms of ``policy`` are of no use any more."""
        with self.lock:
            self.loose_alarms += [(target.scope, name) for name in policy.alarms.values()]

    def of(self, scope: Scope) -> list[TargetRecord]:
        return self._table.of(scope)

    def variants_of(self, scope: Scope, endpoint_name: str) -> set[str]:
        """The variants of an endpoint that are registered."""
        return {target.variant_name for target in self.of(scope) if target.endpoint_name == endpoint_name}

    def __iter__(self) -> Iterator[TargetRecord]:
        return iter(self._table)

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
