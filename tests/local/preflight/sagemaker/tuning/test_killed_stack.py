"""What a reset, or a kill, in the middle of a tuning job leaves running."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
import requests

from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from preflight.waiting import wait_until
from tests.local.conftest import Make
from tests.local.preflight.sagemaker.tuning.conftest import children, limits


@pytest.fixture
def own(stack: Stack, tmp_path: Path) -> Iterator[Stack]:
    """SageMaker on a stack of the test's own; S3 is the other's."""
    own = Stack(port=free_port(), home=tmp_path, services=stack.endpoint_url, ephemeral=True)
    own.up()
    yield own
    own.down()


def test_neither_a_reset_nor_a_kill_leaves_anything_of_a_tuning_job(own: Stack, tuning_request: Make) -> None:
    process = own.process()
    assert process is not None
    for end in (lambda: requests.post(f"{own.endpoint_url}/_localstack/state/reset", timeout=60), process.kill):
        started = start(own, process, tuning_request({"mode": "wait"}, {"ResourceLimits": limits(9, 2)}))

        end()

        assert psutil.wait_procs(started, timeout=30)[1] == []
    own.up()
    assert not list(own.folder.rglob("training-jobs"))


def start(own: Stack, process: psutil.Process, request: dict[str, Any]) -> list[psutil.Process]:
    """Start a tuning job; the processes of its two training jobs."""
    keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    with closing(boto3.client("sagemaker", endpoint_url=own.endpoint_url, **keys)) as sagemaker:
        sagemaker.create_hyper_parameter_tuning_job(**request)
        assert wait_until(lambda: are_training(sagemaker, request["HyperParameterTuningJobName"]), 60, 0.1)
    assert wait_until(lambda: len(process.children(recursive=True)) >= 2, 60, 0.1), "a job is Training before it runs"
    return process.children(recursive=True)


def are_training(sagemaker: Any, name: str) -> bool:
    jobs = [
        sagemaker.describe_training_job(TrainingJobName=child["TrainingJobName"]) for child in children(sagemaker, name)
    ]
    return [job["SecondaryStatus"] for job in jobs] == ["Training", "Training"]
