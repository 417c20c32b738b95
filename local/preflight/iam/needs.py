"""What a request needs: actions, on resources, with the condition keys it brings.

Services, actions, ARNs and keys as the Service Authorization Reference has them:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

Parameters = Mapping[str, Any]
Keys = Mapping[str, str | Sequence[str]]

NOT_DECIDED = ("apigateway", "apigatewayv2")  # their actions are named after HTTP methods and paths


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes."""

    account: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """``resource`` is kind and name as the service writes them."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True, slots=True)
class Need:
    """One right that must be there. ``resource`` is empty for actions that know none.

    None: the service is one whose ARNs are not known here, and the action alone decides.
    """

    action: str
    resource: str | None = ""
    keys: Keys = field(default_factory=dict)


def needs(service: str, operation: str, parameters: Parameters, place: Place) -> list[Need]:
    """What an ``operation`` of botocore's ``service`` needs; nothing for what everybody may do."""
    if service in NOT_DECIDED or (service, operation) == ("sts", "GetCallerIdentity"):
        return []
    find = _SERVICES.get(service)
    if find is None:
        return [Need(f"{service}:{operation}", None)]
    return list(find(operation, parameters, place))


# --- S3 ---

_S3_ACTIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListParts": "ListMultipartUploadParts",
    "PostObject": "PutObject",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "SelectObjectContent": "GetObject",
    "UploadPart": "PutObject",
}
_S3_OF_A_VERSION = {
    "DeleteObject": "DeleteObjectVersion",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
    "GetObject": "GetObjectVersion",
    "GetObjectAcl": "GetObjectVersionAcl",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectAcl": "PutObjectVersionAcl",
    "PutObjectTagging": "PutObjectVersionTagging",
}
_S3_KEYS = {
    "Prefix": "s3:prefix",
    "Delimiter": "s3:delimiter",
    "MaxKeys": "s3:max-keys",
    "ACL": "s3:x-amz-acl",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "VersionId": "s3:versionid",
}


def _s3(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    keys = {key: str(parameters[member]) for member, key in _S3_KEYS.items() if parameters.get(member) is not None}
    bucket = f"arn:{place.partition}:s3:::{parameters.get('Bucket', '')}"
    target = f"{bucket}/{parameters['Key']}" if parameters.get("Key") else bucket
    if operation in ("CopyObject", "UploadPartCopy"):
        yield _copied(parameters.get("CopySource", ""), place)
        yield Need("s3:PutObject", target, keys)
        return
    if operation == "DeleteObjects":
        for entry in parameters.get("Delete", {}).get("Objects", ()):
            action = "s3:DeleteObjectVersion" if entry.get("VersionId") else "s3:DeleteObject"
            yield Need(action, f"{bucket}/{entry.get('Key')}", keys)
        return
    action = _S3_ACTIONS.get(operation, operation)
    if parameters.get("VersionId"):
        action = _S3_OF_A_VERSION.get(action, action)
    yield Need(f"s3:{action}", "" if action == "ListAllMyBuckets" else target, keys)
    if operation == "GetObjectAttributes":
        yield Need("s3:GetObject", target, keys)
    if action == "PutObject" and parameters.get("Tagging"):
        yield Need("s3:PutObjectTagging", target, keys)
    if action == "PutObject" and parameters.get("ACL"):
        yield Need("s3:PutObjectAcl", target, keys)


def _copied(source: object, place: Place) -> Need:
    """``bucket/key``, quoted, perhaps with a slash before it or a version behind it."""
    path, _, version = str(source).lstrip("/").partition("?versionId=")
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    return Need(action, f"arn:{place.partition}:s3:::{unquote(path)}")


# --- SageMaker ---

_SAGEMAKER_RESOURCES = re.compile(r"(?:Create|Delete|Describe|Start|Stop|Update)(?P<noun>[A-Za-z]+)")
_ENDPOINT_OPERATIONS = ("InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream")
_ON_A_PIPELINE = ("StartPipelineExecution", "ListPipelineExecutions", "ListPipelineVersions")
_SAGEMAKER = "sagemaker.amazonaws.com"


def _sagemaker(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    resource = _sagemaker_resource(operation, parameters, place)
    keys = _sagemaker_keys(parameters) | _tag_keys(parameters)
    yield Need(f"sagemaker:{operation}", resource, keys)
    if operation in ("CreateEndpoint", "UpdateEndpoint"):
        yield Need(
            f"sagemaker:{operation}", _named(place, "endpoint-config", parameters.get("EndpointConfigName")), keys
        )
    if operation.startswith("Create") and parameters.get("Tags"):
        yield Need("sagemaker:AddTags", resource, keys)
    if operation.startswith(("Create", "Update")):
        for role in sorted(_roles(parameters)):
            yield _pass_role(role, _SAGEMAKER)


def _sagemaker_resource(operation: str, parameters: Parameters, place: Place) -> str:
    if operation in _ENDPOINT_OPERATIONS or operation == "UpdateEndpointWeightsAndCapacities":
        return _named(place, "endpoint", parameters.get("EndpointName"))
    for member in ("ResourceArn", "ModelPackageArn", "PipelineExecutionArn", "PipelineArn"):
        if member in parameters:
            return str(parameters[member])
    if operation == "CreateModelPackage" and (group := parameters.get("ModelPackageGroupName")):
        return _named(place, "model-package", f"{str(group).rpartition('/')[2]}/*")
    if operation == "BatchPutMetrics":
        return _named(place, "experiment-trial-component", parameters.get("TrialComponentName"))
    if operation in _ON_A_PIPELINE:
        pipeline = str(parameters.get("PipelineName", ""))
        return pipeline if pipeline.startswith("arn:") else _named(place, "pipeline", pipeline)
    if operation == "ListTrainingJobsForHyperParameterTuningJob":
        return _named(place, "hyper-parameter-tuning-job", parameters.get("HyperParameterTuningJobName"))
    found = _SAGEMAKER_RESOURCES.fullmatch(operation)
    name = parameters.get(f"{found['noun']}Name") if found else None
    if found is None or not isinstance(name, str):
        return ""
    if name.startswith("arn:"):
        return name
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", found["noun"]).lower()
    return _named(place, f"experiment-{kind}" if kind in ("trial", "trial-component") else kind, name)


def _named(place: Place, kind: str, name: object) -> str:
    """SageMaker writes names in lower case in its ARNs."""
    return place.arn("sagemaker", f"{kind}/{name}".lower())


_SAGEMAKER_KEYS = (  # each with the members that bring it
    ("NetworkIsolation", "EnableNetworkIsolation"),
    ("NetworkIsolation", "NetworkConfig.EnableNetworkIsolation"),
    ("InterContainerTrafficEncryption", "EnableInterContainerTrafficEncryption"),
    ("InterContainerTrafficEncryption", "NetworkConfig.EnableInterContainerTrafficEncryption"),
    ("OutputKmsKey", "OutputDataConfig.KmsKeyId"),
    ("OutputKmsKey", "ProcessingOutputConfig.KmsKeyId"),
    ("OutputKmsKey", "TransformOutput.KmsKeyId"),
    ("VolumeKmsKey", "KmsKeyId"),
    ("VolumeKmsKey", "ResourceConfig.VolumeKmsKeyId"),
    ("VolumeKmsKey", "TransformResources.VolumeKmsKeyId"),
    ("VolumeKmsKey", "ProcessingResources.ClusterConfig.VolumeKmsKeyId"),
    ("VpcSubnets", "VpcConfig.Subnets"),
    ("VpcSubnets", "NetworkConfig.VpcConfig.Subnets"),
    ("VpcSecurityGroupIds", "VpcConfig.SecurityGroupIds"),
    ("VpcSecurityGroupIds", "NetworkConfig.VpcConfig.SecurityGroupIds"),
    ("KeepAlivePeriod", "ResourceConfig.KeepAlivePeriodInSeconds"),
    ("InstanceTypes", "TransformResources.InstanceType"),
    ("InstanceTypes", "ProcessingResources.ClusterConfig.InstanceType"),
)


def _values(value: object) -> str | list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sagemaker_keys(parameters: Parameters) -> dict[str, str | Sequence[str]]:
    resources, limit = parameters.get("ResourceConfig"), parameters.get("StoppingCondition")
    variants = parameters.get("ProductionVariants")
    variants = variants if isinstance(variants, list) else []
    types = [one.get("InstanceType") for one in (resources, *variants) if isinstance(one, Mapping)]
    keys: dict[str, str | Sequence[str]] = {}
    for key, path in _SAGEMAKER_KEYS:
        value: Any = parameters
        for member in path.split("."):
            value = value.get(member) if isinstance(value, Mapping) else None
        if value is not None:
            keys[f"sagemaker:{key}"] = _values(value)
    if found := [str(each) for each in types if each]:
        keys["sagemaker:InstanceTypes"] = found
    if isinstance(limit, Mapping) and "MaxRuntimeInSeconds" in limit:
        keys["sagemaker:MaxRuntimeInSeconds"] = str(limit["MaxRuntimeInSeconds"])
    if parameters.get("TargetModel"):
        keys["sagemaker:TargetModel"] = str(parameters["TargetModel"])
    return keys


def _roles(parameters: object) -> set[str]:
    """The roles that a request gives to the service, wherever they stand in it, however deep it is."""
    roles, left = set(), [parameters]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += value
        elif isinstance(value, Mapping):
            left += value.values()
            here = (value.get(member) for member in ("RoleArn", "ExecutionRoleArn"))
            roles |= {role for role in here if isinstance(role, str)}
    return roles


def _pass_role(role: str, service: str) -> Need:
    return Need("iam:PassRole", role, {"iam:PassedToService": service})


def _tag_keys(parameters: Parameters) -> dict[str, str | Sequence[str]]:
    tags = parameters.get("Tags")
    if not isinstance(tags, list):
        return {}
    named = {str(tag["Key"]): str(tag.get("Value", "")) for tag in tags if isinstance(tag, Mapping) and "Key" in tag}
    return {"aws:TagKeys": list(named)} | {f"aws:RequestTag/{name}": value for name, value in named.items()}


# --- Lambda ---

_COLONS_OF_A_QUALIFIED_FUNCTION = 7
_LAMBDA_ACTIONS = {"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"}


def _lambda(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    action = f"lambda:{_LAMBDA_ACTIONS.get(operation, operation)}"
    resource = ""
    if name := parameters.get("FunctionName"):
        resource = function_arn(str(name), parameters.get("Qualifier"), place)
    elif layer := parameters.get("LayerName"):
        resource = layer if str(layer).startswith("arn:") else place.arn("lambda", f"layer:{layer}")
        resource += f":{parameters['VersionNumber']}" if "VersionNumber" in parameters else ""
    elif mapping := parameters.get("UUID"):
        resource = place.arn("lambda", f"event-source-mapping:{mapping}")
    elif parameters.get("Resource"):
        resource = str(parameters["Resource"])
    yield Need(action, resource)
    code = parameters.get("Code") or parameters
    if isinstance(code, Mapping) and code.get("S3Bucket"):  # whoever deploys a function must be able to read its code
        yield Need("s3:GetObject", f"arn:{place.partition}:s3:::{code['S3Bucket']}/{code.get('S3Key', '')}")
    if isinstance(parameters.get("Role"), str):
        yield _pass_role(parameters["Role"], "lambda.amazonaws.com")


def function_arn(name: str, qualifier: object, place: Place) -> str:
    """The ARN of a function given by name, ARN or a part of it, each with or without its qualifier."""
    if not name.startswith("arn:"):
        name = place.arn("lambda", f"function:{name.rpartition('function:')[2]}")
    has_qualifier = name.count(":") >= _COLONS_OF_A_QUALIFIED_FUNCTION
    return f"{name}:{qualifier}" if qualifier and not has_qualifier else name


# --- Logs, CloudWatch, EventBridge, SNS, SQS ---


def _logs(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    """On whatever log group or stream: its ARN always goes on to the stream, even to none."""
    group = parameters.get("logGroupName") or ""
    if not group and (arn := parameters.get("logGroupIdentifier") or parameters.get("resourceArn")):
        group = str(arn).partition(":log-group:")[2].removesuffix(":*") or arn
    resource = place.arn("logs", f"log-group:{group}:log-stream:{parameters.get('logStreamName') or ''}")
    yield Need(f"logs:{operation}", resource)


def _cloudwatch(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    if operation == "PutMetricData":
        yield Need("cloudwatch:PutMetricData", "", {"cloudwatch:namespace": str(parameters.get("Namespace", ""))})
        return
    names = [parameters["AlarmName"]] if parameters.get("AlarmName") else parameters.get("AlarmNames") or [""]
    for name in names:
        yield Need(f"cloudwatch:{operation}", place.arn("cloudwatch", f"alarm:{name}") if name else "")


def _events(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    if operation == "PutEvents":
        for bus in dict.fromkeys(
            str(entry.get("EventBusName") or "default") for entry in parameters.get("Entries", ())
        ):
            yield Need("events:PutEvents", bus if bus.startswith("arn:") else place.arn("events", f"event-bus/{bus}"))
        return
    rule = parameters.get("Rule") or parameters.get("Name")
    bus = str(parameters.get("EventBusName") or "default").rpartition("/")[2]
    if rule and "EventBus" not in operation:
        yield Need(f"events:{operation}", place.arn("events", f"rule/{'' if bus == 'default' else f'{bus}/'}{rule}"))
    else:
        yield Need(f"events:{operation}", place.arn("events", f"event-bus/{rule or bus}"))


def _sns(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    action = "sns:Publish" if operation == "PublishBatch" else f"sns:{operation}"
    topic = parameters.get("TopicArn") or parameters.get("TargetArn") or parameters.get("ResourceArn")
    subscription = str(parameters.get("SubscriptionArn", "")).rpartition(":")[0]
    made = place.arn("sns", str(parameters["Name"])) if operation == "CreateTopic" else ""
    yield Need(action, topic or subscription or made)


def _sqs(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    action = f"sqs:{operation.removesuffix('Batch')}"
    if name := parameters.get("QueueName"):
        yield Need(action, place.arn("sqs", str(name)))
        return
    *_, owner, name = ("", "", *urlsplit(str(parameters.get("QueueUrl", ""))).path.split("/"))
    where = replace(place, account=owner) if owner.isdecimal() else place
    yield Need(action, where.arn("sqs", name) if name else "")


# --- KMS, STS, IAM, Systems Manager ---


def _kms(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    key = str(parameters.get("KeyId") or "")
    if key and not key.startswith("arn:"):
        key = place.arn("kms", key if key.startswith("alias/") else f"key/{key}")
    yield Need(f"kms:{operation}", key)


def _sts(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    said = {"sts:ExternalId": parameters.get("ExternalId"), "sts:RoleSessionName": parameters.get("RoleSessionName")}
    keys = {key: str(value) for key, value in said.items() if value}
    yield Need(f"sts:{operation}", str(parameters.get("RoleArn") or ""), keys | _tag_keys(parameters))


def _iam(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    resource = ""
    for member, kind in (("RoleName", "role"), ("UserName", "user"), ("GroupName", "group"), ("PolicyName", "policy")):
        if parameters.get(member):
            resource = f"arn:{place.partition}:iam::{place.account}:{kind}/{parameters[member]}"
            break
    yield Need(f"iam:{operation}", resource or str(parameters.get("PolicyArn") or ""))


def _ssm(operation: str, parameters: Parameters, place: Place) -> Iterator[Need]:
    names = parameters.get("Names") or [parameters.get("Name") or parameters.get("Path") or ""]
    for name in names:
        yield Need(f"ssm:{operation}", place.arn("ssm", f"parameter/{str(name).lstrip('/')}") if name else "")


_SERVICES: Mapping[str, Callable[[str, Parameters, Place], Iterator[Need]]] = {
    "s3": _s3,
    "sagemaker": _sagemaker,
    "sagemaker-runtime": _sagemaker,
    "sagemaker-metrics": _sagemaker,
    "lambda": _lambda,
    "logs": _logs,
    "cloudwatch": _cloudwatch,
    "events": _events,
    "sns": _sns,
    "sqs": _sqs,
    "kms": _kms,
    "sts": _sts,
    "iam": _iam,
    "ssm": _ssm,
}
