"""The function that EventBridge calls when a model package is approved: the endpoint serves that package from then on.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

import json
import os
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

SAGEMAKER = boto3.client("sagemaker")
SCALING = boto3.client("application-autoscaling")
ENDPOINT_NAME = os.environ["ENDPOINT_NAME"]
ROLE_ARN = os.environ["ROLE_ARN"]
TAGS = json.loads(os.environ["TAGS"])


def handler(event: Mapping[str, Any], context: object) -> str | None:
    """Make model and configuration of the package, under one name, and create or update the endpoint.

    An event may come twice: what exists already is left as it is. An error is raised, and Lambda tries again.
    """
    package = event["detail"]
    if "ModelApprovalStatus" not in package.get("UpdatedModelPackageFields", ["ModelApprovalStatus"]):
        return None  # approved before, and something else has changed
    name = f"{ENDPOINT_NAME}-approved-{package['ModelPackageVersion']}"
    if not exists("describe_model", ModelName=name):
        container = {"ModelPackageName": package["ModelPackageArn"]}
        SAGEMAKER.create_model(ModelName=name, Containers=[container], ExecutionRoleArn=ROLE_ARN, Tags=TAGS)
    if not exists("describe_endpoint_config", EndpointConfigName=name):
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "InstanceType": os.environ["INSTANCE_TYPE"],
            "InitialInstanceCount": int(os.environ["INSTANCE_COUNT"]),
        }
        SAGEMAKER.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=TAGS)
    endpoint = {"EndpointName": ENDPOINT_NAME, "EndpointConfigName": name}
    found = exists("describe_endpoint", EndpointName=ENDPOINT_NAME)
    if not found:
        SAGEMAKER.create_endpoint(**endpoint, Tags=TAGS)
    elif found["EndpointConfigName"] != name:
        # A variant that scales has as many instances as its traffic needs: the new model begins with as many.
        kept = {"RetainAllVariantProperties": True} if scales() else {}
        SAGEMAKER.update_endpoint(**endpoint, **kept)
    print(f"{ENDPOINT_NAME} serves {package['ModelPackageArn']}")
    return name


def scales() -> bool:
    """Whether the endpoint's variant is registered with Application Auto Scaling."""
    variant = f"endpoint/{ENDPOINT_NAME}/variant/AllTraffic"
    found = SCALING.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[variant])
    return bool(found["ScalableTargets"])


def exists(describe: str, **name: str) -> Mapping[str, Any] | None:
    """The description of what has this name, if there is such a thing."""
    try:
        found: Mapping[str, Any] = getattr(SAGEMAKER, describe)(**name)
    except ClientError as error:
        if error.response["Error"]["Message"].startswith("Could not find"):
            return None
        raise
    return found
