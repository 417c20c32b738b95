"""The requests of the operations on ModelPackageGroup and ModelPackage, as typed objects.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
"""

from pydantic import Field

from preflight.sagemaker.api.listing import ListRequest
from preflight.sagemaker.api.shape import Shape, Structure, described
from preflight.sagemaker.resources.tags import Tag
from preflight.sagemaker.serving.request import ContainerDefinition, ModelDataSource


class CreateModelPackageGroup(Shape):
    model_package_group_name: str
    model_package_group_description: str | None = described()
    tags: tuple[Tag, ...] = ()


class DescribeModelPackageGroup(Shape):
    model_package_group_name: str


class ListModelPackageGroups(ListRequest):
    cross_account_filter_option: str = "SameAccount"


class DeleteModelPackageGroup(Shape):
    model_package_group_name: str


class PutModelPackageGroupPolicy(Shape):
    """The policy is kept and shown: nobody of another account gets in here."""

    model_package_group_name: str
    resource_policy: str = described(...)


class GetModelPackageGroupPolicy(Shape):
    model_package_group_name: str


class DeleteModelPackageGroupPolicy(Shape):
    model_package_group_name: str


class ModelPackageContainer(Shape):
    """A ModelPackageContainerDefinition."""

    container_hostname: str | None = None
    image: str | None = None
    image_digest: str | None = described()
    model_data_url: str | None = None
    model_data_source: ModelDataSource | None = None
    model_data_e_tag: str | None = described(alias="ModelDataETag")
    environment: dict[str, str] = Field(default_factory=dict)
    model_input: Structure | None = described()
    framework: str | None = described()
    framework_version: str | None = described()
    nearest_model_name: str | None = described()

    def definition(self, environment: dict[str, str]) -> ContainerDefinition:
        """It as a container of a model, with more ``environment``."""
        return ContainerDefinition(
            container_hostname=self.container_hostname,
            image=self.image,
            model_data_url=self.model_data_url,
            model_data_source=self.model_data_source,
            environment={**self.environment, **environment},
        )


class InferenceSpecification(Shape):
    containers: tuple[ModelPackageContainer, ...]
    supported_transform_instance_types: tuple[str, ...] | None = described()
    supported_realtime_inference_instance_types: tuple[str, ...] | None = described()
    supported_content_types: tuple[str, ...] | None = described()
    supported_response_mime_types: tuple[str, ...] | None = described(alias="SupportedResponseMIMETypes")


class AdditionalInferenceSpecification(InferenceSpecification):
    name: str
    description: str | None = described()


class CreateModelPackage(Shape):
    model_package_name: str | None = None
    model_package_group_name: str | None = None
    model_package_description: str | None = described()
    model_package_registration_type: str | None = described()
    inference_specification: InferenceSpecification | None = None
    certify_for_marketplace: bool = False
    tags: tuple[Tag, ...] = ()
    model_approval_status: str | None = None
    metadata_properties: Structure | None = described()
    model_metrics: Structure | None = described()
    client_token: str | None = None
    domain: str | None = described()
    task: str | None = described()
    sample_payload_url: str | None = described()
    customer_metadata_properties: dict[str, str] = described({})
    drift_check_baselines: Structure | None = described()
    additional_inference_specifications: tuple[AdditionalInferenceSpecification, ...] = ()
    skip_model_validation: str | None = described()
    source_uri: str | None = described()
    security_config: Structure | None = described()
    model_card: Structure | None = described()
    model_life_cycle: Structure | None = described()


class DescribeModelPackage(Shape):
    model_package_name: str


class ListModelPackages(ListRequest):
    model_package_group_name: str | None = None
    model_package_type: str | None = None
    model_approval_status: str | None = None


class BatchDescribeModelPackage(Shape):
    model_package_arn_list: tuple[str, ...]


class UpdateModelPackage(Shape):
    model_package_arn: str
    model_approval_status: str | None = None
    model_package_registration_type: str | None = described()
    approval_description: str | None = described()
    customer_metadata_properties: dict[str, str] = described({})
    customer_metadata_properties_to_remove: tuple[str, ...] = ()
    additional_inference_specifications_to_add: tuple[AdditionalInferenceSpecification, ...] = ()
    inference_specification: InferenceSpecification | None = None
    source_uri: str | None = described()
    model_card: Structure | None = described()
    model_life_cycle: Structure | None = described()
    client_token: str | None = None


class DeleteModelPackage(Shape):
    model_package_name: str
