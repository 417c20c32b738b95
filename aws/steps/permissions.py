"""What each role may do: what this flow does with this project's resources, and no more.

https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html (permissions of an execution role, by operation)
"""

from aws.client import Aws
from aws.names import Names
from aws.steps.algorithms import image_repositories
from aws.steps.logs import (
    PROCESSING_GROUP,
    TRAINING_GROUP,
    TRANSFORM_GROUP,
    approval_group,
    endpoint_group,
    function_group,
)
from aws.steps.roles import Policy, Role
from aws.steps.storage import (
    ASYNC_PREFIX,
    BATCH_PREFIX,
    CAPTURE_PREFIX,
    DATA_PREFIX,
    MODELS_PREFIX,
    PIPELINE_PREFIX,
    PREPARE_PREFIX,
)
from aws.wanted import Wanted

# What tutorials attach. https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol.html
SAGEMAKER_FULL_ACCESS = "AmazonSageMakerFullAccess"
LAMBDA_BASIC = "service-role/AWSLambdaBasicExecutionRole"
_WRITE_LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"]


def training_role(aws: Aws, names: Names, wanted: Wanted) -> Role:
    """The role that SageMaker assumes for training, hosting, batches and the jobs of the pipeline."""
    # AmazonSageMakerFullAccess reads only objects with "sagemaker" in bucket or key: our own policy stays beside it.
    return Role(
        names.training_role,
        service="sagemaker.amazonaws.com",
        policies={"sagemaker": _training_policy(aws, names)},
        managed_policies=(SAGEMAKER_FULL_ACCESS,) if wanted.managed_policies else (),
    )


def function_role(aws: Aws, names: Names, wanted: Wanted) -> Role:
    """The role that the function runs as."""
    return Role(
        names.function_role,
        service="lambda.amazonaws.com",
        policies={"function": _function_policy(aws, names, asynchronous=wanted.asynchronous)},
        managed_policies=(LAMBDA_BASIC, SAGEMAKER_FULL_ACCESS) if wanted.managed_policies else (),
    )


def pipeline_role(aws: Aws, names: Names) -> Role:
    """The role that the pipeline's executions act as: they start the jobs, which run as the training role."""
    return Role(
        names.pipeline_role,
        service="sagemaker.amazonaws.com",
        policies={"pipeline": _pipeline_policy(aws, names)},
        managed_policies=(),
    )


def approval_role(aws: Aws, names: Names) -> Role:
    """The role of the function that has the endpoint serve what is approved."""
    return Role(
        names.approval_role,
        service="lambda.amazonaws.com",
        policies={"approval": _approval_policy(aws, names)},
        managed_policies=(),
    )


def _pipeline_policy(aws: Aws, names: Names) -> Policy:
    """For executions: jobs, models and packages under the names that SageMaker gives them, and the property file."""
    jobs = [
        aws.arn("sagemaker", f"{kind}/pipelines-*")
        for kind in ("processing-job", "training-job", "transform-job", "model")
    ]
    actions = ("Create{}Job", "Describe{}Job", "Stop{}Job")
    of_jobs = [
        f"sagemaker:{action.format(kind)}" for kind in ("Processing", "Training", "Transform") for action in actions
    ]
    packages = [
        aws.arn("sagemaker", f"model-package/{names.package_group}/*"),
        aws.arn("sagemaker", f"model-package-group/{names.package_group}"),
    ]
    tuning = [f"sagemaker:{action}HyperParameterTuningJob" for action in ("Create", "Describe", "Stop")]
    tuning += ["sagemaker:ListTrainingJobsForHyperParameterTuningJob", "sagemaker:AddTags"]
    bucket = f"arn:{aws.target.partition}:s3:::{names.bucket}"
    return _policy(
        # AWS does not say how it names the tuning jobs of pipelines
        _allow(tuning, aws.arn("sagemaker", "hyper-parameter-tuning-job/*")),
        _allow([*of_jobs, "sagemaker:CreateModel", "sagemaker:DescribeModel", "sagemaker:AddTags"], *jobs),
        _allow(["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage", "sagemaker:AddTags"], *packages),
        _pass_training_role(aws, names),
        _allow(["s3:ListBucket"], bucket),
        _allow(["s3:GetObject"], f"{bucket}/{PIPELINE_PREFIX}*", f"{bucket}/{MODELS_PREFIX}*"),
    )


def _approval_policy(aws: Aws, names: Names) -> Policy:
    """For the function of approvals: models and configurations of its own, and the one endpoint."""
    made = [aws.arn("sagemaker", f"{kind}/{names.approval}-*") for kind in ("model", "endpoint-config")]
    endpoint = aws.arn("sagemaker", f"endpoint/{names.endpoint}")
    changes = [f"sagemaker:{change}" for change in ("CreateModel", "CreateEndpointConfig", "CreateEndpoint")]
    looks = [f"sagemaker:{look}" for look in ("DescribeModel", "DescribeEndpointConfig", "DescribeEndpoint")]
    package = aws.arn("sagemaker", f"model-package/{names.package_group}/*")
    return _policy(
        _allow([*changes, *looks, "sagemaker:UpdateEndpoint", "sagemaker:AddTags"], *made, endpoint),
        _allow(["sagemaker:DescribeModelPackage"], package),
        _allow(["application-autoscaling:DescribeScalableTargets"], "*"),  # it has no resource
        _pass_training_role(aws, names),
        _allow(_WRITE_LOGS, _log_group_arn(aws, approval_group(names))),
    )


def _pass_training_role(aws: Aws, names: Names) -> Policy:
    """Jobs and models act as the training role, and only SageMaker may be given it."""
    role = f"arn:{aws.target.partition}:iam::{aws.account_id}:role/{names.training_role}"
    to_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    return _allow(["iam:PassRole"], role) | {"Condition": to_sagemaker}


def _training_policy(aws: Aws, names: Names) -> Policy:
    """For jobs and hosting: read and write what each has in the bucket, write logs, pull images."""
    bucket = f"arn:{aws.target.partition}:s3:::{names.bucket}"
    data = f"{bucket}/{DATA_PREFIX}*"
    results = [
        f"{bucket}/{prefix}*" for prefix in (MODELS_PREFIX, BATCH_PREFIX, PIPELINE_PREFIX, ASYNC_PREFIX, PREPARE_PREFIX)
    ]
    capture = f"{bucket}/{CAPTURE_PREFIX}*"  # also without --capture: what is captured last is written after its end
    job_groups = TRAINING_GROUP, TRANSFORM_GROUP, PROCESSING_GROUP
    groups = [_log_group_arn(aws, group) for group in (*job_groups, endpoint_group(names))]
    repositories = [
        f"arn:{aws.target.partition}:ecr:{aws.target.region}:{account}:repository/{name}"
        for account, name in [*image_repositories(aws.target.region), (aws.account_id, names.repository)]
    ]
    return _policy(
        _allow(["s3:ListBucket"], bucket),  # of the whole bucket: SageMaker looks for the bucket itself as well
        _allow(["s3:GetObject"], data, *results),
        _allow(["s3:PutObject", "s3:AbortMultipartUpload"], *results, capture),
        _allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], *groups
        ),
        # Metrics have no ARNs: their namespaces hold them apart.
        _allow(["cloudwatch:PutMetricData"], "*")
        | {"Condition": {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}}},
        _allow(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], *repositories),
        _allow(["ecr:GetAuthorizationToken"], "*"),  # it has no resource
    )


def _function_policy(aws: Aws, names: Names, *, asynchronous: bool) -> Policy:
    """For the function: ask this one endpoint, write to its own log group, which deploy makes for it."""
    endpoint = aws.arn("sagemaker", f"endpoint/{names.endpoint.lower()}")
    questions = f"arn:{aws.target.partition}:s3:::{names.bucket}/{ASYNC_PREFIX}in/*"
    asking = [_allow(["sagemaker:InvokeEndpoint"], endpoint)]
    if asynchronous:
        asking = [_allow(["sagemaker:InvokeEndpointAsync"], endpoint), _allow(["s3:PutObject"], questions)]
    return _policy(
        *asking,
        _allow(_WRITE_LOGS, _log_group_arn(aws, function_group(names))),
    )


def _log_group_arn(aws: Aws, group: str) -> str:
    return aws.arn("logs", f"log-group:{group}:*")  # the group and its streams


def _allow(actions: list[str], *resources: str) -> Policy:
    return {"Effect": "Allow", "Action": actions, "Resource": resources[0] if len(resources) == 1 else list(resources)}


def _policy(*statements: Policy) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}
