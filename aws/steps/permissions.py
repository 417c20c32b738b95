"""What the two roles may do: what this flow does with this project's resources, and no more.

https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html (permissions of an execution role, by operation)
"""

from aws.client import Aws
from aws.names import Names
from aws.steps.algorithms import image_repositories
from aws.steps.logs import TRAINING_GROUP, TRANSFORM_GROUP, endpoint_group, function_group
from aws.steps.roles import Policy, Role
from aws.steps.storage import BATCH_PREFIX, CAPTURE_PREFIX, DATA_PREFIX, MODELS_PREFIX
from aws.wanted import Wanted

# What tutorials attach. https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol.html
SAGEMAKER_FULL_ACCESS = "AmazonSageMakerFullAccess"
LAMBDA_BASIC = "service-role/AWSLambdaBasicExecutionRole"
_WRITE_LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"]


def training_role(aws: Aws, names: Names, wanted: Wanted) -> Role:
    """The role that SageMaker assumes for training, hosting and batches."""
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
        policies={"function": _function_policy(aws, names)},
        managed_policies=(LAMBDA_BASIC, SAGEMAKER_FULL_ACCESS) if wanted.managed_policies else (),
    )


def _training_policy(aws: Aws, names: Names) -> Policy:
    """For training, hosting and batches: read and write what each has in the bucket, write logs, pull images."""
    bucket = f"arn:{aws.target.partition}:s3:::{names.bucket}"
    data, models, batch = (f"{bucket}/{prefix}*" for prefix in (DATA_PREFIX, MODELS_PREFIX, BATCH_PREFIX))
    capture = f"{bucket}/{CAPTURE_PREFIX}*"  # also without --capture: what is captured last is written after its end
    groups = [_log_group_arn(aws, group) for group in (TRAINING_GROUP, TRANSFORM_GROUP, endpoint_group(names))]
    repositories = [
        f"arn:{aws.target.partition}:ecr:{aws.target.region}:{account}:repository/{name}"
        for account, name in [*image_repositories(aws.target.region), (aws.account_id, names.repository)]
    ]
    return _policy(
        _allow(["s3:ListBucket"], bucket),  # of the whole bucket: SageMaker looks for the bucket itself as well
        _allow(["s3:GetObject"], data, models, batch),
        _allow(["s3:PutObject", "s3:AbortMultipartUpload"], models, batch, capture),
        _allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], *groups
        ),
        # Metrics have no ARNs: their namespaces hold them apart.
        _allow(["cloudwatch:PutMetricData"], "*")
        | {"Condition": {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}}},
        _allow(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], *repositories),
        _allow(["ecr:GetAuthorizationToken"], "*"),  # it has no resource
    )


def _function_policy(aws: Aws, names: Names) -> Policy:
    """For the function: ask this one endpoint, write to its own log group, which deploy makes for it."""
    return _policy(
        _allow(["sagemaker:InvokeEndpoint"], aws.arn("sagemaker", f"endpoint/{names.endpoint.lower()}")),
        _allow(_WRITE_LOGS, _log_group_arn(aws, function_group(names))),
    )


def _log_group_arn(aws: Aws, group: str) -> str:
    return aws.arn("logs", f"log-group:{group}:*")  # the group and its streams


def _allow(actions: list[str], *resources: str) -> Policy:
    return {"Effect": "Allow", "Action": actions, "Resource": resources[0] if len(resources) == 1 else list(resources)}


def _policy(*statements: Policy) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}
