"""The operations on Pipeline."""

from datetime import UTC, datetime

from preflight.sagemaker.api.errors import ConflictException, ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.roles import require_assumable_role
from preflight.sagemaker.aws.s3 import S3_ERRORS
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.pipelines.arguments import OWN_NAME, require_arguments
from preflight.sagemaker.pipelines.definition import CACHING, MLFLOW, REFUSED_TYPES, Definition, RetriedStep
from preflight.sagemaker.pipelines.description import VERSION_LISTING, describe_pipeline, summarize_version
from preflight.sagemaker.pipelines.execution_operations import PipelineExecutions
from preflight.sagemaker.pipelines.graph import Graph
from preflight.sagemaker.pipelines.parameters import require_defaults
from preflight.sagemaker.pipelines.record import PipelineRecord, PipelineVersion
from preflight.sagemaker.pipelines.request import (
    CreatePipeline,
    DefinitionS3Location,
    DeletePipeline,
    DescribePipeline,
    ListByCreationRequest,
    ListPipelines,
    ListPipelineVersions,
    UpdatePipeline,
    UpdatePipelineVersion,
)

REFUSED = (*REFUSED_TYPES.values(), CACHING, MLFLOW, OWN_NAME)


class Pipelines:
    def __init__(self, context: ServiceContext, executions: PipelineExecutions) -> None:
        self._context = context
        self._executions = executions
        self._table = executions.pipelines
        self._lock = context.resources.lock

    @operation(CreatePipeline, refuses=REFUSED)
    def create(self, scope: Scope, request: CreatePipeline) -> Answer:
        name = request.pipeline_name
        made = self._table.find(scope, name)
        if made and made.token == request.client_request_token:
            return {"PipelineArn": made.arn}
        self._table.require_free(scope, name)
        definition = self._definition(scope, request.pipeline_definition, request.pipeline_definition_s3_location)
        if definition is None:
            raise ValidationException(
                "Either Pipeline Definition or Pipeline Definition S3 location should be provided"
            )
        require_assumable_role(self._context.services, scope, request.role_arn)
        parallelism = request.parallelism_configuration
        pipeline = PipelineRecord(
            scope=scope,
            name=name,
            arn=self._table.arn(scope, name),
            display_name=request.pipeline_display_name or name,
            description=request.pipeline_description,
            versions=[PipelineVersion(definition=definition)],
            role_arn=request.role_arn,
            max_parallel=parallelism.max_parallel_execution_steps if parallelism else None,
            token=request.client_request_token,
        )
        self._table.add(pipeline, request.tags)
        return {"PipelineArn": pipeline.arn}

    @operation(UpdatePipeline)
    def update(self, scope: Scope, request: UpdatePipeline) -> Answer:
        pipeline = self._table.require(scope, request.pipeline_name)
        definition = self._definition(scope, request.pipeline_definition, request.pipeline_definition_s3_location)
        if request.role_arn:
            require_assumable_role(self._context.services, scope, request.role_arn)
        with self._lock:
            newest = pipeline.newest
            version = PipelineVersion(number=newest.number + 1, definition=definition or newest.definition)
            pipeline.versions.append(version)
            pipeline.display_name = request.pipeline_display_name or pipeline.display_name
            pipeline.role_arn = request.role_arn or pipeline.role_arn
            if request.pipeline_description is not None:
                pipeline.description = request.pipeline_description
            if request.parallelism_configuration:
                pipeline.max_parallel = request.parallelism_configuration.max_parallel_execution_steps
            pipeline.last_modified = datetime.now(UTC)
            return {"PipelineArn": pipeline.arn, "PipelineVersionId": version.number}

    @operation(DescribePipeline)
    def describe(self, scope: Scope, request: DescribePipeline) -> Answer:
        with self._lock:
            pipeline = self._executions.pipeline(scope, request.pipeline_name)
            return describe_pipeline(pipeline, self._executions.version(pipeline, request.pipeline_version_id))

    @operation(UpdatePipelineVersion)
    def update_version(self, scope: Scope, request: UpdatePipelineVersion) -> Answer:
        with self._lock:
            pipeline = self._executions.pipeline(scope, request.pipeline_arn)
            version = self._executions.version(pipeline, request.pipeline_version_id)
            version.display_name = request.pipeline_version_display_name or version.display_name
            if request.pipeline_version_description is not None:
                version.description = request.pipeline_version_description
            version.last_modified = datetime.now(UTC)
        return {"PipelineArn": pipeline.arn, "PipelineVersionId": version.number}

    @operation(ListPipelineVersions)
    def list_versions(self, scope: Scope, request: ListPipelineVersions) -> Answer:
        with self._lock:
            pipeline = self._executions.pipeline(scope, request.pipeline_name)
            versions = [summarize_version(pipeline, version) for version in pipeline.versions]
        return VERSION_LISTING.page(versions, ListByCreationRequest.model_validate(request.as_asked()))

    @operation(ListPipelines)
    def list(self, scope: Scope, request: ListPipelines) -> Answer:
        prefix = (request.pipeline_name_prefix or "").lower()
        return self._table.page(scope, request, lambda summary: summary["PipelineName"].lower().startswith(prefix))

    @operation(DeletePipeline)
    def delete(self, scope: Scope, request: DeletePipeline) -> Answer:
        """Its executions go with it."""
        with self._lock:
            pipeline = self._table.require(scope, request.pipeline_name)
            executions = self._executions.of(pipeline)
            if any(not execution.is_final for execution in executions):
                raise ConflictException(
                    guessed(f"The pipeline {pipeline.arn} cannot be deleted while it has executions that run.")
                )
            self._executions.remove(executions)
            self._table.remove(pipeline)
        return {"PipelineArn": pipeline.arn}

    def _definition(self, scope: Scope, text: str | None, location: DefinitionS3Location | None) -> str | None:
        """The definition of a request, checked; None if it has none. Raises ValidationException."""
        if text is not None and location is not None:
            raise ValidationException(
                "Both Pipeline Definition and Pipeline Definition S3 Location shouldn't be present"
            )
        if location is not None:
            text = self._read(scope, location)
        if text is None:
            return None
        definition = Definition.parse(text)
        require_defaults(definition.parameters)
        for node in Graph(definition).nodes.values():
            if isinstance(node.step, RetriedStep):
                require_arguments(node.step)
        return text

    def _read(self, scope: Scope, location: DefinitionS3Location) -> str:
        version = {"VersionId": location.version_id} if location.version_id else {}
        s3 = self._context.services.client("s3", scope)
        try:
            body: bytes = s3.get_object(Bucket=location.bucket, Key=location.object_key, **version)["Body"].read()
            return body.decode()
        except (*S3_ERRORS, UnicodeDecodeError) as error:
            where = f"s3://{location.bucket}/{location.object_key}"
            raise ValidationException(guessed(f"The definition at {where} cannot be read: {error}")) from error
