"""What of a tuning job is refused when it is created."""

from typing import Any

import pytest

from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, refusal
from tests.local.preflight.sagemaker.tuning.conftest import (
    MAXIMIZE_SCORE,
    categorical,
    continuous,
    describe,
    integer,
    limits,
)

A_METRIC_IS_REQUIRED = (
    "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric definitions."
)


def test_the_objective_is_one_of_the_metric_definitions(sagemaker: Any, tuning_request: Make) -> None:
    request = tuning_request(config={"HyperParameterTuningJobObjective": MAXIMIZE_SCORE | {"MetricName": "other"}})

    assert refusal(sagemaker.create_hyper_parameter_tuning_job, **request) == (
        "ValidationException",
        A_METRIC_IS_REQUIRED,
    )


def test_there_are_as_many_combinations_as_jobs(sagemaker: Any, tuning_request: Make) -> None:
    request = tuning_request(config={"ParameterRanges": integer(high="2"), "ResourceLimits": limits(10, 2)})

    assert refusal(sagemaker.create_hyper_parameter_tuning_job, **request) == (
        "ValidationException",
        "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter combinations "
        "for the provided ranges [3.0] must be equal or greater than the value of MaxNumberOfJobs, [10]. Provide "
        "additional ranges.",
    )


def test_the_instances_of_all_that_run_at_once_count(sagemaker: Any, tuning_request: Make, definition: Make) -> None:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 3, "VolumeSizeInGB": 5}
    request = tuning_request(
        config={"ResourceLimits": limits(10, 10)}, TrainingJobDefinition=definition(ResourceConfig=resources)
    )

    code, message = refusal(sagemaker.create_hyper_parameter_tuning_job, **request)

    assert code == "ResourceLimitExceeded"
    assert message.startswith("The account-level service limit 'ml.m5.large for training job usage' is ")
    assert "and a request delta of 30 Instances." in message


@pytest.mark.parametrize(
    "config",
    [
        {"ParameterRanges": integer(low="3", high="3")},
        {"ParameterRanges": integer(low="1.5")},
        {"ParameterRanges": continuous(high="nan")},
        {"ParameterRanges": continuous(low="0", ScalingType="Logarithmic")},
        {"ParameterRanges": continuous(high="1", ScalingType="ReverseLogarithmic")},
        {"ParameterRanges": integer(ScalingType="ReverseLogarithmic")},
        {"ParameterRanges": categorical("x", "a", "a")},
        {"ParameterRanges": {}},
        {"ParameterRanges": {**continuous(), **integer()}},
        {"ParameterRanges": continuous("sagemaker_program")},
        {"ParameterRanges": {"AutoParameters": [{"Name": "x", "ValueHint": "1"}]}},
        {"Strategy": "Grid", "ResourceLimits": limits(None)},
        {"Strategy": "Grid", "ParameterRanges": categorical("x", "a", "b"), "ResourceLimits": limits(3)},
        {"Strategy": "Hyperband"},
        {
            "Strategy": "Hyperband",
            "StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}},
            "TrainingJobEarlyStoppingType": "Auto",
        },
        {"StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}}},
    ],
)
def test_what_cannot_be_searched_is_refused(sagemaker: Any, tuning_request: Make, config: dict[str, Any]) -> None:
    code, _ = refusal(sagemaker.create_hyper_parameter_tuning_job, **tuning_request(config=config))

    assert code == "ValidationException"


@pytest.mark.parametrize(
    ("image", "metric", "kind", "parameter"),
    [
        (XGBOOST, "train:auc", "Maximize", "eta"),
        (XGBOOST, "validation:auc", "Minimize", "eta"),
        (XGBOOST, "validation:auc", "Maximize", "seed"),
        (LINEAR_LEARNER, "validation:auc", "Maximize", "wd"),
        (LINEAR_LEARNER, "validation:objective_loss", "Minimize", "epochs"),
    ],
)
def test_a_built_in_algorithm_is_tuned_by_its_own_metrics_and_hyperparameters(
    sagemaker: Any, tuning_request: Make, definition: Make, image: str, metric: str, kind: str, parameter: str
) -> None:
    specification = {"TrainingImage": image, "TrainingInputMode": "File"}
    request = tuning_request(
        config={
            "HyperParameterTuningJobObjective": {"Type": kind, "MetricName": metric},
            "ParameterRanges": continuous(parameter, "0.1", "0.9"),
        },
        TrainingJobDefinition=definition(AlgorithmSpecification=specification, StaticHyperParameters={}),
    )

    assert refusal(sagemaker.create_hyper_parameter_tuning_job, **request)[0] == "ValidationException"


def test_what_a_training_job_would_be_refused_for_is_refused(
    sagemaker: Any, tuning_request: Make, definition: Make, bucket: str, role: str
) -> None:
    uri = f"s3://{bucket}/nothing-here"
    source = {"S3DataType": "S3Prefix", "S3Uri": uri}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
    request = tuning_request(TrainingJobDefinition=definition(InputDataConfig=[channel]))

    code, message = refusal(sagemaker.create_hyper_parameter_tuning_job, **request)

    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "{uri}" given in input data source.')


def test_exactly_one_kind_of_definition_is_asked_for(sagemaker: Any, tuning_request: Make, definition: Make) -> None:
    request = tuning_request(TrainingJobDefinitions=[definition(DefinitionName="a")])

    assert refusal(sagemaker.create_hyper_parameter_tuning_job, **request)[0] == "ValidationException"


def test_a_warm_start_asks_for_the_same_hyperparameters(sagemaker: Any, tune: Make, tuning_request: Make) -> None:
    parent = tune(config={"ResourceLimits": limits(1, 1)})["HyperParameterTuningJobName"]
    warm = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": parent}],
        "WarmStartType": "TransferLearning",
    }
    create = sagemaker.create_hyper_parameter_tuning_job

    assert refusal(create, **tuning_request({"another": 1}, WarmStartConfig=warm)) == (
        "ValidationException",
        "The set of tunable plus static HyperParameter names is not the same across current and parent tuning jobs. "
        "Please ensure this set is constant when warm starting. Note that previously static HyperParameters can be "
        "tuned in warm start jobs and vice versa.",
    )
    changed = tuning_request(WarmStartConfig=warm)
    changed["TrainingJobDefinition"]["Environment"] = {"A": "b"}
    assert refusal(create, **changed) == (
        "ValidationException",
        "Only the following fields in TrainingJobDefinition are allowed to change: [algorithmSpecification, "
        "inputDataConfig, outputDataConfig, staticHyperParameters, roleArn, resourceConfig, stoppingCondition, "
        "vpcConfig, enableManagedSpotTraining, checkpointConfig].",
    )
    warm["ParentHyperParameterTuningJobs"] = [{"HyperParameterTuningJobName": "none"}]
    assert refusal(create, **tuning_request(WarmStartConfig=warm))[0] == "ResourceNotFound"


def test_a_name_is_taken_once(sagemaker: Any, tune: Make, tuning_request: Make) -> None:
    name = tune(config={"ResourceLimits": limits(1, 1)})["HyperParameterTuningJobName"]

    assert refusal(sagemaker.create_hyper_parameter_tuning_job, **tuning_request(HyperParameterTuningJobName=name)) == (
        "ResourceInUse",
        f"A hyperparameter tuning job with the name, {name}, already exists. Choose a different name.",
    )


def test_what_is_not_there_is_not_found(sagemaker: Any) -> None:
    for call in (
        lambda name: describe(sagemaker, name),
        lambda name: sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name),
        lambda name: sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name),
    ):
        code, message = refusal(call, "none")
        assert code == "ResourceNotFound" and message.startswith("Amazon SageMaker can't find a tuning job")
