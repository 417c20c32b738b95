"""A tuning job from its creation to its end: the training jobs it makes, what it learns of them, when it is over."""

import re
from pathlib import Path
from typing import Any

import pytest

from preflight.waiting import wait_until
from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, refusal, separable_rows, unique
from tests.local.preflight.sagemaker.tuning.conftest import (
    METRIC,
    categorical,
    children,
    continuous,
    describe,
    integer,
    limits,
    wait_for_tuning_job,
)

NO_ERRORS = {"RetryableError": 0, "NonRetryableError": 0}
TAGS = [{"Key": "team", "Value": "a"}]


def tried(sagemaker: Any, job: dict[str, Any]) -> list[dict[str, str]]:
    """What the job has tried, in order."""
    return [child["TunedHyperParameters"] for child in children(sagemaker, job["HyperParameterTuningJobName"])]


@pytest.fixture(scope="module")
def bayesian(tune: Make) -> dict[str, Any]:
    """A tuning job that has ended."""
    job: dict[str, Any] = tune(config={"Strategy": "Bayesian", "ResourceLimits": limits(6, 2)}, Tags=TAGS)
    return job


def test_a_tuning_job_finds_the_best_of_its_training_jobs(sagemaker: Any, bayesian: dict[str, Any]) -> None:
    name = bayesian["HyperParameterTuningJobName"]
    assert bayesian["HyperParameterTuningJobStatus"] == "Completed", bayesian
    assert bayesian["TrainingJobStatusCounters"] == {"Completed": 6, "InProgress": 0, "Stopped": 0, **NO_ERRORS}
    assert bayesian["ObjectiveStatusCounters"] == {"Succeeded": 6, "Pending": 0, "Failed": 0}
    assert bayesian["HyperParameterTuningEndTime"] >= bayesian["CreationTime"]

    ranked = children(sagemaker, name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    objectives = [child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for child in ranked]
    assert objectives == sorted(objectives, reverse=True)
    for child, objective in zip(ranked, objectives, strict=True):
        assert objective == pytest.approx(-((float(child["TunedHyperParameters"]["x"]) - 3) ** 2), rel=1e-6)
    assert bayesian["BestTrainingJob"] == ranked[0]
    assert ranked[0]["ObjectiveStatus"] == "Succeeded"
    assert [child["TrainingJobName"][: len(name) + 4] for child in children(sagemaker, name)] == [
        f"{name}-{number:03d}" for number in range(1, 7)
    ]


def test_its_training_jobs_are_training_jobs_as_any(sagemaker: Any, bayesian: dict[str, Any]) -> None:
    best = bayesian["BestTrainingJob"]
    job = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])

    assert re.fullmatch(rf"{bayesian['HyperParameterTuningJobName']}-\d{{3}}-[0-9a-f]{{8}}", job["TrainingJobName"])
    assert job["TuningJobArn"] == bayesian["HyperParameterTuningJobArn"]
    given = bayesian["TrainingJobDefinition"]["StaticHyperParameters"]
    assert given["_tuning_objective_metric"] == "score"
    assert job["HyperParameters"] == {**given, **best["TunedHyperParameters"]}
    metrics = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert metrics.keys() == {"score", "ObjectiveMetric"}
    assert metrics["ObjectiveMetric"] == pytest.approx(best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith(f"/tuned/{job['TrainingJobName']}/output/model.tar.gz")
    assert sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"] == TAGS


def test_it_is_described_with_what_sagemaker_adds(bayesian: dict[str, Any]) -> None:
    config, definition = bayesian["HyperParameterTuningJobConfig"], bayesian["TrainingJobDefinition"]

    assert config["TrainingJobEarlyStoppingType"] == "Off"
    assert config["ParameterRanges"] == {
        "IntegerParameterRanges": [],
        "CategoricalParameterRanges": [],
        **continuous(),
    }
    metrics = definition["AlgorithmSpecification"]["MetricDefinitions"]
    assert metrics == [METRIC, {"Name": "ObjectiveMetric", "Regex": METRIC["Regex"]}]
    assert definition["EnableNetworkIsolation"] is definition["EnableManagedSpotTraining"] is False
    assert bayesian["HyperParameterTuningJobArn"].endswith(
        f":hyper-parameter-tuning-job/{bayesian['HyperParameterTuningJobName']}"
    )


def test_it_is_listed(sagemaker: Any, bayesian: dict[str, Any]) -> None:
    name = bayesian["HyperParameterTuningJobName"]

    (summary,) = sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"]

    assert summary["Strategy"] == "Bayesian"
    assert summary["ResourceLimits"] == limits(6, 2)
    for member in ("HyperParameterTuningJobStatus", "TrainingJobStatusCounters", "ObjectiveStatusCounters"):
        assert summary[member] == bayesian[member]


def test_as_many_as_are_asked_for_run_at_the_same_time(tune: Make, tmp_path: Path) -> None:
    """Each waits until all are there: one after the other they would wait for ever."""
    static = {"mode": "meet", "folder": str(tmp_path), "trials": 4}

    job = tune(static, {"ResourceLimits": limits(4, 4)})

    assert job["TrainingJobStatusCounters"]["Completed"] == 4, job


def test_the_same_seed_tries_the_same(sagemaker: Any, tune: Make) -> None:
    ranges = {**continuous("x"), **integer("depth", "1", "6"), **categorical("kind", "a", "b")}
    one, same, other = (
        tune(config={"ParameterRanges": ranges, "RandomSeed": seed, "ResourceLimits": limits(3, 3)})
        for seed in (5, 5, 6)
    )

    assert tried(sagemaker, one) == tried(sagemaker, same) != tried(sagemaker, other)
    assert all(values["kind"] in ("a", "b") and values["depth"] in "123456" for values in tried(sagemaker, one))


def test_a_grid_tries_each_combination_once_with_its_values_as_they_are(sagemaker: Any, tune: Make) -> None:
    names = {"x": ["1", '"3"'], "kind": ["a", '"b"']}
    ranges = {"CategoricalParameterRanges": [{"Name": name, "Values": values} for name, values in names.items()]}

    job = tune(config={"Strategy": "Grid", "ParameterRanges": ranges, "ResourceLimits": limits(None, 4)})

    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    assert sorted((values["x"], values["kind"]) for values in tried(sagemaker, job)) == sorted(
        (x, kind) for x in names["x"] for kind in names["kind"]
    )
    assert job["BestTrainingJob"]["TunedHyperParameters"]["x"] == '"3"'


def test_no_combination_is_tried_twice(sagemaker: Any, tune: Make) -> None:
    job = tune(config={"Strategy": "Bayesian", "ParameterRanges": integer(high="3"), "ResourceLimits": limits(4, 4)})

    assert sorted(values["x"] for values in tried(sagemaker, job)) == ["0", "1", "2", "3"]


def test_after_five_failures_it_has_failed(tune: Make) -> None:
    job = tune({"mode": "fail"}, {"ResourceLimits": limits(20, 4)})

    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"] == (
        "No training job succeeded after 5 attempts. For additional details, please take a look at the training job "
        "failures by listing training jobs for the hyperparameter tuning job."
    )
    assert 5 <= job["TrainingJobStatusCounters"]["NonRetryableError"] <= 8
    assert "BestTrainingJob" not in job


def test_training_jobs_without_the_objective_make_it_fail(sagemaker: Any, tune: Make) -> None:
    job = tune({"mode": "silent"}, {"ResourceLimits": limits(2, 2)})

    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No objective metrics found after running ")
    assert job["TrainingJobStatusCounters"]["Completed"] == job["ObjectiveStatusCounters"]["Failed"] == 2
    name = job["HyperParameterTuningJobName"]
    assert {child["ObjectiveStatus"] for child in children(sagemaker, name)} == {"Failed"}
    assert children(sagemaker, name, SortBy="FinalObjectiveMetricValue") == []


@pytest.mark.parametrize(
    "criteria",
    [
        {"TargetObjectiveMetricValue": -0.5},
        {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}},
    ],
)
def test_it_is_completed_when_a_criterion_is_met(tune: Make, criteria: dict[str, Any]) -> None:
    grid = categorical("x", *(str(value) for value in range(3, 13)))  # the first is the best
    config = {"Strategy": "Grid", "ParameterRanges": grid, "ResourceLimits": limits(None, 2)}

    job = tune(config=config | {"TuningJobCompletionCriteria": criteria})

    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert sum(job["TrainingJobStatusCounters"].values()) < 8
    assert job["BestTrainingJob"]["TunedHyperParameters"]["x"] == "3"


def test_the_median_rule_stops_what_is_worse_than_what_was_before(sagemaker: Any, tune: Make) -> None:
    """Each epoch of the second is below all of the first's."""
    grid = categorical("x", "9", "1")
    config = {"Strategy": "Grid", "ParameterRanges": grid, "ResourceLimits": limits(None, 1)}

    job = tune({"mode": "epochs"}, config | {"TrainingJobEarlyStoppingType": "Auto"})

    first, second = children(sagemaker, job["HyperParameterTuningJobName"])
    assert (first["TrainingJobStatus"], second["TrainingJobStatus"]) == ("Completed", "Stopped")
    assert second["ObjectiveStatus"] == "Succeeded"
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 1


def test_hyperband_stops_what_promises_least(tune: Make) -> None:
    # By this seed some of the later trials are worse than those before them, so that there is something to stop.
    config = {"Strategy": "Hyperband", "RandomSeed": 1, "ParameterRanges": continuous(high="4")}
    config |= {"ResourceLimits": limits(6, 3)}

    job = tune({"mode": "epochs", "epochs": 60}, config)

    assert job["HyperParameterTuningJobStatus"] == "Completed"
    counters = job["TrainingJobStatusCounters"]
    assert counters["Stopped"] >= 1
    assert counters["Stopped"] + counters["Completed"] == 6


def test_one_that_is_stopped_stops_its_training_jobs(sagemaker: Any, tuning_request: Make) -> None:
    request = tuning_request({"mode": "wait"}, {"ResourceLimits": limits(9, 2)}, Tags=TAGS)
    name = request["HyperParameterTuningJobName"]
    arn = sagemaker.create_hyper_parameter_tuning_job(**request)["HyperParameterTuningJobArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == TAGS
    assert wait_until(lambda: len(children(sagemaker, name)) == 2, 60, 0.1)
    going = describe(sagemaker, name)
    assert going["TrainingJobStatusCounters"]["InProgress"] == going["ObjectiveStatusCounters"]["Pending"] == 2
    code, message = refusal(sagemaker.delete_hyper_parameter_tuning_job, HyperParameterTuningJobName=name)
    assert code == "ValidationException" and "not in a terminal state" in message

    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)

    job = wait_for_tuning_job(sagemaker, name)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert {child["TrainingJobStatus"] for child in children(sagemaker, name)} == {"Stopped"}
    code, message = refusal(sagemaker.stop_hyper_parameter_tuning_job, HyperParameterTuningJobName=name)
    assert code == "ValidationException" and "already" in message

    made = children(sagemaker, name)
    sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    code, message = refusal(describe, sagemaker, name)
    assert code == "ResourceNotFound" and message.startswith("Amazon SageMaker can't find a tuning job")
    for child in made:
        assert sagemaker.describe_training_job(TrainingJobName=child["TrainingJobName"])["TuningJobArn"] == arn


def test_several_definitions_take_turns_and_have_one_best(sagemaker: Any, definition: Make, role: str) -> None:
    definitions = [
        definition(
            DefinitionName=name,
            TuningObjective={"Type": "Maximize", "MetricName": "score"},
            HyperParameterRanges=categorical("x", *values),
        )
        for name, values in (("near", ("3", "4")), ("far", ("9", "10")))
    ]
    request: dict[str, Any] = {
        "HyperParameterTuningJobName": unique("tune"),
        "HyperParameterTuningJobConfig": {"Strategy": "Random", "ResourceLimits": limits(4, 2)},
        "TrainingJobDefinitions": definitions,
    }
    sagemaker.create_hyper_parameter_tuning_job(**request)

    job = wait_for_tuning_job(sagemaker, request["HyperParameterTuningJobName"])

    made = [
        (child["TrainingJobDefinitionName"], child["TunedHyperParameters"]["x"])
        for child in children(sagemaker, request["HyperParameterTuningJobName"])
    ]
    assert [name for name, _ in made] == ["near", "far", "near", "far"]
    assert sorted(made) == [("far", "10"), ("far", "9"), ("near", "3"), ("near", "4")]
    assert job["BestTrainingJob"]["TrainingJobDefinitionName"] == "near"
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "3"}
    assert [each["DefinitionName"] for each in job["TrainingJobDefinitions"]] == ["near", "far"]


@pytest.mark.parametrize("kind", ["IdenticalDataAndAlgorithm", "TransferLearning"])
def test_a_warm_start_goes_on_from_its_parents(sagemaker: Any, tune: Make, bayesian: dict[str, Any], kind: str) -> None:
    parent = bayesian["HyperParameterTuningJobName"]
    warm = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": parent}],
        "WarmStartType": kind,
    }
    config = {"Strategy": "Bayesian", "ResourceLimits": limits(1, 1), "ParameterRanges": continuous(high="11")}

    job = tune(config=config, WarmStartConfig=warm)

    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    assert job["WarmStartConfig"] == warm
    assert sum(job["TrainingJobStatusCounters"].values()) == 1
    if kind == "TransferLearning":
        assert "OverallBestTrainingJob" not in job
        return
    owners = {parent: bayesian["BestTrainingJob"], job["HyperParameterTuningJobName"]: job["BestTrainingJob"]}
    best_of = max(owners, key=lambda owner: owners[owner]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
    assert job["OverallBestTrainingJob"] == {**owners[best_of], "TuningJobName": best_of}


def test_autotune_chooses_the_ranges(sagemaker: Any, tune: Make) -> None:
    ranges = {"AutoParameters": [{"Name": "x", "ValueHint": "3.0"}, {"Name": "depth", "ValueHint": "20"}]}

    job = tune(config={"ParameterRanges": ranges, "ResourceLimits": limits(2, 2)}, Autotune={"Mode": "Enabled"})

    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    assert job["Autotune"] == {"Mode": "Enabled"}
    assert job["HyperParameterTuningJobConfig"]["ParameterRanges"]["AutoParameters"] == ranges["AutoParameters"]
    for values in tried(sagemaker, job):
        assert 0.3 <= float(values["x"]) <= 30
        assert 2 <= int(values["depth"]) <= 200


@pytest.mark.parametrize("scale", ["Logarithmic", "ReverseLogarithmic"])
def test_a_scale_decides_where_most_is_tried(sagemaker: Any, tune: Make, scale: str) -> None:
    """Drawn evenly, one in a thousand would be so near to the end."""
    low, high = {"Logarithmic": ("0.000001", "0.9"), "ReverseLogarithmic": ("0", "0.999999")}[scale]
    ranges = continuous("rate", low, high, ScalingType=scale)

    job = tune(config={"ParameterRanges": ranges, "ResourceLimits": limits(5, 5)})

    distances = [
        rate if scale == "Logarithmic" else 1 - rate for rate in (float(v["rate"]) for v in tried(sagemaker, job))
    ]
    assert len(distances) == 5 and min(distances) < 0.001
    assert all(float(low) <= float(values["rate"]) <= float(high) for values in tried(sagemaker, job))


@pytest.mark.parametrize(
    ("image", "metric", "static", "ranges"),
    [
        (
            XGBOOST,
            {"Type": "Minimize", "MetricName": "validation:logloss"},
            {"objective": "binary:logistic", "num_round": "3"},
            {**continuous("eta", "0.1", "0.5"), **integer("max_depth", "1", "4")},
        ),
        (
            LINEAR_LEARNER,
            {"Type": "Minimize", "MetricName": "validation:objective_loss"},
            {"predictor_type": "binary_classifier", "epochs": "2", "mini_batch_size": "100"},
            continuous("learning_rate", "0.001", "0.1", ScalingType="Logarithmic"),
        ),
    ],
    ids=["xgboost", "linear-learner"],
)
def test_the_built_in_algorithms_are_tuned_by_what_they_emit(
    sagemaker: Any,
    tune: Make,
    definition: Make,
    put: Make,
    image: str,
    metric: dict[str, str],
    static: dict[str, str],
    ranges: dict[str, Any],
) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": put(f"{unique('data')}/rows.csv", separable_rows())}
    channels = [
        {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
        for name in ("train", "validation")
    ]
    job = tune(
        config={
            "HyperParameterTuningJobObjective": metric,
            "ParameterRanges": ranges,
            "ResourceLimits": limits(2, 2),
        },
        TrainingJobDefinition=definition(
            StaticHyperParameters=static,
            AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
            InputDataConfig=channels,
        ),
    )

    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    best = job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]
    assert best["MetricName"] == metric["MetricName"]
    child = sagemaker.describe_training_job(TrainingJobName=job["BestTrainingJob"]["TrainingJobName"])
    last = {each["MetricName"]: each["Value"] for each in child["FinalMetricDataList"]}
    assert last[metric["MetricName"]] == last["ObjectiveMetric"] == pytest.approx(best["Value"], rel=1e-6)
    definitions = job["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]
    assert [each["Name"] for each in definitions].count("ObjectiveMetric") == 1 and len(definitions) > 20
