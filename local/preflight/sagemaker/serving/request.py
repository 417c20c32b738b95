"""The requests of the operations on Model, as typed objects.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
"""

from pydantic import Field

from preflight.sagemaker.api.listing import ListRequest
from preflight.sagemaker.api.shape import Shape, Structure, described
from preflight.sagemaker.resources.tags import Tag


class S3ModelDataSource(Shape):
    s3_uri: str
    s3_data_type: str
    compression_type: str
    model_access_config: Structure | None = None


class ModelDataSource(Shape):
    s3_data_source: S3ModelDataSource | None = None


class ImageConfig(Shape):
    repository_access_mode: str
    repository_auth_config: Structure | None = None


class MultiModelConfig(Shape):
    model_cache_setting: str = "Enabled"


class ContainerDefinition(Shape):
    container_hostname: str | None = None
    image: str | None = None
    mode: str = "SingleModel"
    model_data_url: str | None = None
    model_data_source: ModelDataSource | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    image_config: ImageConfig | None = described()
    model_package_name: str | None = None
    multi_model_config: MultiModelConfig = MultiModelConfig()

    @property
    def is_multi_model(self) -> bool:
        return self.mode == "MultiModel"

    @property
    def runs_script(self) -> bool:
        """Whether it names a script of the caller's. The SDK sends an empty name for none."""
        return bool(self.environment.get("SAGEMAKER_PROGRAM"))


class InferenceExecutionConfig(Shape):
    mode: str


class CreateModel(Shape):
    model_name: str
    primary_container: ContainerDefinition | None = None
    containers: tuple[ContainerDefinition, ...] = ()
    inference_execution_config: InferenceExecutionConfig | None = None
    execution_role_arn: str | None = None
    tags: tuple[Tag, ...] = ()
    vpc_config: Structure | None = described()
    enable_network_isolation: bool = described(False)


class DescribeModel(Shape):
    model_name: str


class ListModels(ListRequest):
    pass


class DeleteModel(Shape):
    model_name: str
