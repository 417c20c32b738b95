"""The requests of the operations on experiments and lineage, as typed objects.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrialComponent.html
"""

from datetime import datetime

from preflight.sagemaker.api.listing import PageRequest
from preflight.sagemaker.api.shape import Shape, Structure, described
from preflight.sagemaker.resources.tags import Tag


class ListOfRecords(PageRequest):
    """These lists have names of their own for the times of creation."""

    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def created(self) -> tuple[datetime | None, datetime | None]:
        return self.created_after, self.created_before


class CreateExperiment(Shape):
    experiment_name: str
    display_name: str | None = described()
    description: str | None = described()
    tags: tuple[Tag, ...] = ()


class DescribeExperiment(Shape):
    experiment_name: str


class ListExperiments(ListOfRecords):
    pass


class UpdateExperiment(Shape):
    experiment_name: str
    display_name: str | None = described()
    description: str | None = described()


class DeleteExperiment(Shape):
    experiment_name: str


class CreateTrial(Shape):
    trial_name: str
    display_name: str | None = described()
    experiment_name: str
    metadata_properties: Structure | None = described()
    tags: tuple[Tag, ...] = ()


class DescribeTrial(Shape):
    trial_name: str


class ListTrials(ListOfRecords):
    experiment_name: str | None = None
    trial_component_name: str | None = None


class UpdateTrial(Shape):
    trial_name: str
    display_name: str | None = described()


class DeleteTrial(Shape):
    trial_name: str


class TrialComponentMembers(Shape):
    """What a trial component tells of itself."""

    display_name: str | None = described()
    status: Structure | None = described()
    start_time: datetime | None = described()
    end_time: datetime | None = described()
    parameters: Structure = described({})
    input_artifacts: Structure = described({})
    output_artifacts: Structure = described({})


class CreateTrialComponent(TrialComponentMembers):
    trial_component_name: str
    metadata_properties: Structure | None = described()
    tags: tuple[Tag, ...] = ()


class UpdateTrialComponent(TrialComponentMembers):
    trial_component_name: str
    parameters_to_remove: tuple[str, ...] = ()
    input_artifacts_to_remove: tuple[str, ...] = ()
    output_artifacts_to_remove: tuple[str, ...] = ()


class DescribeTrialComponent(Shape):
    trial_component_name: str


class ListTrialComponents(ListOfRecords):
    experiment_name: str | None = None
    trial_name: str | None = None
    source_arn: str | None = None


class DeleteTrialComponent(Shape):
    trial_component_name: str


class AssociateTrialComponent(Shape):
    trial_component_name: str
    trial_name: str


class DisassociateTrialComponent(Shape):
    trial_component_name: str
    trial_name: str


class RawMetricData(Shape):
    metric_name: str
    timestamp: datetime
    step: int | None = described()
    value: float


class BatchPutMetrics(Shape):
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_metrics_BatchPutMetrics.html"""

    trial_component_name: str
    metric_data: tuple[RawMetricData, ...]


class CreateArtifact(Shape):
    artifact_name: str | None = None
    source: Structure
    artifact_type: str
    properties: dict[str, str] = described({})
    metadata_properties: Structure | None = described()
    tags: tuple[Tag, ...] = ()


class DescribeArtifact(Shape):
    artifact_arn: str


class ListArtifacts(ListOfRecords):
    source_uri: str | None = None
    artifact_type: str | None = None


class DeleteArtifact(Shape):
    """By either."""

    artifact_arn: str | None = None
    source: Structure | None = None


class AddAssociation(Shape):
    source_arn: str
    destination_arn: str
    association_type: str | None = None


class DeleteAssociation(Shape):
    source_arn: str
    destination_arn: str


class ListAssociations(ListOfRecords):
    source_arn: str | None = None
    destination_arn: str | None = None
    association_type: str | None = None
