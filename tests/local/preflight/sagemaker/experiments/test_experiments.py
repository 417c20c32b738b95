"""Experiments, trials and trial components: made, linked, searched, measured, deleted in AWS's order."""

from datetime import UTC, datetime
from typing import Any

import pytest

from preflight.stack import Stack
from tests.local.conftest import Make, refusal, unique
from tests.local.raw import send, signature

ROOT = "arn:aws:sagemaker:us-east-1:000000000000"


@pytest.fixture
def experiment(sagemaker: Any) -> str:
    name = unique("experiment")
    sagemaker.create_experiment(ExperimentName=name, Description="of tests")
    return name


@pytest.fixture
def trial(sagemaker: Any, experiment: str) -> str:
    name = unique("trial")
    sagemaker.create_trial(TrialName=name, ExperimentName=experiment)
    return name


def test_what_is_linked_is_deleted_from_the_leaves_up(sagemaker: Any, experiment: str, trial: str) -> None:
    component = unique("component")
    arn = sagemaker.create_trial_component(TrialComponentName=component)["TrialComponentArn"]
    sagemaker.associate_trial_component(TrialComponentName=component, TrialName=trial)

    for members in ({"ExperimentName": experiment}, {"TrialName": trial}):
        listed = sagemaker.list_trial_components(**members)["TrialComponentSummaries"]
        assert [each["TrialComponentArn"] for each in listed] == [arn]
    assert [each["TrialName"] for each in sagemaker.list_trials(TrialComponentName=component)["TrialSummaries"]] == [
        trial
    ]
    assert refusal(sagemaker.delete_trial_component, TrialComponentName=component) == (
        "ValidationException",
        f"TrialComponent '{arn}' is linked to 1 or more trials and cannot be deleted.",
    )
    assert refusal(sagemaker.delete_trial, TrialName=trial)[0] == "ValidationException"
    assert refusal(sagemaker.delete_experiment, ExperimentName=experiment)[0] == "ValidationException"

    sagemaker.disassociate_trial_component(TrialComponentName=component, TrialName=trial)
    sagemaker.delete_trial_component(TrialComponentName=component)
    sagemaker.delete_trial(TrialName=trial)
    sagemaker.delete_experiment(ExperimentName=experiment)
    for call, members in (
        (sagemaker.describe_trial_component, {"TrialComponentName": component}),
        (sagemaker.describe_trial, {"TrialName": trial}),
        (sagemaker.describe_experiment, {"ExperimentName": experiment}),
    ):
        assert refusal(call, **members)[0] == "ResourceNotFound"


def test_a_name_that_is_taken_is_refused_so_that_clients_of_all_years_know(
    sagemaker: Any, experiment: str, trial: str
) -> None:
    for call, members in (
        (sagemaker.create_experiment, {"ExperimentName": experiment}),
        (sagemaker.create_trial, {"TrialName": trial, "ExperimentName": experiment}),
    ):
        code, message = refusal(call, **members)
        assert code == "ValidationException"
        assert "already exists" in message and "must be unique within an AWS account" in message
    other = refusal(sagemaker.create_trial, TrialName=unique("trial"), ExperimentName="none")
    assert other[0] == "ResourceNotFound"


def test_updates_add_and_remove_and_search_finds_by_parameters_and_metrics(
    sagemaker: Any, client: Make, experiment: str, trial: str
) -> None:
    name = unique("component")
    sagemaker.create_trial_component(
        TrialComponentName=name, Parameters={"eta": {"NumberValue": 0.5}, "kind": {"StringValue": "a"}}
    )
    sagemaker.associate_trial_component(TrialComponentName=name, TrialName=trial)
    sagemaker.update_trial_component(
        TrialComponentName=name,
        Parameters={"eta": {"NumberValue": 0.1}},
        ParametersToRemove=["kind"],
        OutputArtifacts={"model": {"Value": "s3://bucket/model"}},
        Status={"PrimaryStatus": "InProgress", "Message": "Within a run context"},
    )
    now = datetime.now(UTC)
    values = [
        {"MetricName": "loss", "Value": value, "Timestamp": now, "Step": step} for step, value in enumerate((3, 1))
    ]
    client("sagemaker-metrics").batch_put_metrics(TrialComponentName=name, MetricData=values)

    component = sagemaker.describe_trial_component(TrialComponentName=name)
    assert component["Parameters"] == {"eta": {"NumberValue": 0.1}}
    assert component["OutputArtifacts"]["model"]["Value"] == "s3://bucket/model"
    assert component["Status"]["PrimaryStatus"] == "InProgress"
    (metric,) = component["Metrics"]
    assert {key: metric[key] for key in ("MetricName", "Min", "Max", "Last", "Count", "Avg", "StdDev")} == {
        "MetricName": "loss",
        "Min": 1.0,
        "Max": 3.0,
        "Last": 1.0,
        "Count": 2,
        "Avg": 2.0,
        "StdDev": 1.0,
    }

    def found(*filters: tuple[str, str, str]) -> list[str]:
        expression = {"Filters": [dict(zip(("Name", "Operator", "Value"), each, strict=True)) for each in filters]}
        answer = sagemaker.search(Resource="ExperimentTrialComponent", SearchExpression=expression)
        return [each["TrialComponent"]["TrialComponentName"] for each in answer["Results"]]

    in_trial = ("Parents.TrialName", "Equals", trial)
    assert found(("TrialComponentName", "Equals", name), in_trial) == [name]
    assert found(in_trial, ("Parameters.eta", "LessThan", "0.2"), ("Metrics.loss.max", "Equals", "3")) == [name]
    assert found(in_trial, ("metrics.loss", "GreaterThan", "2")) == []
    assert found(("Parents.ExperimentName", "Equals", experiment)) == [name]


def test_metrics_of_what_is_not_there_are_refused(client: Make, stack: Stack) -> None:
    data = [{"MetricName": "loss", "Value": 1.0, "Timestamp": datetime.now(UTC)}]
    refused = refusal(client("sagemaker-metrics").batch_put_metrics, TrialComponentName="none", MetricData=data)
    assert refused[0] == "ResourceNotFound"
    headers = {"Authorization": signature(), "Content-Type": "application/json"}
    for body in (b"", b"[]", b'{"TrialComponentName": 1}', b"{}"):
        assert send(stack.port, "PUT", "/BatchPutMetrics", body, headers)[0] == 400


def test_an_artifact_is_one_by_its_source_and_is_linked_once(sagemaker: Any) -> None:
    component = sagemaker.create_trial_component(TrialComponentName=unique("component"))["TrialComponentArn"]
    source = {"SourceUri": f"s3://bucket/{unique('artifact')}"}
    artifact = sagemaker.create_artifact(ArtifactName="a", ArtifactType="DataSet", Source=source)["ArtifactArn"]
    code, message = refusal(sagemaker.create_artifact, ArtifactType="DataSet", Source=source)
    assert (code, "already exists" in message) == ("ValidationException", True)
    assert sagemaker.describe_artifact(ArtifactArn=artifact)["Source"]["SourceUri"] == source["SourceUri"]
    listed = sagemaker.list_artifacts(SourceUri=source["SourceUri"])["ArtifactSummaries"]
    assert [each["ArtifactArn"] for each in listed] == [artifact]

    edge = {"SourceArn": component, "DestinationArn": artifact}
    sagemaker.add_association(**edge, AssociationType="Produced")
    assert "already exists" in refusal(sagemaker.add_association, **edge)[1]
    (found,) = sagemaker.list_associations(SourceArn=component)["AssociationSummaries"]
    assert (found["DestinationArn"], found["AssociationType"]) == (artifact, "Produced")
    other = sagemaker.create_trial_component(TrialComponentName=unique("component"))["TrialComponentArn"]
    refused = refusal(sagemaker.add_association, SourceArn=component, DestinationArn=other)
    assert refused[0] == "ValidationException"
    sagemaker.delete_association(**edge)
    assert sagemaker.list_associations(SourceArn=component)["AssociationSummaries"] == []
    sagemaker.delete_artifact(Source=source)
    assert refusal(sagemaker.describe_artifact, ArtifactArn=artifact)[0] == "ResourceNotFound"


def test_a_job_has_a_trial_component_in_the_trial_it_names(
    sagemaker: Any, train: Make, job_request: Make, experiment: str, trial: str
) -> None:
    config = {"ExperimentName": experiment, "TrialName": trial, "TrialComponentDisplayName": "Training"}
    job = train(ExperimentConfig=config, TrainingJobName=unique("Job"))

    name = f"{job['TrainingJobName']}-aws-training-job"
    component = sagemaker.describe_trial_component(TrialComponentName=name)
    assert component["Source"] == {"SourceArn": job["TrainingJobArn"], "SourceType": "SageMakerTrainingJob"}
    assert (component["DisplayName"], component["Status"]["PrimaryStatus"]) == ("Training", "Completed")
    assert component["EndTime"] == job["TrainingEndTime"]
    assert component["Parameters"]["epochs"] == {"NumberValue": 3.0}
    assert component["Parameters"]["SageMaker.InstanceType"] == {"StringValue": "ml.m5.large"}
    assert component["OutputArtifacts"]["SageMaker.ModelArtifact"]["Value"] == job["ModelArtifacts"]["S3ModelArtifacts"]
    assert {each["MetricName"] for each in component["Metrics"]} == {
        each["MetricName"] for each in job["FinalMetricDataList"]
    }
    listed = sagemaker.list_trial_components(TrialName=trial)["TrialComponentSummaries"]
    assert [each["TrialComponentName"] for each in listed] == [name]
    assert job["ExperimentConfig"] == config
    listed = sagemaker.list_trial_components(SourceArn=job["TrainingJobArn"].lower())["TrialComponentSummaries"]
    assert [each["TrialComponentName"] for each in listed] == [name]

    bad = job_request(ExperimentConfig={"ExperimentName": experiment, "TrialName": "none"})
    assert refusal(sagemaker.create_training_job, **bad)[0] == "ResourceNotFound"
