"""The model behind an endpoint: model, endpoint configuration, endpoint."""

import hashlib
import json
from typing import Any

from aws.client import Aws
from aws.errors import InputError, ResourceError
from aws.names import VARIANT, Names
from aws.report import Step
from aws.steps import scaling
from aws.steps.logs import endpoint_group, last_lines
from aws.steps.storage import ASYNC_PREFIX, CAPTURE_PREFIX
from aws.steps.training import TrainedModel
from aws.wanted import Wanted

CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
ENDPOINT_TIMEOUT_SECONDS = 3600


def ensure_model(aws: Aws, names: Names, trained: TrainedModel, role_arn: str) -> str:
    """The model of a training job, under the job's name.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
    """
    container: dict[str, Any] = {"Image": trained.image, "ModelDataUrl": trained.artifact}
    if trained.environment:
        container["Environment"] = trained.environment
    if aws.find("sagemaker", "DescribeModel", ModelName=trained.job_name) is None:
        aws.change(
            "sagemaker",
            "CreateModel",
            why="it does not exist",
            ModelName=trained.job_name,
            PrimaryContainer=container,
            ExecutionRoleArn=role_arn,
            Tags=names.tag_list,
        )
    return trained.job_name


def ensure_endpoint_config(aws: Aws, names: Names, wanted: Wanted, model_name: str) -> str:
    """An endpoint configuration for this model and machine. It cannot be changed, so its name has their hash.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
    """
    variant = {"VariantName": VARIANT, "ModelName": model_name, **_machine(wanted)}
    more: dict[str, Any] = {}
    if wanted.capture:
        more["DataCaptureConfig"] = _capture(names)
    if wanted.asynchronous:
        more["AsyncInferenceConfig"] = _asynchronous(names)
    digest = hashlib.sha256(json.dumps(variant | more, sort_keys=True).encode()).hexdigest()[:10]
    name = f"{names.project}-{digest}"
    if aws.find("sagemaker", "DescribeEndpointConfig", EndpointConfigName=name) is None:
        aws.change(
            "sagemaker",
            "CreateEndpointConfig",
            why="there is none for this model and machine",
            EndpointConfigName=name,
            ProductionVariants=[variant],
            Tags=names.tag_list,
            **more,
        )
    return name


def _capture(names: Names) -> dict[str, Any]:
    """Everything that is asked and answered, as text.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html
    """
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{names.bucket}/{CAPTURE_PREFIX.rstrip('/')}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }


def _asynchronous(names: Names) -> dict[str, Any]:
    """Answers and failures go to the bucket, each under a name that the call is told.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceConfig.html
    """
    folder = f"s3://{names.bucket}/{ASYNC_PREFIX.rstrip('/')}"
    return {"OutputConfig": {"S3OutputPath": f"{folder}/out", "S3FailurePath": f"{folder}/failed"}}


def _machine(wanted: Wanted) -> dict[str, Any]:
    if wanted.serverless:
        serverless = wanted.settings.serverless
        limits = {"MemorySizeInMB": serverless.memory_mb, "MaxConcurrency": serverless.max_concurrency}
        return {"ServerlessConfig": limits}
    machine = wanted.settings.endpoint
    return {"InstanceType": machine.instance_type, "InitialInstanceCount": machine.instance_count}


def ensure_endpoint(
    aws: Aws, names: Names, config_name: str, wanted: Wanted, target: dict[str, Any] | None, step: Step
) -> dict[str, Any] | None:
    """Have the endpoint serve this configuration, and wait until it does.

    ``target`` is its variant as a scalable target, which goes before a change that AWS makes only without; what is left
    of it is returned. Raises ``ResourceError`` with the FailureReason and the last log lines if it does not come up.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
    """
    name = step.result = names.endpoint
    endpoint, why_create = _settled(aws, name, step), "it does not exist"
    why_replace = _why_replace(aws, endpoint, wanted) if endpoint else None
    if target and (why := why_replace or _why_release(aws, endpoint, wanted)):
        scaling.release(aws, names, why=why)
        target = None
    if why_replace:
        aws.change("sagemaker", "DeleteEndpoint", why=why_replace, EndpointName=name)
        wait_until_settled(aws, name, step)
        endpoint, why_create = {}, "it is made anew"
    serves = {"EndpointName": name, "EndpointConfigName": config_name}
    if not endpoint:
        aws.change("sagemaker", "CreateEndpoint", why=why_create, Tags=names.tag_list, **serves)
    elif _config_of(endpoint) != config_name:
        # A variant that scales has as many instances as its traffic needs, not as many as it began with.
        kept = {"RetainAllVariantProperties": True} if target else {}
        aws.change("sagemaker", "UpdateEndpoint", why=f"it serves {_config_of(endpoint)}", **serves, **kept)
    elif endpoint["EndpointStatus"] == "InService":
        return target
    aws.wait(
        "sagemaker",
        "DescribeEndpoint",
        lambda endpoint: _is_serving(aws, names, config_name, endpoint, step),
        what=f"The endpoint {name}",
        timeout_seconds=ENDPOINT_TIMEOUT_SECONDS,
        EndpointName=name,
    )
    return target


def require_updatable(aws: Aws, names: Names) -> None:
    """Raises ``InputError`` if the endpoint that is there cannot become one that answers at once."""
    endpoint = aws.find("sagemaker", "DescribeEndpoint", EndpointName=names.endpoint) or {}
    if "AsyncInferenceConfig" in endpoint:
        raise InputError(
            f"The endpoint {names.endpoint} is asynchronous, and AWS updates no such endpoint to another: deploy "
            "without --async, or destroy it, and then approve."
        )


def _settled(aws: Aws, name: str, step: Step) -> dict[str, Any]:
    """The endpoint once it is not changing; empty if it does not exist."""
    endpoint = aws.find("sagemaker", "DescribeEndpoint", EndpointName=name)
    if endpoint is None:
        return {}
    settled = wait_until_settled(aws, name, step)
    return {} if endpoint["EndpointStatus"] == "Deleting" else settled


def wait_until_settled(aws: Aws, name: str, step: Step) -> dict[str, Any]:
    """Wait while the endpoint is changing. Returns what it is then, empty if it does not exist."""

    def is_settled(endpoint: dict[str, Any]) -> bool:
        if endpoint.get("EndpointStatus") not in CHANGING:
            return True
        step.show(endpoint["EndpointStatus"])
        return False

    return aws.wait(
        "sagemaker",
        "DescribeEndpoint",
        is_settled,
        what=f"The endpoint {name}",
        timeout_seconds=ENDPOINT_TIMEOUT_SECONDS,
        EndpointName=name,
    )


def _why_replace(aws: Aws, endpoint: dict[str, Any], wanted: Wanted) -> str | None:
    """Why an endpoint can only be deleted and made again, if so. Its callers get errors in between."""
    if endpoint["EndpointStatus"] == "Failed":
        return f"it is Failed ({endpoint.get('FailureReason', 'no reason given')}), and a failed endpoint stays so"
    config = _described_config(aws, endpoint)
    if wanted.serverless and not any("ServerlessConfig" in variant for variant in config["ProductionVariants"]):
        return "AWS updates no real-time endpoint to a serverless one: it is made anew, and is away for some minutes"
    if wanted.asynchronous != ("AsyncInferenceConfig" in config):
        return "AWS updates no asynchronous endpoint to another: it is made anew, and is away for some minutes"
    return None


def _why_release(aws: Aws, endpoint: dict[str, Any], wanted: Wanted) -> str | None:
    """Why the variant has to be no scalable target, at least for now, if so."""
    if wanted.autoscale is None:
        return "it is to scale no more"
    types = [variant.get("InstanceType") for variant in _described_config(aws, endpoint)["ProductionVariants"]]
    if endpoint and types != [wanted.settings.endpoint.instance_type]:
        return "AWS changes no instance type of a variant that scales"
    return None


def _described_config(aws: Aws, endpoint: dict[str, Any]) -> dict[str, Any]:
    """The configuration that it serves; without variants if that is not there any more."""
    name = endpoint.get("EndpointConfigName", "")
    found = aws.find("sagemaker", "DescribeEndpointConfig", EndpointConfigName=name) if name else None
    return found or {"ProductionVariants": []}


def _config_of(endpoint: dict[str, Any]) -> str:
    """The configuration it serves, or is being updated to."""
    return str(endpoint.get("PendingDeploymentSummary", endpoint)["EndpointConfigName"])


def _is_serving(aws: Aws, names: Names, config_name: str, endpoint: dict[str, Any], step: Step) -> bool:
    status = endpoint.get("EndpointStatus")
    if status in CHANGING:
        step.show(str(status))
        return False
    # An update that fails leaves the endpoint InService on the configuration it had.
    if status == "InService" and endpoint["EndpointConfigName"] == config_name:
        return True
    group, reason = endpoint_group(names), endpoint.get("FailureReason") or f"it is {status or 'gone'}"
    raise ResourceError(
        f"The endpoint {names.endpoint} does not serve {config_name}: {reason}. Its logs are in CloudWatch Logs, "
        f"group {group}.{last_lines(aws, group)}"
    )
