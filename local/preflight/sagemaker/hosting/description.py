"""An endpoint as DescribeEndpoint and ListEndpoints show it. Call under the resources' lock."""

from collections.abc import Callable, Iterable
from typing import Any

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.hosting.endpoint_config import EndpointConfigRecord
from preflight.sagemaker.hosting.record import EndpointRecord, FleetRecord, VariantRecord
from preflight.sagemaker.resources.table import Kind


def describe(endpoint: EndpointRecord) -> dict[str, Any]:
    fleet, pending = endpoint.fleet, endpoint.pending
    description = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config_name,
        "EndpointStatus": endpoint.status,
        **(_by_role(fleet.variants, _variant) if fleet else {}),
        "FailureReason": endpoint.failure_reason,
        "CreationTime": endpoint.creation_time,
        "LastModifiedTime": endpoint.last_modified,
        "LastDeploymentConfig": endpoint.deployment_config.as_asked() or None,
        "PendingDeploymentSummary": _pending(pending) if pending else None,
        **(_of_config(fleet.config) if fleet else {}),
    }
    return {key: value for key, value in description.items() if value is not None}


def summarize(endpoint: EndpointRecord) -> dict[str, Any]:
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.creation_time,
        "LastModifiedTime": endpoint.last_modified,
        "EndpointStatus": endpoint.status,
    }


def _pending(fleet: FleetRecord) -> dict[str, Any]:
    return {
        "EndpointConfigName": fleet.config.name,
        **_by_role(
            fleet.variants,
            lambda variant: (
                _variant(variant) | ({"InstanceType": variant.request.instance_type} if not variant.serverless else {})
            ),
        ),
        "StartTime": fleet.since,
    }


def _by_role(
    variants: Iterable[VariantRecord], show: Callable[[VariantRecord], dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    production = [show(variant) for variant in variants if not variant.is_shadow]
    shadows = [show(variant) for variant in variants if variant.is_shadow]
    return {"ProductionVariants": production, **({"ShadowProductionVariants": shadows} if shadows else {})}


def _variant(variant: VariantRecord) -> dict[str, Any]:
    images = [definition.image for definition in variant.model.containers.values()]
    shown: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": [
            {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": variant.resolution_time}
            for image in images
        ],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
    }
    if variant.serverless is None:
        shown |= {"CurrentInstanceCount": variant.count, "DesiredInstanceCount": variant.desired_count}
    else:
        shown |= {"CurrentInstanceCount": 0, "CurrentServerlessConfig": variant.serverless.as_asked()}
    if variant.desired_serverless and variant.desired_serverless != variant.serverless:
        shown["DesiredServerlessConfig"] = variant.desired_serverless.as_asked()
    if status := variant.status:
        message = {"StatusMessage": status.message} if status.message else {}
        shown["VariantStatus"] = [{"Status": status.status, "StartTime": status.start_time, **message}]
    if variant.request.routing_config:
        shown["RoutingConfig"] = variant.request.routing_config.as_asked()
    return shown


def _of_config(config: EndpointConfigRecord) -> dict[str, Any]:
    """What DescribeEndpoint shows of the configuration beside its variants."""
    shown: dict[str, Any] = {}
    if config.request.metrics_config:
        shown["MetricsConfig"] = config.request.metrics_config
    if async_inference := config.request.async_inference_config:
        shown["AsyncInferenceConfig"] = async_inference.as_asked()
    if capture := config.request.data_capture_config:
        shown["DataCaptureConfig"] = {
            "EnableCapture": capture.enable_capture,
            "CaptureStatus": "Started" if capture.enable_capture else "Stopped",
            "CurrentSamplingPercentage": capture.initial_sampling_percentage,
            "DestinationS3Uri": capture.destination_s3_uri,
            "KmsKeyId": capture.kms_key_id,
        }
    return shown


ENDPOINT = Kind(
    record=EndpointRecord,
    arn_kind="endpoint",
    event="Endpoint",
    listing=Listing(result_key="Endpoints", name_key="EndpointName", status_key="EndpointStatus"),
    describe=describe,
    summarize=summarize,
    taken=lambda arn: ValidationException(f'Cannot create already existing endpoint "{arn}".'),
    missing=lambda arn: ValidationException(f'Could not find endpoint "{arn}".'),
    searched_as="Endpoint",
)
