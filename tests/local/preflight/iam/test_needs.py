"""Which actions on which resources a request needs, by the Service Authorization Reference."""

from typing import Any

import pytest

from preflight.iam.needs import Need, Place, needs

PLACE = Place("111111111111", "eu-west-1")
S3 = "arn:aws:s3:::"
SAGEMAKER = "arn:aws:sagemaker:eu-west-1:111111111111:"
FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:"
ROLE = "arn:aws:iam::111111111111:role/r"
OBJECT = {"Bucket": "b", "Key": "k/x"}

CASES: list[tuple[str, str, dict[str, Any], list[tuple[str, str | None]]]] = [
    ("s3", "GetObject", OBJECT, [("s3:GetObject", f"{S3}b/k/x")]),
    ("s3", "HeadObject", OBJECT, [("s3:GetObject", f"{S3}b/k/x")]),
    ("s3", "GetObject", OBJECT | {"VersionId": "v"}, [("s3:GetObjectVersion", f"{S3}b/k/x")]),
    ("s3", "ListObjectsV2", {"Bucket": "b"}, [("s3:ListBucket", f"{S3}b")]),
    ("s3", "HeadBucket", {"Bucket": "b"}, [("s3:ListBucket", f"{S3}b")]),
    ("s3", "UploadPart", OBJECT, [("s3:PutObject", f"{S3}b/k/x")]),
    (
        "s3",
        "PutObject",
        OBJECT | {"Tagging": "a=b", "ACL": "private"},
        [(f"s3:{action}", f"{S3}b/k/x") for action in ("PutObject", "PutObjectTagging", "PutObjectAcl")],
    ),
    (
        "s3",
        "CopyObject",
        OBJECT | {"CopySource": "/from/a%20key?versionId=1"},
        [("s3:GetObjectVersion", f"{S3}from/a key"), ("s3:PutObject", f"{S3}b/k/x")],
    ),
    (
        "s3",
        "DeleteObjects",
        {"Bucket": "b", "Delete": {"Objects": [{"Key": "x"}, {"Key": "y", "VersionId": "1"}]}},
        [("s3:DeleteObject", f"{S3}b/x"), ("s3:DeleteObjectVersion", f"{S3}b/y")],
    ),
    ("s3", "ListBuckets", {}, [("s3:ListAllMyBuckets", "")]),
    ("s3", "PutBucketCors", {"Bucket": "b"}, [("s3:PutBucketCORS", f"{S3}b")]),
    (
        "sagemaker-runtime",
        "InvokeEndpoint",
        {"EndpointName": "Mine"},
        [("sagemaker:InvokeEndpoint", f"{SAGEMAKER}endpoint/mine")],
    ),
    (
        "sagemaker",
        "CreateModelPackage",
        {"ModelPackageGroupName": f"{SAGEMAKER}model-package-group/Mine"},
        [("sagemaker:CreateModelPackage", f"{SAGEMAKER}model-package/mine/*")],
    ),
    (
        "sagemaker",
        "UpdateModelPackage",
        {"ModelPackageArn": f"{SAGEMAKER}model-package/mine/1"},
        [("sagemaker:UpdateModelPackage", f"{SAGEMAKER}model-package/mine/1")],
    ),
    (
        "sagemaker",
        "DescribeModelPackage",
        {"ModelPackageName": "Mine/1"},
        [("sagemaker:DescribeModelPackage", f"{SAGEMAKER}model-package/mine/1")],
    ),
    (
        "sagemaker",
        "DescribeTrial",
        {"TrialName": "t"},
        [("sagemaker:DescribeTrial", f"{SAGEMAKER}experiment-trial/t")],
    ),
    (
        "sagemaker-metrics",
        "BatchPutMetrics",
        {"TrialComponentName": "c"},
        [("sagemaker:BatchPutMetrics", f"{SAGEMAKER}experiment-trial-component/c")],
    ),
    (
        "sagemaker",
        "CreateHyperParameterTuningJob",
        {"HyperParameterTuningJobName": "j", "TrainingJobDefinition": {"RoleArn": ROLE}},
        [
            ("sagemaker:CreateHyperParameterTuningJob", f"{SAGEMAKER}hyper-parameter-tuning-job/j"),
            ("iam:PassRole", ROLE),
        ],
    ),
    (
        "sagemaker",
        "CreateEndpoint",
        {"EndpointName": "e", "EndpointConfigName": "c", "Tags": [{"Key": "a", "Value": "b"}]},
        [
            ("sagemaker:CreateEndpoint", f"{SAGEMAKER}endpoint/e"),
            ("sagemaker:CreateEndpoint", f"{SAGEMAKER}endpoint-config/c"),
            ("sagemaker:AddTags", f"{SAGEMAKER}endpoint/e"),
        ],
    ),
    ("sagemaker", "ListModels", {}, [("sagemaker:ListModels", "")]),
    ("sagemaker", "ListTags", {"ResourceArn": f"{SAGEMAKER}model/m"}, [("sagemaker:ListTags", f"{SAGEMAKER}model/m")]),
    (
        "sagemaker",
        "ListTrainingJobsForHyperParameterTuningJob",
        {"HyperParameterTuningJobName": "Tune"},
        [
            (
                "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
                "arn:aws:sagemaker:eu-west-1:111111111111:hyper-parameter-tuning-job/tune",
            )
        ],
    ),
    (
        "sagemaker",
        "ListPipelineExecutions",
        {"PipelineName": "Pipe"},
        [("sagemaker:ListPipelineExecutions", "arn:aws:sagemaker:eu-west-1:111111111111:pipeline/pipe")],
    ),
    ("lambda", "Invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", f"{FUNCTION}f")]),
    ("lambda", "Invoke", {"FunctionName": "f", "Qualifier": "1"}, [("lambda:InvokeFunction", f"{FUNCTION}f:1")]),
    ("lambda", "Invoke", {"FunctionName": "111111111111:function:f"}, [("lambda:InvokeFunction", f"{FUNCTION}f")]),
    ("lambda", "Invoke", {"FunctionName": f"{FUNCTION}f:live"}, [("lambda:InvokeFunction", f"{FUNCTION}f:live")]),
    (
        "lambda",
        "CreateFunction",
        {"FunctionName": "f", "Role": ROLE, "Code": {"S3Bucket": "b", "S3Key": "f.zip"}},
        [("lambda:CreateFunction", f"{FUNCTION}f"), ("s3:GetObject", f"{S3}b/f.zip"), ("iam:PassRole", ROLE)],
    ),
    (
        "logs",
        "PutLogEvents",
        {"logGroupName": "g", "logStreamName": "s"},
        [("logs:PutLogEvents", "arn:aws:logs:eu-west-1:111111111111:log-group:g:log-stream:s")],
    ),
    (
        "events",
        "PutEvents",
        {"Entries": [{}, {"EventBusName": "mine"}, {}]},
        [("events:PutEvents", f"arn:aws:events:eu-west-1:111111111111:event-bus/{bus}") for bus in ("default", "mine")],
    ),
    ("events", "PutRule", {"Name": "r"}, [("events:PutRule", "arn:aws:events:eu-west-1:111111111111:rule/r")]),
    ("sns", "PublishBatch", {"TopicArn": "arn:t"}, [("sns:Publish", "arn:t")]),
    (
        "sqs",
        "SendMessageBatch",
        {"QueueUrl": "http://localhost:4566/queue/eu-west-1/111111111111/q"},
        [("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111111111111:q")],
    ),
    (
        "sqs",
        "SendMessage",
        {"QueueUrl": "http://sqs.eu-west-1.localhost:4566/222222222222/q"},
        [("sqs:SendMessage", "arn:aws:sqs:eu-west-1:222222222222:q")],
    ),
    ("kms", "Decrypt", {"KeyId": "1234"}, [("kms:Decrypt", "arn:aws:kms:eu-west-1:111111111111:key/1234")]),
    ("iam", "GetRole", {"RoleName": "r"}, [("iam:GetRole", ROLE)]),
    (
        "ssm",
        "GetParameter",
        {"Name": "/a/b"},
        [("ssm:GetParameter", "arn:aws:ssm:eu-west-1:111111111111:parameter/a/b")],
    ),
    ("sts", "AssumeRole", {"RoleArn": ROLE}, [("sts:AssumeRole", ROLE)]),
    ("sts", "GetCallerIdentity", {}, []),
    ("apigateway", "GetRestApis", {}, []),
    ("ecr", "DescribeImages", {"repositoryName": "x"}, [("ecr:DescribeImages", None)]),
]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "needed"),
    CASES,
    ids=[f"{case[0]} {case[1]} {n}" for n, case in enumerate(CASES)],
)
def test_what_a_request_needs(
    service: str, operation: str, parameters: dict[str, Any], needed: list[tuple[str, str | None]]
) -> None:
    assert [(need.action, need.resource) for need in needs(service, operation, parameters, PLACE)] == needed


def test_the_keys_that_a_request_brings() -> None:
    parameters = {
        "TrainingJobName": "j",
        "RoleArn": ROLE,
        "ResourceConfig": {"InstanceType": "ml.m5.large"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "Tags": [{"Key": "Team", "Value": "ml"}],
    }
    [create, tags, role] = needs("sagemaker", "CreateTrainingJob", parameters, PLACE)

    assert (
        create.keys
        == tags.keys
        == {
            "sagemaker:InstanceTypes": ["ml.m5.large"],
            "sagemaker:MaxRuntimeInSeconds": "60",
            "aws:TagKeys": ["Team"],
            "aws:RequestTag/Team": "ml",
        }
    )
    assert role == Need("iam:PassRole", ROLE, {"iam:PassedToService": "sagemaker.amazonaws.com"})
    [listed] = needs("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "", "MaxKeys": 10}, PLACE)
    assert listed.keys == {"s3:prefix": "", "s3:max-keys": "10"}
