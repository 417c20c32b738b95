"""Pipelines by boto3: most of them decide only, so that they cost no job; one runs jobs."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import XGBOOST, Make, make_role, refusal, unique
from tests.local.preflight.sagemaker.pipelines.conftest import (
    ALWAYS,
    compare,
    condition,
    fail,
    get,
    steps_of,
    wait,
)


def test_a_condition_takes_one_branch_and_a_fail_step_says_why(run: Make) -> None:
    joined = {"Std:Join": {"On": "-", "Values": ["mse", get("Parameters.Limit"), True, get("Execution.PipelineName")]}}
    execution, steps = run(
        condition(
            "Check",
            compare("GreaterThan", get("Parameters.Limit"), 5),
            then=[fail("TooHigh", joined)],
            otherwise=[fail("Never", "no")],
        ),
        parameters=[{"Name": "Limit", "Type": "Float", "DefaultValue": 6.5}],
    )

    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Step failure: One or multiple steps failed."
    assert steps.keys() == {"Check", "TooHigh"}, "steps of the other branch are absent"
    assert steps["Check"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    name = execution["PipelineArn"].rpartition("/")[2]
    reason = steps["TooHigh"]["FailureReason"]
    assert reason.lower() == f"mse-6.5-true-{name}"
    assert steps["TooHigh"]["Metadata"] == {"Fail": {"ErrorMessage": reason}}


@pytest.mark.parametrize(
    ("tested", "outcome"),
    [
        (compare("LessThanOrEqualTo", 6.0, get("Parameters.Number")), "True"),
        (compare("GreaterThanOrEqualTo", 5, get("Parameters.Number")), "False"),
        (compare("Equals", get("Parameters.Text"), "a"), "True"),
        (compare("Equals", get("Parameters.Flag"), 1), "False"),
        ({"Type": "In", "QueryValue": get("Parameters.Text"), "Values": ["b", "a"]}, "True"),
        ({"Type": "Not", "Expression": compare("LessThan", 1, 2)}, "False"),
        ({"Type": "Or", "Conditions": [compare("LessThan", 2, 1), ALWAYS]}, "True"),
    ],
)
def test_conditions_of_every_kind(run: Make, tested: Any, outcome: str) -> None:
    parameters = [
        {"Name": "Number", "Type": "Integer"},
        {"Name": "Text", "Type": "String", "EnumValues": ["a", "b"]},
        {"Name": "Flag", "Type": "Boolean", "DefaultValue": True},
    ]
    execution, steps = run(
        condition("Check", tested, ALWAYS), parameters=parameters, given={"Number": "6", "Text": "a"}
    )

    assert execution["PipelineExecutionStatus"] == "Succeeded", steps
    assert steps["Check"]["Metadata"]["Condition"]["Outcome"] == outcome


@pytest.mark.parametrize("given", [{}, {"Text": "c"}, {"Text": "a", "Other": "x"}, {"Text": "a", "Number": "1.5"}])
def test_parameters_that_do_not_fit_are_refused_at_the_start(sagemaker: Any, create: Make, given: Any) -> None:
    parameters = [
        {"Name": "Text", "Type": "String", "EnumValues": ["a"]},
        {"Name": "Number", "Type": "Integer", "DefaultValue": 1},
    ]
    name = create(condition("Check", ALWAYS), parameters=parameters)
    values = [{"Name": key, "Value": value} for key, value in given.items()]

    code, _ = refusal(sagemaker.start_pipeline_execution, PipelineName=name, PipelineParameters=values)

    assert code == "ValidationException"
    assert sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"] == []


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([condition("A", {"Type": "In", "Expression": 1})], "Cannot parse object, unknown property 'Expression'."),
        ({}, "Expecting start of Json Array."),
        (["x"], "Expecting start of Json Object."),
        (
            [{"Name": "R", "Type": "RegisterModel", "Arguments": {"ModelPackageName": "x"}}],
            "Unknown Argument member 'ModelPackageName'.",
        ),
        (
            [
                {
                    "Name": "P",
                    "Type": "Processing",
                    "Arguments": {"ProcessingInputs": [{"InputName": "a", "S3Input": {"S3InputMode": "FastFile"}}]},
                }
            ],
            "Model Validation failed: Value 'FastFile' for 'ProcessingS3InputMode' failed to satisfy enum value set: "
            "[Pipe, File]",
        ),
    ],
)
def test_a_definition_that_is_none_is_refused_in_awss_words(sagemaker: Any, role: str, steps: Any, words: str) -> None:
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})

    refused = refusal(sagemaker.create_pipeline, PipelineName="p", PipelineDefinition=definition, RoleArn=role)

    assert refused[0] == "ValidationException"
    assert words in refused[1]


@pytest.mark.parametrize(
    "steps",
    [
        [fail("A", "x"), fail("A", "y")],
        [condition("A", ALWAYS, DependsOn=["Nobody"])],
        [condition("A", ALWAYS, DependsOn=["B"]), condition("B", ALWAYS, DependsOn=["A"])],
        [condition("A", compare("Equals", get("Parameters.None"), 1))],
        [condition("A", compare("Equals", get("Execution.None"), 1))],
        [fail("A", "x"), condition("B", ALWAYS, DependsOn=["A"])],
        [condition("A", ALWAYS, then=[condition("B", ALWAYS)])],
    ],
)
def test_steps_that_do_not_fit_together_are_refused(sagemaker: Any, role: str, steps: Any) -> None:
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})

    refused = refusal(sagemaker.create_pipeline, PipelineName="p", PipelineDefinition=definition, RoleArn=role)

    assert refused[0] == "ValidationException"


@pytest.mark.parametrize("kind", ["ClarifyCheck", "QualityCheck", "EMR", "AutoML"])
def test_steps_that_do_not_run_here_are_refused_by_name(sagemaker: Any, role: str, kind: str) -> None:
    steps = [condition("A", ALWAYS, then=[{"Name": "B", "Type": kind, "Arguments": {}}])]
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})

    code, words = refusal(sagemaker.create_pipeline, PipelineName="p", PipelineDefinition=definition, RoleArn=role)

    assert code == "UnsupportedByPreflight"
    assert f"a step of type {kind}" in words


def test_a_pipeline_is_described_updated_listed_and_deleted(sagemaker: Any, create: Make, role: str) -> None:
    name = create(condition("A", ALWAYS), PipelineDescription="first", Tags=[{"Key": "team", "Value": "a"}])

    described = sagemaker.describe_pipeline(PipelineName=name)
    code, words = refusal(create, condition("A", ALWAYS), PipelineName=name)
    updated = sagemaker.update_pipeline(PipelineName=name, PipelineDescription="second")

    assert described["PipelineArn"].endswith(f":pipeline/{name.lower()}")
    assert (described["PipelineName"], described["PipelineStatus"]) == (name, "Active")
    assert code == "ValidationException"
    assert "already exists" in words
    assert "must be unique within an AWS account" in words
    assert updated["PipelineVersionId"] == 2
    assert sagemaker.describe_pipeline(PipelineName=described["PipelineArn"])["PipelineDescription"] == "second"
    assert sagemaker.list_tags(ResourceArn=described["PipelineArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    wait(sagemaker, arn)
    assert [
        each["PipelineExecutionArn"]
        for each in sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    ] == [arn]
    listed = sagemaker.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]
    assert [each["PipelineName"] for each in listed] == [name]
    sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken="t" * 32)
    assert refusal(sagemaker.describe_pipeline, PipelineName=name)[0] == "ResourceNotFound"
    assert refusal(sagemaker.describe_pipeline_execution, PipelineExecutionArn=arn)[0] == "ResourceNotFound"


SCRIPT = (
    "import json, os; folder = os.environ.get('SAGEMAKER_BASE_DIR', '/opt/ml') + '/processing/out'; "
    "json.dump({'metrics': {'mse': [{'value': 4.5}]}}, open(folder + '/report.json', 'w'))"
)


def processing(name: str, bucket: str, role: str, script: str = SCRIPT, **members: Any) -> dict[str, Any]:
    target = {"S3Uri": f"s3://{bucket}/{unique('out')}", "LocalPath": "/opt/ml/processing/out"}
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
            },
            "AppSpecification": {"ImageUri": XGBOOST, "ContainerEntrypoint": ["python3", "-c", script]},
            "ProcessingOutputConfig": {
                "Outputs": [{"OutputName": "out", "S3Output": {**target, "S3UploadMode": "EndOfJob"}}]
            },
            "RoleArn": role,
        },
        **members,
    }


def test_a_property_file_decides_and_a_jobs_properties_are_at_hand(
    sagemaker: Any, run: Make, bucket: str, role: str
) -> None:
    files = [{"PropertyFileName": "Report", "OutputName": "out", "FilePath": "report.json"}]
    mse = {"Std:JsonGet": {"PropertyFile": get("Steps.Eval.PropertyFiles.Report"), "Path": "metrics.mse[0].value"}}
    where = get("Steps.Eval.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")
    step = processing("Eval", bucket, role, PropertyFiles=files)

    execution, steps = run(step, condition("Check", compare("LessThanOrEqualTo", mse, 6.0), then=[fail("Good", where)]))

    assert steps["Eval"]["StepStatus"] == "Succeeded", steps
    assert (
        steps["Good"]["FailureReason"]
        == (step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"])
    )
    arn = steps["Eval"]["Metadata"]["ProcessingJob"]["Arn"]
    execution_id = execution["PipelineExecutionArn"].rpartition("/")[2]
    assert f"processing-job/pipelines-{execution_id}-eval-" in arn.lower()
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags["sagemaker:pipeline-execution-arn"] == execution["PipelineExecutionArn"]


def test_jobs_join_the_experiment_that_the_definition_names(sagemaker: Any, run: Make, bucket: str, role: str) -> None:
    named = {"ExperimentName": get("Execution.PipelineName"), "TrialName": get("Execution.PipelineExecutionId")}

    execution, steps = run(processing("Eval", bucket, role), experiment=named)

    assert steps["Eval"]["StepStatus"] == "Succeeded", steps
    pipeline, execution_id = (execution[name].rpartition("/")[2] for name in ("PipelineArn", "PipelineExecutionArn"))
    assert execution["PipelineExperimentConfig"] == {"ExperimentName": pipeline.lower(), "TrialName": execution_id}
    job = steps["Eval"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    described = sagemaker.describe_processing_job(ProcessingJobName=job)
    assert described["ExperimentConfig"] == execution["PipelineExperimentConfig"]
    found = sagemaker.list_trial_components(TrialName=execution_id)["TrialComponentSummaries"]
    assert [summary["TrialComponentName"].lower() for summary in found] == [f"{job}-aws-processing-job"]
    assert sagemaker.describe_trial(TrialName=execution_id)["ExperimentName"] == pipeline.lower()


def test_steps_that_wait_for_nothing_run_at_the_same_time(run: Make, bucket: str, role: str, tmp_path: Path) -> None:
    """Each ends when it has seen the other."""
    (tmp_path / "m").mkdir()
    script = (
        f"import pathlib, sys, time; m = pathlib.Path('{tmp_path}/m'); (m / sys.argv[1]).touch(); "
        "[time.sleep(.05) for _ in iter(lambda: len(list(m.iterdir())) < 2, False)]"
    )
    first, second = (processing(name, bucket, role, script) for name in ("First", "Second"))
    for step in (first, second):
        step["Arguments"]["AppSpecification"]["ContainerEntrypoint"].append(step["Name"])

    _, steps = run(first, second)

    assert [steps[name]["StepStatus"] for name in ("First", "Second")] == ["Succeeded", "Succeeded"], [
        s.get("FailureReason") for s in steps.values()
    ]


@pytest.mark.parametrize("name", [get("Steps.Bad"), get("Parameters.Nobody"), "no name!"])
def test_an_experiment_that_cannot_be_is_refused(sagemaker: Any, create: Make, name: Any) -> None:
    experiment = {"ExperimentName": name, "TrialName": "trial"}

    def begin() -> None:
        pipeline = create(fail("Bad", "end"), experiment=experiment)
        sagemaker.start_pipeline_execution(PipelineName=pipeline)

    assert refusal(begin)[0] == "ValidationException"


def test_a_stopped_execution_stops_its_job_and_a_retry_runs_it_again(
    sagemaker: Any, create: Make, bucket: str, role: str
) -> None:
    name = create(processing("Long", bucket, role, "import time; time.sleep(300)"), condition("First", ALWAYS))
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    job = _job_of(sagemaker, arn)
    token = {"ClientRequestToken": "t" * 32}
    assert refusal(sagemaker.delete_pipeline, PipelineName=name, **token)[0] == "ConflictException"

    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, **token)

    assert wait(sagemaker, arn)["PipelineExecutionStatus"] == "Stopped"
    assert steps_of(sagemaker, arn)["Long"]["StepStatus"] == "Stopped"
    assert sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Stopped"
    sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, **token)
    assert _job_of(sagemaker, arn) != job
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, **token)
    assert wait(sagemaker, arn)["PipelineExecutionStatus"] == "Stopped"


def _job_of(sagemaker: Any, arn: str) -> str:
    deadline = time.monotonic() + 60
    while True:
        step = steps_of(sagemaker, arn).get("Long", {})
        if found := step.get("Metadata"):
            return str(found["ProcessingJob"]["Arn"].rpartition("/")[2])
        assert time.monotonic() < deadline, step
        time.sleep(0.05)


def test_a_request_that_is_refused_fails_its_step_in_awss_words(run: Make, bucket: str, role: str) -> None:
    step = processing("Big", bucket, role)
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 99

    execution, steps = run(step)

    reason = steps["Big"]["FailureReason"]
    assert reason.startswith(
        "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: The account-level service limit "
    )
    assert reason.endswith(
        f"\nRetry not appropriate on execution of step with PipelineExecutionArn {execution['PipelineExecutionArn']} "
        "and StepId Big. No retry policy configured for the exception type SAGEMAKER_RESOURCE_LIMIT."
    )


def test_a_retry_policy_tries_a_step_again(run: Make, bucket: str, role: str) -> None:
    policy = {"ExceptionType": ["SageMaker.RESOURCE_LIMIT"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 1}
    step = processing("Big", bucket, role, RetryPolicies=[policy])
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 99

    _, steps = run(step)

    assert (steps["Big"]["StepStatus"], steps["Big"]["AttemptCount"]) == ("Failed", 2)


def test_steps_may_do_what_the_pipelines_role_may(client: Make, run: Make, bucket: str, role: str) -> None:
    weak = make_role(client("iam"), "sagemaker.amazonaws.com", ())

    _, steps = run(processing("Job", bucket, role), RoleArn=weak)

    assert "is not authorized to perform: sagemaker:CreateProcessingJob" in steps["Job"]["FailureReason"]
