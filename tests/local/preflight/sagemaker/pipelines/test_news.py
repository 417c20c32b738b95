"""What EventBridge, CloudWatch and Search know of executions and their steps."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from preflight.waiting import wait_until
from tests.local.conftest import Make
from tests.local.preflight.sagemaker.pipelines.conftest import ALWAYS, condition, fail
from tests.local.preflight.sagemaker.telemetry.test_events import Watch

EVENT = "SageMaker Model Building Pipeline Execution"


@pytest.fixture(scope="module")
def watch(client: Make) -> Iterator[Watch]:
    watch = Watch(client)
    yield watch
    watch.stop()


def test_events_and_metrics_tell_of_executions_and_steps(client: Make, run: Make, watch: Watch) -> None:
    execution, steps = run(condition("Check", ALWAYS, then=[fail("Stop", "enough")]), PipelineDescription="x")
    pipeline, arn = execution["PipelineArn"], execution["PipelineExecutionArn"]

    events = watch.wait_for([pipeline, arn], 8)

    details = [event["detail"] for event in events if event["detail-type"] == f"{EVENT} Status Change"]
    told = {each["currentPipelineExecutionStatus"]: each for each in details}
    assert told.keys() == {"Executing", "Failed"}
    assert told["Failed"]["previousPipelineExecutionStatus"] == "Executing"
    assert (told["Failed"]["pipelineArn"], told["Failed"]["pipelineExecutionArn"]) == (pipeline, arn)
    assert "executionEndTime" in told["Failed"] and "executionEndTime" not in told["Executing"]
    of_steps = [event["detail"] for event in events if event["detail-type"] == f"{EVENT} Step Status Change"]
    assert {(each["stepName"], each.get("previousStepStatus"), each["currentStepStatus"]) for each in of_steps} == {
        (name, *states)
        for name, end in (("Check", "Succeeded"), ("Stop", "Failed"))
        for states in ((None, "Starting"), ("Starting", "Executing"), ("Executing", end))
    }
    failed = next(each for each in of_steps if each["currentStepStatus"] == "Failed")
    assert (failed["failureReason"], failed["stepType"]) == ("enough", "Fail")
    assert failed["metadata"] == {"fail": {"errorMessage": "enough"}}
    assert steps["Stop"]["StepStatus"] == "Failed"
    name = execution["PipelineArn"].rpartition("/")[2]
    counted = Counts(client("cloudwatch"))
    assert wait_until(lambda: counted(name, "ExecutionFailed") == 1, 30, 0.5)
    assert counted(name, "ExecutionStarted") == 1
    assert counted(name, "StepSucceeded", "Check") == 1


class Counts:
    """Sums of metrics of pipelines, whose names CloudWatch has in their own case."""

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch

    def __call__(self, pipeline: str, metric: str, step: str | None = None) -> float:
        listed = self._cloudwatch.list_metrics(Namespace="AWS/Sagemaker/ModelBuildingPipeline", MetricName=metric)
        for found in listed["Metrics"]:
            named = {each["Name"]: each["Value"] for each in found.get("Dimensions", ())}
            if named.get("PipelineName", "").lower() == pipeline and named.get("StepName") == step:
                now = datetime.now(UTC)
                span = {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=1)}
                points = self._cloudwatch.get_metric_statistics(**found, **span, Period=60, Statistics=["Sum"])
                return float(sum(point["Sum"] for point in points["Datapoints"]))
        return 0.0


def test_search_finds_pipelines_their_versions_and_executions(sagemaker: Any, run: Make) -> None:
    parameters = [{"Name": "Who", "Type": "String", "DefaultValue": "a"}]
    execution, _ = run(condition("Check", ALWAYS), parameters=parameters, Tags=[{"Key": "team", "Value": "red"}])

    def found(resource: str, name: str, value: str) -> list[dict[str, Any]]:
        filters = [{"Name": name, "Operator": "Equals", "Value": value}]
        answer = sagemaker.search(Resource=resource, SearchExpression={"Filters": filters})
        return [each[resource] for each in answer["Results"]]

    arn = execution["PipelineArn"]
    assert [each["PipelineArn"] for each in found("Pipeline", "PipelineArn", arn)] == [arn]
    assert arn in [each["PipelineArn"] for each in found("Pipeline", "Tags.team", "red")]
    [one] = found("PipelineExecution", "PipelineArn", arn)
    assert one["PipelineExecutionStatus"] == "Succeeded"
    assert one["PipelineParameters"] == [{"Name": "Who", "Value": "a"}]
    [version] = found("PipelineVersion", "PipelineArn", arn)
    assert version["PipelineVersionId"] == 1
    assert version["LastExecutedPipelineExecutionArn"] == execution["PipelineExecutionArn"]
    assert version["LastExecutedPipelineExecutionStatus"] == "Succeeded"
