"""What AWS asks of a training job's request, beyond its model and its channels."""

import json
from typing import Any

import pytest

from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, refusal, unique

SPOT = {"EnableManagedSpotTraining": True}
RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
GROUP = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "g"}
BUILTIN = {"TrainingImage": LINEAR_LEARNER, "TrainingInputMode": "File"}
OWN = {"TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1", "TrainingInputMode": "File"}
BOMB = "(?:a{60000}){60000}"  # compiled, it takes all memory
RULE = {"RuleConfigurationName": "r", "RuleEvaluatorImage": "i"}
ACTING = {**RULE, "RuleParameters": {"action_json": "{}"}}
HOOK = {"S3OutputPath": "s3://some-bucket/debug"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}},
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
        ),
        (
            SPOT,
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
        ),
        (
            {**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59}},
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
        ),
        (
            {**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 3601}},
            "MaxWaitTimeInSeconds above 3600 is not supported for the given algorithm",
        ),
        (
            {"AlgorithmSpecification": {**BUILTIN, "MetricDefinitions": [{"Name": "m", "Regex": "(.*)"}]}},
            "You can't override the metric definitions for Amazon SageMaker algorithms. "
            "Please retry the request without specifying metric definitions.",
        ),
    ],
)
def test_aws_s_own_rules_are_refused_in_its_words(
    sagemaker: Any, job_request: Make, members: dict[str, Any], message: str
) -> None:
    assert refusal(sagemaker.create_training_job, **job_request(**members)) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 28 * 86_400 + 1}}, "MaxRuntimeInSeconds"),
        ({"StoppingCondition": {"MaxPendingTimeInSeconds": 2_419_201}}, "maxPendingTimeInSeconds"),
        ({"ResourceConfig": {**RESOURCES, "InstanceType": "ml.t2.medium"}}, "resourceConfig.instanceType"),
        ({"ResourceConfig": {**RESOURCES, "InstanceCount": 0}}, "InstanceCount"),
        ({"ResourceConfig": {**RESOURCES, "VolumeSizeInGB": 0}}, "VolumeSizeInGB"),
        ({"ResourceConfig": {**RESOURCES, "InstanceType": "ml.g5.xlarge", "VolumeKmsKeyId": "k"}}, "VolumeKmsKeyId"),
        ({"ResourceConfig": {**RESOURCES, "InstanceGroups": [GROUP]}}, "InstanceGroups"),
        ({"ResourceConfig": {"VolumeSizeInGB": 5, "InstanceGroups": [GROUP, GROUP]}}, "unique"),
        ({"ResourceConfig": {**RESOURCES, "KeepAlivePeriodInSeconds": 21_601}}, "keepAlivePeriodInSeconds"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://no-such-bucket-anywhere/o"}}, "no-such-bucket-anywhere"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://{bucket}/o", "KmsKeyId": "alias/none"}}, "alias/none"),
        ({"ResourceConfig": {**RESOURCES, "VolumeKmsKeyId": "none"}}, "ResourceConfig.VolumeKmsKeyId"),
        ({"CheckpointConfig": {"S3Uri": "s3://no-such-bucket-anywhere/c"}}, "CheckpointConfig.S3Uri"),
        ({"ProfilerConfig": {"ProfilingIntervalInMilliseconds": 300}}, "ProfilingIntervalInMilliseconds 300"),
        ({"DebugRuleConfigurations": [RULE]}, "DebugHookConfig"),
        ({"ProfilerRuleConfigurations": [RULE, RULE]}, "unique"),
        ({"RoleArn": "arn:aws:iam::111111111111:role/other"}, "Cross-account"),
        ({"AlgorithmSpecification": {**OWN, "MetricDefinitions": [{"Name": "m", "Regex": "(" * 499}]}}, "metric m"),
        ({"Tags": [{"Key": f"k{place}", "Value": "v"} for place in range(51)]}, "tags"),
    ],
)
def test_what_aws_would_not_take_is_a_validation_exception(
    sagemaker: Any, job_request: Make, bucket: str, members: dict[str, Any], problem: str
) -> None:
    members = json.loads(json.dumps(members).replace("{bucket}", bucket))
    code, message = refusal(sagemaker.create_training_job, **job_request(**members))

    assert (code, problem in message) == ("ValidationException", True), message


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"ResourceConfig": {**RESOURCES, "InstanceCount": 2}}, "InstanceCount above 1"),
        (
            {"ResourceConfig": {"VolumeSizeInGB": 5, "InstanceGroups": [{**GROUP, "InstanceCount": 2}]}},
            "InstanceCount above 1",
        ),
        ({"AlgorithmSpecification": {**BUILTIN, "ContainerEntrypoint": ["sh"]}}, "ContainerEntrypoint"),
        ({"AlgorithmSpecification": {**BUILTIN, "ContainerArguments": ["x"]}}, "ContainerArguments"),
        ({"CheckpointConfig": {"S3Uri": "s3://b-b/c", "LocalPath": "/opt/ml/elsewhere"}}, "/opt/ml/elsewhere"),
        ({"DebugHookConfig": {**HOOK, "CollectionConfigurations": [{"CollectionName": "losses"}]}}, "Collection"),
        (
            {"DebugHookConfig": HOOK, "DebugRuleConfigurations": [ACTING]},
            "action_json, a rule's action (r)",
        ),
        ({"ProfilerConfig": {"ProfilingParameters": {"DetailedProfilingConfig": "{}"}}}, "ProfilingParameters"),
        ({"RemoteDebugConfig": {"EnableRemoteDebug": True}}, "RemoteDebugConfig"),
        ({"AlgorithmSpecification": {**OWN, "MetricDefinitions": [{"Name": "m", "Regex": BOMB}]}}, "Regex"),
    ],
)
def test_what_only_aws_does_is_refused_by_name(
    sagemaker: Any, job_request: Make, members: dict[str, Any], named: str
) -> None:
    code, message = refusal(sagemaker.create_training_job, **job_request(**members))

    assert (code, named in message) == ("UnsupportedByPreflight", True), message


def test_more_instances_than_the_quota_are_refused_in_awss_words(sagemaker: Any, job_request: Make) -> None:
    code, message = refusal(
        sagemaker.create_training_job, **job_request(ResourceConfig={**RESOURCES, "InstanceCount": 21})
    )

    assert code == "ResourceLimitExceeded"
    assert message == (
        "The account-level service limit 'ml.m5.large for training job usage' is 20 Instances, with current "
        "utilization of 0 Instances and a request delta of 21 Instances. Please use AWS Service Quotas to request an "
        "increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase "
        "for this quota."
    )


@pytest.mark.parametrize("member", ["input", "output"])
def test_a_bucket_in_another_region_is_refused(
    sagemaker: Any, client: Make, job_request: Make, bucket: str, member: str
) -> None:
    west, s3 = unique("west"), client("s3", region="us-west-2")
    s3.create_bucket(Bucket=west, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket=west, Key="train.csv", Body="1,2,3")
    request = job_request()
    if member == "input":
        request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{west}/train.csv"
    else:
        request["OutputDataConfig"] = {"S3OutputPath": f"s3://{west}/output"}

    code, message = refusal(sagemaker.create_training_job, **request)

    assert (code, "region" in message, west in message) == ("ValidationException", True, True)


def test_settings_that_change_nothing_are_taken_and_described(train: Make, bucket: str) -> None:
    asked: dict[str, Any] = {
        "DebugHookConfig": {"S3OutputPath": f"s3://{bucket}/debug"},
        "ProfilerConfig": {"S3OutputPath": f"s3://{bucket}/profile"},
        "ProfilerRuleConfigurations": [RULE],
        "CheckpointConfig": {"S3Uri": f"s3://{bucket}/checkpoints"},
        "TensorBoardOutputConfig": {"S3OutputPath": f"s3://{bucket}/tensorboard"},
        "ExperimentConfig": {"TrialComponentDisplayName": "shown"},
        "RetryStrategy": {"MaximumRetryAttempts": 2},
        "RemoteDebugConfig": {"EnableRemoteDebug": False},
        "InfraCheckConfig": {"EnableInfraCheck": True},
        "Environment": {"ANSWER": "42"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 61, "MaxPendingTimeInSeconds": 7200},
        **SPOT,
    }

    job = train(**asked)

    assert job["TrainingJobStatus"] == "Completed"
    assert {key: job[key] for key in asked if key not in ("DebugHookConfig", "ProfilerConfig")} == {
        key: value for key, value in asked.items() if key not in ("DebugHookConfig", "ProfilerConfig")
    }
    assert job["DebugHookConfig"] == {**asked["DebugHookConfig"], "CollectionConfigurations": []}
    assert job["ProfilerConfig"]["ProfilingIntervalInMilliseconds"] == 500
    statuses = job["ProfilerRuleEvaluationStatuses"]
    assert [status["RuleEvaluationStatus"] for status in statuses] == ["Error"]
    assert "does not evaluate rules" in statuses[0]["StatusDetails"]


def test_a_spot_job_that_checkpoints_may_wait_longer(train: Make, bucket: str) -> None:
    job = train(
        None,
        {"objective": "binary:logistic", "num_round": "1"},
        AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        CheckpointConfig={"S3Uri": f"s3://{bucket}/checkpoints"},
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 7_200},
        **SPOT,
    )

    assert (job["TrainingJobStatus"], job["EnableManagedSpotTraining"]) == ("Completed", True)
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1


def test_a_script_in_the_image_of_an_algorithm_that_runs_none_is_refused_by_name(
    sagemaker: Any, role: str, job_request: Make
) -> None:
    parameters = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": '"s3://none/source.tar.gz"'}
    container = {"Image": LINEAR_LEARNER, "Environment": {"SAGEMAKER_PROGRAM": "serve.py"}}

    for code, message in (
        refusal(sagemaker.create_training_job, **job_request(hyperparameters=parameters)),
        refusal(sagemaker.create_model, ModelName="m", PrimaryContainer=container, ExecutionRoleArn=role),
    ):
        assert code == "UnsupportedByPreflight" and "image of a built-in algorithm other than XGBoost" in message


def test_an_empty_script_is_none(sagemaker: Any, role: str) -> None:
    container = {"Image": XGBOOST, "Environment": {"SAGEMAKER_PROGRAM": ""}}

    assert sagemaker.create_model(ModelName=unique("model"), PrimaryContainer=container, ExecutionRoleArn=role)
