"""The requests of the operations on EndpointConfig and Endpoint, as typed objects.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
"""

from fractions import Fraction

from pydantic import Field

from preflight.sagemaker.api.listing import ListByStatusRequest, ListRequest
from preflight.sagemaker.api.shape import Shape, Structure, described
from preflight.sagemaker.resources.tags import Tag


class ServerlessConfig(Shape):
    memory_size_in_mb: int = Field(alias="MemorySizeInMB")
    max_concurrency: int
    provisioned_concurrency: int | None = None


class RoutingConfig(Shape):
    routing_strategy: str


class ProductionVariant(Shape):
    variant_name: str
    model_name: str | None = None
    initial_instance_count: int | None = None
    instance_type: str | None = None
    initial_variant_weight: float = 1.0
    serverless_config: ServerlessConfig | None = None
    routing_config: RoutingConfig | None = None
    container_startup_health_check_timeout_in_seconds: int | None = None
    volume_size_in_gb: int | None = Field(None, alias="VolumeSizeInGB")
    model_data_download_timeout_in_seconds: int | None = described()
    enable_ssm_access: bool | None = described(alias="EnableSSMAccess")
    inference_ami_version: str | None = described()


class CaptureOption(Shape):
    capture_mode: str


class CaptureContentTypeHeader(Shape):
    csv_content_types: tuple[str, ...] = ()
    json_content_types: tuple[str, ...] = ()


class DataCaptureConfig(Shape):
    enable_capture: bool = True
    initial_sampling_percentage: int
    destination_s3_uri: str
    kms_key_id: str = ""
    capture_options: tuple[CaptureOption, ...]
    capture_content_type_header: CaptureContentTypeHeader = CaptureContentTypeHeader()

    def captures(self, side: str) -> bool:
        """Whether it asks for ``Input`` or ``Output``."""
        return any(option.capture_mode in (side, "InputAndOutput") for option in self.capture_options)


class AsyncInferenceClientConfig(Shape):
    max_concurrent_invocations_per_instance: int | None = None


class AsyncInferenceNotificationConfig(Shape):
    success_topic: str | None = None
    error_topic: str | None = None
    include_inference_response_in: tuple[str, ...] = ()


class AsyncInferenceOutputConfig(Shape):
    s3_output_path: str | None = None
    s3_failure_path: str | None = None
    kms_key_id: str = ""
    notification_config: AsyncInferenceNotificationConfig = AsyncInferenceNotificationConfig()


class AsyncInferenceConfig(Shape):
    client_config: AsyncInferenceClientConfig = AsyncInferenceClientConfig()
    output_config: AsyncInferenceOutputConfig


class CreateEndpointConfig(Shape):
    endpoint_config_name: str
    production_variants: tuple[ProductionVariant, ...]
    shadow_production_variants: tuple[ProductionVariant, ...] = ()
    tags: tuple[Tag, ...] = ()
    data_capture_config: DataCaptureConfig | None = None
    async_inference_config: AsyncInferenceConfig | None = None
    kms_key_id: str | None = described()
    execution_role_arn: str | None = described()
    vpc_config: Structure | None = described()
    enable_network_isolation: bool = described(False)
    metrics_config: Structure | None = described()

    @property
    def capture(self) -> DataCaptureConfig | None:
        """What is to be captured; None for nothing."""
        config = self.data_capture_config
        return config if config and config.enable_capture else None


class DescribeEndpointConfig(Shape):
    endpoint_config_name: str


class ListEndpointConfigs(ListRequest):
    pass


class DeleteEndpointConfig(Shape):
    endpoint_config_name: str


class CapacitySize(Shape):
    """A part of a fleet: so many instances, or a percentage of them."""

    type: str
    value: int

    def share_of(self, count: int) -> Fraction:
        """As a share of ``count`` instances."""
        return Fraction(self.value, 100 if self.type == "CAPACITY_PERCENT" else count)

    def instances_of(self, count: int) -> int:
        """In instances of ``count``: at least one."""
        return max(1, int(self.share_of(count) * count))


class TrafficRoutingConfig(Shape):
    type: str
    wait_interval_in_seconds: int
    canary_size: CapacitySize | None = None
    linear_step_size: CapacitySize | None = None


class BlueGreenUpdatePolicy(Shape):
    traffic_routing_configuration: TrafficRoutingConfig
    termination_wait_in_seconds: int = 0
    maximum_execution_timeout_in_seconds: int | None = None


class RollingUpdatePolicy(Shape):
    maximum_batch_size: CapacitySize
    wait_interval_in_seconds: int
    maximum_execution_timeout_in_seconds: int | None = None
    rollback_maximum_batch_size: CapacitySize | None = None


class Alarm(Shape):
    alarm_name: str | None = None


class AutoRollbackConfig(Shape):
    alarms: tuple[Alarm, ...] = ()


class DeploymentConfig(Shape):
    """Empty, it is blue/green with all traffic at once, as on AWS."""

    blue_green_update_policy: BlueGreenUpdatePolicy | None = None
    rolling_update_policy: RollingUpdatePolicy | None = None
    auto_rollback_configuration: AutoRollbackConfig = AutoRollbackConfig()


class CreateEndpoint(Shape):
    endpoint_name: str
    endpoint_config_name: str
    deployment_config: DeploymentConfig = DeploymentConfig()
    tags: tuple[Tag, ...] = ()


class DescribeEndpoint(Shape):
    endpoint_name: str


class ListEndpoints(ListByStatusRequest):
    pass


class VariantProperty(Shape):
    variant_property_type: str


class UpdateEndpoint(Shape):
    endpoint_name: str
    endpoint_config_name: str
    retain_all_variant_properties: bool = False
    exclude_retained_variant_properties: tuple[VariantProperty, ...] = ()
    deployment_config: DeploymentConfig = DeploymentConfig()
    retain_deployment_config: bool = False


class ServerlessUpdateConfig(Shape):
    max_concurrency: int | None = None
    provisioned_concurrency: int | None = None


class DesiredWeightAndCapacity(Shape):
    variant_name: str
    desired_weight: float | None = None
    desired_instance_count: int | None = None
    serverless_update_config: ServerlessUpdateConfig | None = None


class UpdateEndpointWeightsAndCapacities(Shape):
    endpoint_name: str
    desired_weights_and_capacities: tuple[DesiredWeightAndCapacity, ...]


class DeleteEndpoint(Shape):
    endpoint_name: str
