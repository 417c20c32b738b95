"""Tuning jobs whose training jobs are a script of a few lines: it scores ``x`` without training anything."""

import io
import json
import tarfile
from typing import Any

import pytest

from preflight.waiting import wait_until
from tests.local.conftest import XGBOOST, Make, unique

# ``mode`` says what it does besides; ``folder`` is where trials meet.
SCRIPT = """
import json, os, pathlib, sys, time

values = json.loads(os.environ["SM_HPS"])
mode, x = values.get("mode", ""), float(values.get("x", 0))
if mode == "fail":
    sys.exit(3)
if mode == "meet":
    folder = pathlib.Path(values["folder"])
    (folder / os.environ["TRAINING_JOB_NAME"]).touch()
    while len(list(folder.iterdir())) < values["trials"]:
        time.sleep(0.05)
if mode == "epochs":
    for epoch in range(60):
        print(f"score={x + epoch / 100};", flush=True)
        time.sleep(0.05 if x < 5 else 0)
elif mode != "silent":
    print(f"score={-(x - 3) ** 2};", flush=True)
while mode == "wait":
    time.sleep(0.05)
"""
METRIC = {"Name": "score", "Regex": "score=(.*?);"}
MAXIMIZE_SCORE = {"Type": "Maximize", "MetricName": "score"}


def continuous(name: str = "x", low: str = "0", high: str = "10", **members: str) -> dict[str, Any]:
    return {"ContinuousParameterRanges": [{"Name": name, "MinValue": low, "MaxValue": high, **members}]}


def integer(name: str = "x", low: str = "0", high: str = "10", **members: str) -> dict[str, Any]:
    return {"IntegerParameterRanges": [{"Name": name, "MinValue": low, "MaxValue": high, **members}]}


def categorical(name: str = "x", *values: str) -> dict[str, Any]:
    return {"CategoricalParameterRanges": [{"Name": name, "Values": list(values)}]}


def limits(jobs: int | None = 3, parallel: int = 3) -> dict[str, int]:
    at_most = {} if jobs is None else {"MaxNumberOfTrainingJobs": jobs}
    return {**at_most, "MaxParallelTrainingJobs": parallel}


@pytest.fixture(scope="session")
def script_uri(put: Make) -> str:
    """Where the script is, as the SDK packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(SCRIPT.encode())
        tar.addfile(entry, io.BytesIO(SCRIPT.encode()))
    uri: str = put(f"{unique('tuned')}/sourcedir.tar.gz", buffer.getvalue())
    return uri


@pytest.fixture(scope="session")
def definition(role: str, bucket: str, script_uri: str) -> Make:
    """A TrainingJobDefinition of the script; ``static`` are hyperparameters of it, keywords replace members."""

    def make(static: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
        words = {"sagemaker_program": "train.py", "sagemaker_submit_directory": script_uri, **(static or {})}
        return {
            "StaticHyperParameters": {name: json.dumps(value) for name, value in words.items()},
            "AlgorithmSpecification": {
                "TrainingImage": XGBOOST,
                "TrainingInputMode": "File",
                "MetricDefinitions": [METRIC],
            },
            "RoleArn": role,
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/tuned"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        } | members

    return make


@pytest.fixture(scope="session")
def tuning_request(definition: Make) -> Make:
    """A CreateHyperParameterTuningJob request; ``config`` replaces members of its configuration."""

    def make(
        static: dict[str, Any] | None = None, config: dict[str, Any] | None = None, **members: Any
    ) -> dict[str, Any]:
        return {
            "HyperParameterTuningJobName": unique("tune"),
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": MAXIMIZE_SCORE,
                "ResourceLimits": limits(),
                "ParameterRanges": continuous(),
                "RandomSeed": 7,
            }
            | (config or {}),
            "TrainingJobDefinition": definition(static),
        } | members

    return make


@pytest.fixture(scope="session")
def tune(sagemaker: Any, tuning_request: Make) -> Make:
    """Runs a tuning job to its end; returns its description."""

    def tune(*arguments: Any, **members: Any) -> dict[str, Any]:
        request = tuning_request(*arguments, **members)
        sagemaker.create_hyper_parameter_tuning_job(**request)
        return wait_for_tuning_job(sagemaker, request["HyperParameterTuningJobName"])

    return tune


def describe(sagemaker: Any, name: str) -> dict[str, Any]:
    described: dict[str, Any] = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return described


def wait_for_tuning_job(sagemaker: Any, name: str, timeout_seconds: float = 300) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        job = describe(sagemaker, name)
        return job if job["HyperParameterTuningJobStatus"] not in ("InProgress", "Stopping") else None

    job = wait_until(ended, timeout_seconds, 0.1)
    assert job, describe(sagemaker, name)
    return job


def children(sagemaker: Any, name: str, **order: Any) -> list[dict[str, Any]]:
    """Its training jobs, all of them."""
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    found = pages.paginate(HyperParameterTuningJobName=name, **order)
    return [summary for page in found for summary in page["TrainingJobSummaries"]]
