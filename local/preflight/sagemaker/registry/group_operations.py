"""The operations on ModelPackageGroup."""

import json

from preflight.sagemaker.api.errors import ConflictException, ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, RefusedCase, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.registry.model_package_group import ModelPackageGroupRecord
from preflight.sagemaker.registry.package_operations import ModelPackages
from preflight.sagemaker.registry.references import name_of
from preflight.sagemaker.registry.request import (
    CreateModelPackageGroup,
    DeleteModelPackageGroup,
    DeleteModelPackageGroupPolicy,
    DescribeModelPackageGroup,
    GetModelPackageGroupPolicy,
    ListModelPackageGroups,
    PutModelPackageGroupPolicy,
)

_CROSS_ACCOUNT = RefusedCase("ListModelPackageGroups", "CrossAccountFilterOption CrossAccount")


class ModelPackageGroups:
    def __init__(self, context: ServiceContext, packages: ModelPackages) -> None:
        self._lock = context.resources.lock
        self._packages = packages
        self._table = packages.groups

    @operation(CreateModelPackageGroup)
    def create(self, scope: Scope, request: CreateModelPackageGroup) -> Answer:
        name = request.model_package_group_name
        group = ModelPackageGroupRecord(scope=scope, name=name, arn=self._table.arn(scope, name), request=request)
        self._table.add(group, request.tags)
        return {"ModelPackageGroupArn": group.arn}

    @operation(DescribeModelPackageGroup)
    def describe(self, scope: Scope, request: DescribeModelPackageGroup) -> Answer:
        return self._table.describe(scope, self._require(scope, request.model_package_group_name).name)

    @operation(ListModelPackageGroups, refuses=(_CROSS_ACCOUNT,))
    def list(self, scope: Scope, request: ListModelPackageGroups) -> Answer:
        if request.cross_account_filter_option == "CrossAccount":
            raise _CROSS_ACCOUNT.error()
        return self._table.page(scope, request)

    @operation(DeleteModelPackageGroup)
    def delete(self, scope: Scope, request: DeleteModelPackageGroup) -> Answer:
        """AWS deletes empty groups only."""
        with self._lock:
            group = self._require(scope, request.model_package_group_name)
            if self._packages.has_versions(group):
                raise ConflictException(
                    guessed(f"Model Package Group {group.arn} cannot be deleted: it still has model packages.")
                )
            self._table.remove(group)
        return {}

    @operation(PutModelPackageGroupPolicy)
    def put_policy(self, scope: Scope, request: PutModelPackageGroupPolicy) -> Answer:
        try:
            policy = json.loads(request.resource_policy)
        except (ValueError, RecursionError):
            policy = None
        if not isinstance(policy, dict) or "Statement" not in policy:
            raise ValidationException(guessed("ResourcePolicy is not a valid policy document."))
        with self._lock:
            group = self._require(scope, request.model_package_group_name)
            group.policy = request.resource_policy
        return {"ModelPackageGroupArn": group.arn}

    @operation(GetModelPackageGroupPolicy)
    def get_policy(self, scope: Scope, request: GetModelPackageGroupPolicy) -> Answer:
        return {"ResourcePolicy": _policy(self._require(scope, request.model_package_group_name))}

    @operation(DeleteModelPackageGroupPolicy)
    def delete_policy(self, scope: Scope, request: DeleteModelPackageGroupPolicy) -> Answer:
        with self._lock:
            group = self._require(scope, request.model_package_group_name)
            _policy(group)
            group.policy = None
        return {}

    def _require(self, scope: Scope, reference: str) -> ModelPackageGroupRecord:
        return self._table.require(scope, name_of(scope, reference, "model-package-group"))


def _policy(group: ModelPackageGroupRecord) -> str:
    if group.policy is None:
        raise ValidationException(f"Cannot find resource policy for: {group.arn}")
    return group.policy
