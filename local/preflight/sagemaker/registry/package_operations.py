"""The operations on ModelPackage. What makes packages from inside calls ``ModelPackages.create``, as clients do."""

from datetime import UTC, datetime

from preflight.sagemaker.api.errors import ServiceError, ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.registry import package_rules
from preflight.sagemaker.registry.model_package import MODEL_PACKAGE, ModelPackageRecord, describe, updated_fields
from preflight.sagemaker.registry.model_package_group import MODEL_PACKAGE_GROUP, ModelPackageGroupRecord
from preflight.sagemaker.registry.references import name_of
from preflight.sagemaker.registry.request import (
    BatchDescribeModelPackage,
    CreateModelPackage,
    DeleteModelPackage,
    DescribeModelPackage,
    ListModelPackages,
    UpdateModelPackage,
)
from preflight.sagemaker.resources.table import Description, Table
from preflight.sagemaker.serving.request import ContainerDefinition

_BATCH_MEMBERS = (
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
)


class ModelPackages:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._lock = context.resources.lock
        self.groups: Table[ModelPackageGroupRecord] = Table(context.resources, MODEL_PACKAGE_GROUP)
        self._table: Table[ModelPackageRecord] = Table(context.resources, MODEL_PACKAGE)

    @operation(CreateModelPackage, refuses=package_rules.REFUSED)
    def create(self, scope: Scope, request: CreateModelPackage) -> Answer:
        """A request with a token that made a package already is that request again."""
        name, group_name = request.model_package_name, request.model_package_group_name
        if name and group_name:
            raise ValidationException(
                "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one "
                "to use."
            )
        if made := self._made_by(scope, request.client_token):
            return {"ModelPackageArn": made.arn}
        if group_name:
            self._require_group(scope, group_name)
        elif name:
            self._table.require_free(scope, name)
        else:
            raise ValidationException("Missing ARN.")
        package_rules.require_valid(self._context, scope, request)
        with self._lock:
            package = self._version(scope, group_name, request) if group_name else self._unversioned(scope, request)
            self._table.add(package, request.tags)
        return {"ModelPackageArn": package.arn}

    @operation(DescribeModelPackage)
    def describe(self, scope: Scope, request: DescribeModelPackage) -> Answer:
        return self._table.describe(scope, self._require(scope, request.model_package_name).name)

    @operation(ListModelPackages)
    def list(self, scope: Scope, request: ListModelPackages) -> Answer:
        """The packages of their own names, if neither a group nor a type is asked for."""
        asked_group, approval = request.model_package_group_name, request.model_approval_status
        group = self._require_group(scope, asked_group).name if asked_group else None
        wanted = request.model_package_type or ("Versioned" if group else "Unversioned")

        def is_asked_for(summary: Description) -> bool:
            own_group = summary.get("ModelPackageGroupName")
            return (
                wanted in ("Both", "Versioned" if own_group else "Unversioned")
                and group in (None, own_group)
                and approval in (None, summary.get("ModelApprovalStatus"))
            )

        page = self._table.page(scope, request, is_asked_for)
        for summary in page["ModelPackageSummaryList"]:
            if "ModelPackageGroupName" in summary:
                del summary["ModelPackageName"]
        return page

    @operation(BatchDescribeModelPackage)
    def batch_describe(self, scope: Scope, request: BatchDescribeModelPackage) -> Answer:
        found: dict[str, Description] = {}
        errors: dict[str, Description] = {}
        for arn in request.model_package_arn_list:
            try:
                with self._lock:
                    package = describe(self._require(scope, arn))
            except ServiceError as error:
                errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
            else:
                found[arn] = {key: package[key] for key in _BATCH_MEMBERS if key in package}
        return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors}

    @operation(UpdateModelPackage)
    def update(self, scope: Scope, request: UpdateModelPackage) -> Answer:
        package = self._require(scope, request.model_package_arn)
        if request.model_approval_status and package.group is None:
            raise ValidationException(guessed("ModelApprovalStatus can only be updated for versioned model packages."))
        if request.inference_specification:
            package_rules.require_specification(
                self._context, scope, request.inference_specification, "InferenceSpecification"
            )
        added = request.additional_inference_specifications_to_add
        package_rules.require_additional(
            self._context, scope, (*package.request.additional_inference_specifications, *added)
        )
        with self._lock:
            package = self._require(scope, package.arn)
            package.request = _updated(package.request, request)
            if request.approval_description is not None:
                package.approval_description = request.approval_description
            package.last_modified = datetime.now(UTC)
            self._table.announce(package, {"UpdatedModelPackageFields": updated_fields(request.as_asked())})
        return {"ModelPackageArn": package.arn}

    @operation(DeleteModelPackage)
    def delete(self, scope: Scope, request: DeleteModelPackage) -> Answer:
        """Models that were made of it stay. Its number is not given again."""
        with self._lock:
            self._table.remove(self._require(scope, request.model_package_name))
        return {}

    def has_versions(self, group: ModelPackageGroupRecord) -> bool:
        return any(package.group == group.name for package in self._table.of(group.scope))

    def containers(self, scope: Scope, arn: str, environment: dict[str, str]) -> tuple[ContainerDefinition, ...]:
        """The containers of a package that may be deployed, with more ``environment``. Raises ValidationException."""
        with self._lock:
            package = self._require(scope, arn)
            specification = package.request.inference_specification
            if package.group is None and environment:
                raise ValidationException(
                    "1 validation errors detected:Environment variable map cannot be specified when using "
                    "non-versioned ModelPackages"
                )
            if package.group is not None and package.request.model_approval_status != "Approved":
                raise ValidationException(
                    guessed(
                        f"Model package {package.arn} cannot be deployed: its ModelApprovalStatus is "
                        f"{package.request.model_approval_status}, not Approved."
                    )
                )
            if specification is None:
                raise ValidationException(guessed(f"Model package {package.arn} has no InferenceSpecification."))
            return tuple(container.definition(environment) for container in specification.containers)

    def _require(self, scope: Scope, reference: str) -> ModelPackageRecord:
        return self._table.require(scope, name_of(scope, reference, "model-package"))

    def _require_group(self, scope: Scope, reference: str) -> ModelPackageGroupRecord:
        return self.groups.require(scope, name_of(scope, reference, "model-package-group"))

    def _made_by(self, scope: Scope, token: str | None) -> ModelPackageRecord | None:
        made = (package for package in self._table.of(scope) if token and package.request.client_token == token)
        return next(made, None)

    def _version(self, scope: Scope, group_name: str, request: CreateModelPackage) -> ModelPackageRecord:
        group = self._require_group(scope, group_name)
        group.last_version += 1
        name = f"{group.name}/{group.last_version}"
        if request.model_approval_status is None:
            request = request.model_copy(update={"model_approval_status": "PendingManualApproval"})
        return ModelPackageRecord(
            scope=scope,
            name=name,
            arn=self._table.arn(scope, name),
            request=request,
            group=group.name,
            version=group.last_version,
        )

    def _unversioned(self, scope: Scope, request: CreateModelPackage) -> ModelPackageRecord:
        name = str(request.model_package_name)
        return ModelPackageRecord(scope=scope, name=name, arn=self._table.arn(scope, name), request=request)


def _updated(package: CreateModelPackage, changes: UpdateModelPackage) -> CreateModelPackage:
    """Raises ValidationException if it would have too many metadata properties."""
    same = changes.model_fields_set & CreateModelPackage.model_fields.keys()
    update = {name: getattr(changes, name) for name in same - {"client_token", "customer_metadata_properties"}}
    removed = changes.customer_metadata_properties_to_remove
    kept = {key: value for key, value in package.customer_metadata_properties.items() if key not in removed}
    metadata = {**kept, **changes.customer_metadata_properties}
    package_rules.require_metadata(metadata)
    added = changes.additional_inference_specifications_to_add
    if added:
        update["additional_inference_specifications"] = (*package.additional_inference_specifications, *added)
    return package.model_copy(update={**update, "customer_metadata_properties": metadata})
