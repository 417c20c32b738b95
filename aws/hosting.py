"""The model behind an endpoint: model, endpoint configuration, endpoint."""

import hashlib
import json
from typing import Any

from aws.client import Aws
from aws.config import DeploySettings
from aws.errors import ResourceError
from aws.names import Names
from aws.report import Step
from aws.training import TrainedModel

ENDPOINT_LOG_GROUPS = "/aws/sagemaker/Endpoints/"
VARIANT = "AllTraffic"
CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
ENDPOINT_TIMEOUT_SECONDS = 3600


def ensure_model(aws: Aws, names: Names, trained: TrainedModel, role_arn: str) -> str:
    """The model of a training job, under the job's name.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
    """
    if aws.find("sagemaker", "DescribeModel", ModelName=trained.job_name) is None:
        aws.change(
            "sagemaker",
            "CreateModel",
            ModelName=trained.job_name,
            PrimaryContainer={"Image": trained.image, "ModelDataUrl": trained.artifact},
            ExecutionRoleArn=role_arn,
            Tags=names.tag_list,
        )
    return trained.job_name


def ensure_endpoint_config(aws: Aws, names: Names, settings: DeploySettings, model_name: str) -> str:
    """An endpoint configuration for this model and machine. It cannot be changed, so its name has their hash.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
    """
    variant = {
        "VariantName": VARIANT,
        "ModelName": model_name,
        "InstanceType": settings.endpoint.instance_type,
        "InitialInstanceCount": settings.endpoint.instance_count,
    }
    digest = hashlib.sha256(json.dumps(variant, sort_keys=True).encode()).hexdigest()[:10]
    name = f"{names.project}-{digest}"
    if aws.find("sagemaker", "DescribeEndpointConfig", EndpointConfigName=name) is None:
        aws.change(
            "sagemaker",
            "CreateEndpointConfig",
            EndpointConfigName=name,
            ProductionVariants=[variant],
            Tags=names.tag_list,
        )
    return name


def ensure_endpoint(aws: Aws, names: Names, config_name: str, step: Step) -> None:
    """Have the endpoint serve this configuration, and wait until it does.

    A failed endpoint can only be deleted: it is, and made again.
    Raises ``ResourceError`` with the FailureReason if it does not come up.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
    """
    step.result = names.endpoint
    endpoint = wait_for_endpoint(aws, names.endpoint, step)
    if endpoint and endpoint["EndpointStatus"] == "Failed":
        aws.change("sagemaker", "DeleteEndpoint", EndpointName=names.endpoint)
        endpoint = wait_for_endpoint(aws, names.endpoint, step)
    wanted = {"EndpointName": names.endpoint, "EndpointConfigName": config_name}
    if endpoint is None:
        aws.change("sagemaker", "CreateEndpoint", Tags=names.tag_list, **wanted)
    elif endpoint["EndpointConfigName"] != config_name:
        aws.change("sagemaker", "UpdateEndpoint", **wanted)
    else:
        return
    _require_serving(wait_for_endpoint(aws, names.endpoint, step), names.endpoint, config_name)


def wait_for_endpoint(aws: Aws, name: str, step: Step) -> dict[str, Any] | None:
    """Wait while the endpoint is changing. Returns what it is then, or ``None`` if it does not exist."""
    endpoint: dict[str, Any] | None = None

    def is_settled() -> bool:
        nonlocal endpoint
        endpoint = aws.find("sagemaker", "DescribeEndpoint", EndpointName=name)
        if endpoint is None or endpoint["EndpointStatus"] not in CHANGING:
            return True
        step.show(endpoint["EndpointStatus"])
        return False

    aws.wait_until(is_settled, what=f"The endpoint {name}", timeout_seconds=ENDPOINT_TIMEOUT_SECONDS)
    return endpoint


def _require_serving(endpoint: dict[str, Any] | None, name: str, config_name: str) -> None:
    # An update that fails leaves the endpoint InService on the configuration it had.
    if endpoint and endpoint["EndpointStatus"] == "InService" and endpoint["EndpointConfigName"] == config_name:
        return
    reason = (endpoint or {}).get("FailureReason", "it is gone")
    raise ResourceError(
        f"The endpoint {name} does not serve {config_name}: {reason}. Its logs are in CloudWatch Logs, "
        f"group {ENDPOINT_LOG_GROUPS}{name}."
    )
