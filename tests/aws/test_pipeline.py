"""The pipeline goes the whole way on the stack: both branches, what an approval sets off, and nothing is left."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.sagemaker.launching.framework_images import framework_images
from preflight.sagemaker.launching.process.private_folders import private_folders
from preflight.waiting import wait_until
from tests.aws.conftest import Project
from tests.conftest import REPOSITORY

WITHOUT_PYTHON = [each.name for each in framework_images() if not each.has_python]
pytestmark = [
    pytest.mark.skipif("sklearn:1.4-2" in WITHOUT_PYTHON, reason="no Python for sklearn:1.4-2"),
    pytest.mark.skipif(bool(private_folders().problem), reason=private_folders().problem),
]
EXAMPLE = (REPOSITORY / "preflight.toml").read_text()
COLUMNS = EXAMPLE[EXAMPLE.index("[data]") : EXAMPLE.index("# What `python aws/deploy.py`")]


@pytest.fixture(scope="module")
def project(make_project: Callable[[str], Project]) -> Project:
    """A project of the airline survey's columns."""
    project = make_project("piped")
    describe(project)
    return project


def describe(project: Project, lines: str = "") -> None:
    project.configure(lines)
    with (project.folder / "preflight.toml").open("a") as file:
        file.write(f"\n{COLUMNS}")


def test_what_is_accurate_enough_is_registered_and_on_approval_served(
    project: Project, prepared_data: Path, client: Callable[..., Any]
) -> None:
    table = str(prepared_data / "sample.csv")

    run = project.run("pipeline", table, "--approve")
    again = project.run("pipeline", table, "--plan")

    assert run.exit_code == 0, run.output
    assert "Prepare ✓ > Train ✓ > Model ✓ > Score ✓ > Evaluate ✓ > Accuracy ✓ > Register ✓" in run.stdout
    assert "1 call to make." in again.stdout and "sagemaker StartPipelineExecution" in again.stdout
    sagemaker = client("sagemaker")
    assert sagemaker.describe_endpoint(EndpointName="piped")["EndpointConfigName"] == "piped-approved-1"
    row = (prepared_data / "test_aws.csv").read_text().splitlines()[0].partition(",")[2]
    answer = client("sagemaker-runtime").invoke_endpoint(EndpointName="piped", ContentType="text/csv", Body=row)
    assert json.loads(answer["Body"].read())["predictions"][0]["predicted_label"] in (0, 1)
    [package] = sagemaker.list_model_packages(ModelPackageGroupName="piped")["ModelPackageSummaryList"]
    report = sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    bucket, _, key = report["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"].removeprefix("s3://").partition("/")
    measured = json.loads(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    assert 0.8 <= measured["binary_classification_metrics"]["accuracy"]["value"] < 1


def test_the_job_prepares_the_table_as_data_prep_does(
    project: Project, prepared_data: Path, client: Callable[..., Any]
) -> None:
    s3 = client("s3")
    stored = s3.list_objects_v2(Bucket=f"{project.name}-000000000000-us-east-1", Prefix="pipeline/")["Contents"]

    def content(name: str) -> bytes:
        [key] = [found["Key"] for found in stored if found["Key"].endswith(f"/{name}")]
        body: bytes = s3.get_object(Bucket=f"{project.name}-000000000000-us-east-1", Key=key)["Body"].read()
        return body

    for name in ("train_aws.csv", "test_aws.csv", "test_raw.csv"):
        assert content(name) == (prepared_data / name).read_bytes(), name
    made_here = json.loads((prepared_data / "schema.json").read_text())
    origin = {"source": "sample.csv", "generated": False}  # the job was given a table, and data_prep none
    assert json.loads(content("schema.json")) == made_here | origin


def test_what_is_not_accurate_enough_ends_in_a_sentence_and_is_not_registered(
    project: Project, prepared_data: Path, client: Callable[..., Any]
) -> None:
    describe(project, "pipeline.least_accuracy = 0.999\n")

    run = project.run("pipeline", str(prepared_data / "sample.csv"), "--algorithm", "xgboost", "--approve")

    assert run.exit_code == 1
    assert "TooLow: The accuracy is 0." in run.stderr and "must be at least 0.999" in run.stderr
    packages = client("sagemaker").list_model_packages(ModelPackageGroupName="piped")["ModelPackageSummaryList"]
    assert len(packages) == 1


def tuning_job(client: Callable[..., Any]) -> str:
    """The name of the tuning job that the newest execution has made."""
    sagemaker = client("sagemaker")
    newest = sagemaker.list_pipeline_executions(PipelineName="piped")["PipelineExecutionSummaries"][0]
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=newest["PipelineExecutionArn"])
    [arn] = [
        step["Metadata"]["TuningJob"]["Arn"] for step in steps["PipelineExecutionSteps"] if step["StepName"] == "Tune"
    ]
    listed = sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    [name] = [each["HyperParameterTuningJobName"] for each in listed if each["HyperParameterTuningJobArn"] == arn]
    return str(name)


def test_with_tune_the_best_of_the_models_goes_on(
    project: Project, prepared_data: Path, client: Callable[..., Any]
) -> None:
    ranges = "ranges.xgboost = { eta = [0.01, 0.5], max_depth = [1, 6] }"
    describe(project, f"tuning.jobs = 2\ntuning.{ranges}\nhyperparameters.xgboost.num_round = 5\n")
    table = str(prepared_data / "sample.csv")

    run = project.run("pipeline", table, "--algorithm", "xgboost", "--tune")

    assert run.exit_code == 0, run.output
    assert "Prepare ✓ > Tune ✓ > Model ✓ > Score ✓ > Evaluate ✓ > Accuracy ✓ > Register ✓" in run.stdout
    sagemaker = client("sagemaker")
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning_job(client))
    assert job["TrainingJobStatusCounters"]["Completed"] == 2
    newest = sagemaker.list_model_packages(ModelPackageGroupName="piped", SortOrder="Descending")
    arn = newest["ModelPackageSummaryList"][0]["ModelPackageArn"]
    [container] = sagemaker.describe_model_package(ModelPackageName=arn)["InferenceSpecification"]["Containers"]
    best = job["BestTrainingJob"]["TrainingJobName"]
    trained = sagemaker.describe_training_job(TrainingJobName=best)
    assert container["ModelDataUrl"] == trained["ModelArtifacts"]["S3ModelArtifacts"]
    assert {"Key": "preflight:project", "Value": "piped"} in sagemaker.list_tags(ResourceArn=trained["TrainingJobArn"])[
        "Tags"
    ]


def test_each_role_of_the_pipeline_may_do_its_part_only(project: Project, client: Callable[..., Any]) -> None:
    account = "arn:aws:sagemaker:us-east-1:000000000000"
    job_role = "arn:aws:iam::000000000000:role/piped-sagemaker-us-east-1"
    decisions = {
        ("pipeline", "sagemaker:CreateTrainingJob", f"{account}:training-job/pipelines-1-Train-2"): True,
        ("pipeline", "sagemaker:CreateTrainingJob", f"{account}:training-job/another"): False,
        ("pipeline", "sagemaker:CreateEndpoint", f"{account}:endpoint/piped"): False,
        ("approval", "sagemaker:UpdateEndpoint", f"{account}:endpoint/piped"): True,
        ("approval", "sagemaker:UpdateEndpoint", f"{account}:endpoint/another"): False,
        ("approval", "iam:PassRole", job_role): False,  # to SageMaker only, and here nobody says to whom
    }

    for (role, action, resource), is_allowed in decisions.items():
        [result] = client("iam").simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::000000000000:role/piped-{role}-us-east-1",
            ActionNames=[action],
            ResourceArns=[resource],
        )["EvaluationResults"]
        assert (result["EvalDecision"] == "allowed") is is_allowed, (role, action, resource)


def test_an_approval_keeps_the_instances_of_a_variant_that_scales(project: Project, client: Callable[..., Any]) -> None:
    sagemaker, scaling = client("sagemaker"), client("application-autoscaling")
    variant = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/piped/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }

    def is_serving(config: str, count: int) -> bool:
        endpoint = sagemaker.describe_endpoint(EndpointName="piped")
        counts = [each["CurrentInstanceCount"] for each in endpoint["ProductionVariants"]]
        return (endpoint["EndpointStatus"], endpoint["EndpointConfigName"], counts) == ("InService", config, [count])

    served = sagemaker.describe_endpoint(EndpointName="piped")["EndpointConfigName"]
    scaling.register_scalable_target(**variant, MinCapacity=2, MaxCapacity=3)
    assert wait_until(lambda: is_serving(served, 2), 60, 0.2)
    scaling.register_scalable_target(**variant, MinCapacity=1, MaxCapacity=3)
    package = sagemaker.list_model_packages(ModelPackageGroupName="piped")["ModelPackageSummaryList"][0]
    described = sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    same = {name: described[name] for name in ("ModelPackageGroupName", "InferenceSpecification")}
    approved = sagemaker.create_model_package(**same, ModelApprovalStatus="Approved")["ModelPackageArn"]

    assert wait_until(lambda: is_serving(f"piped-approved-{approved.rpartition('/')[2]}", 2), 60, 0.2)
    scaling.deregister_scalable_target(**variant)


def test_a_plan_for_aws_shows_every_call_and_the_price_and_makes_none(
    project: Project, prepared_data: Path, client: Callable[..., Any]
) -> None:
    executions = client("sagemaker").list_pipeline_executions(PipelineName="piped")["PipelineExecutionSummaries"]

    plan = project.run("pipeline", str(prepared_data / "sample.csv"), "--target", "aws", "--approve", "--plan")
    tuned = project.run("pipeline", str(prepared_data / "sample.csv"), "--target", "aws", "--tune", "--plan")

    assert plan.exit_code == 0, plan.output
    assert "for training, transform" in plan.stdout and "for 2 training jobs, transform" in tuned.stdout
    assert "StartPipelineExecution" in plan.stdout
    assert "2 jobs on ml.m5.large" in plan.stdout and "an hour" in plan.stdout
    assert (
        client("sagemaker").list_pipeline_executions(PipelineName="piped")["PipelineExecutionSummaries"] == executions
    )


def test_a_table_without_its_columns_is_refused_before_the_first_call(project: Project, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")

    refused = project.run("pipeline", str(tmp_path / "other.csv"))

    assert refused.exit_code == 2
    assert "column 'Gender' (and 22 more) are missing" in refused.stderr


def test_destroy_leaves_nothing_of_it(project: Project, client: Callable[..., Any]) -> None:
    trials = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": tuning_job(client)}
    assert client("logs").describe_log_streams(**trials)["logStreams"]

    destroyed = project.run("destroy", "--yes")

    assert destroyed.exit_code == 0, destroyed.output
    assert "a last look found none" in destroyed.stdout
    assert client("logs").describe_log_streams(**trials)["logStreams"] == []
    sagemaker = client("sagemaker")
    assert sagemaker.list_pipelines(PipelineNamePrefix="piped")["PipelineSummaries"] == []
    assert sagemaker.list_model_package_groups(NameContains="piped")["ModelPackageGroupSummaryList"] == []
    assert client("events").list_rules(NamePrefix="piped")["Rules"] == []
