"""The requests of the operations on pipelines and their executions, as typed objects.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html
"""

from datetime import datetime

from preflight.sagemaker.api.listing import PageRequest
from preflight.sagemaker.api.shape import Shape
from preflight.sagemaker.resources.tags import Tag


class DefinitionS3Location(Shape):
    bucket: str
    object_key: str
    version_id: str | None = None


class ParallelismConfiguration(Shape):
    max_parallel_execution_steps: int


class CreatePipeline(Shape):
    pipeline_name: str
    pipeline_display_name: str | None = None
    pipeline_definition: str | None = None
    pipeline_definition_s3_location: DefinitionS3Location | None = None
    pipeline_description: str | None = None
    client_request_token: str
    role_arn: str
    tags: tuple[Tag, ...] = ()
    parallelism_configuration: ParallelismConfiguration | None = None


class UpdatePipeline(Shape):
    pipeline_name: str
    pipeline_display_name: str | None = None
    pipeline_definition: str | None = None
    pipeline_definition_s3_location: DefinitionS3Location | None = None
    pipeline_description: str | None = None
    role_arn: str | None = None
    parallelism_configuration: ParallelismConfiguration | None = None


class DescribePipeline(Shape):
    pipeline_name: str
    pipeline_version_id: int | None = None


class UpdatePipelineVersion(Shape):
    pipeline_arn: str
    pipeline_version_id: int
    pipeline_version_display_name: str | None = None
    pipeline_version_description: str | None = None


class DeletePipeline(Shape):
    pipeline_name: str
    client_request_token: str


class ListByCreationRequest(PageRequest):
    """By the names that lists of pipelines have for it."""

    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def created(self) -> tuple[datetime | None, datetime | None]:
        return self.created_after, self.created_before


class ListPipelines(ListByCreationRequest):
    pipeline_name_prefix: str | None = None


class ListPipelineVersions(Shape):
    next_token: str | None = None
    max_results: int | None = None
    pipeline_name: str
    created_after: datetime | None = None
    created_before: datetime | None = None
    sort_order: str | None = None


class PipelineParameter(Shape):
    name: str
    value: str


class SelectedStep(Shape):
    step_name: str


class SelectiveExecutionConfig(Shape):
    source_pipeline_execution_arn: str | None = None
    selected_steps: tuple[SelectedStep, ...]


class StartPipelineExecution(Shape):
    pipeline_name: str
    pipeline_execution_display_name: str | None = None
    pipeline_parameters: tuple[PipelineParameter, ...] = ()
    pipeline_execution_description: str | None = None
    client_request_token: str
    parallelism_configuration: ParallelismConfiguration | None = None
    selective_execution_config: SelectiveExecutionConfig | None = None
    pipeline_version_id: int | None = None


class UpdatePipelineExecution(Shape):
    pipeline_execution_arn: str
    pipeline_execution_description: str | None = None
    pipeline_execution_display_name: str | None = None
    parallelism_configuration: ParallelismConfiguration | None = None


class StopPipelineExecution(Shape):
    pipeline_execution_arn: str
    client_request_token: str


class RetryPipelineExecution(Shape):
    pipeline_execution_arn: str
    client_request_token: str
    parallelism_configuration: ParallelismConfiguration | None = None


class DescribePipelineExecution(Shape):
    pipeline_execution_arn: str


class DescribePipelineDefinitionForExecution(Shape):
    pipeline_execution_arn: str


class ListPipelineExecutions(ListByCreationRequest):
    pipeline_name: str


class ListPipelineExecutionSteps(Shape):
    next_token: str | None = None
    max_results: int | None = None
    pipeline_execution_arn: str | None = None
    sort_order: str | None = None


class ListPipelineParametersForExecution(Shape):
    next_token: str | None = None
    max_results: int | None = None
    pipeline_execution_arn: str


class OutputParameter(Shape):
    name: str
    value: str


class SendPipelineExecutionStepSuccess(Shape):
    callback_token: str
    output_parameters: tuple[OutputParameter, ...] = ()
    client_request_token: str | None = None


class SendPipelineExecutionStepFailure(Shape):
    callback_token: str
    failure_reason: str | None = None
    client_request_token: str | None = None
