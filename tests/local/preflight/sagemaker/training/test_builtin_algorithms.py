"""Jobs on AWS's own images: the names notebooks have used over the years, and the metrics read off their logs."""

from typing import Any

import pytest

from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, separable_rows, unique, wait_for_job

OLD_XGBOOST = "811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost"


@pytest.fixture
def train(sagemaker: Any, job_request: Make, put: Make) -> Make:
    """Trains on separable rows in train and validation; returns the job's description."""

    def train(image: str, hyperparameters: dict[str, str], content_type: str = "text/csv") -> dict[str, Any]:
        channels = [
            {
                "ChannelName": name,
                "ContentType": content_type,
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": put(f"{unique(name)}/rows.csv", separable_rows(100)),
                    }
                },
            }
            for name in ("train", "validation")
        ]
        request = job_request(None, hyperparameters, InputDataConfig=channels)
        request["AlgorithmSpecification"] = {"TrainingImage": image, "TrainingInputMode": "File"}
        sagemaker.create_training_job(**request)
        return wait_for_job(sagemaker, request["TrainingJobName"])

    return train


def test_every_metric_of_every_line_is_in_the_final_list(train: Make) -> None:
    job = train(XGBOOST, {"num_round": "2", "objective": "binary:logistic", "eval_metric": "auc,error,logloss"})

    names = {metric["MetricName"] for metric in job["FinalMetricDataList"]}
    assert names == {f"{split}:{name}" for split in ("train", "validation") for name in ("auc", "error", "logloss")}


@pytest.mark.parametrize("tag", ["1", "latest"])
def test_the_image_name_of_the_first_years_is_xgboosts(train: Make, tag: str) -> None:
    job = train(f"{OLD_XGBOOST}:{tag}", {"num_round": "2", "objective": "reg:linear"})

    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


def test_linear_learner_has_no_short_content_types(train: Make) -> None:
    job = train(LINEAR_LEARNER, {"predictor_type": "binary_classifier", "epochs": "1"}, content_type="csv")

    assert job["FailureReason"].startswith(
        "ClientError: No iterator has been registered for ContentType ('csv', '1.0')"
    )
