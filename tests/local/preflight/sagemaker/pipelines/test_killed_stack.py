"""What a reset, or a kill, in the middle of an execution leaves running."""

import json
from contextlib import closing
from typing import Any

import boto3
import psutil
import requests

from preflight.stack import Stack
from preflight.waiting import wait_until
from tests.local.conftest import unique
from tests.local.preflight.sagemaker.pipelines.conftest import fail, steps_of
from tests.local.preflight.sagemaker.pipelines.test_executions import processing
from tests.local.preflight.sagemaker.tuning.test_killed_stack import own

__all__ = ["own"]  # a fixture


def test_neither_a_reset_nor_a_kill_leaves_anything_of_an_execution(own: Stack, bucket: str, role: str) -> None:
    process = own.process()
    assert process is not None
    for end in (lambda: requests.post(f"{own.endpoint_url}/_localstack/state/reset", timeout=60), process.kill):
        started = start(own, process, bucket, role)

        end()

        assert psutil.wait_procs(started, timeout=30)[1] == []
    own.up()
    assert not list(own.folder.rglob("processing-jobs"))


def start(own: Stack, process: psutil.Process, bucket: str, role: str) -> list[psutil.Process]:
    """Start an execution of two jobs; their processes."""
    jobs = [processing(name, bucket, role, "import time; time.sleep(300)") for name in ("First", "Second")]
    steps = [*jobs, fail("Never", "x", DependsOn=["First"])]
    keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    name = unique("Pipe")
    with closing(boto3.client("sagemaker", endpoint_url=own.endpoint_url, **keys)) as sagemaker:
        definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
        sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=role)
        arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
        assert wait_until(lambda: have_jobs(sagemaker, arn) and len(sleepers(process)) == 2, 60, 0.1)
    return process.children(recursive=True)


def have_jobs(sagemaker: Any, arn: str) -> bool:
    steps = steps_of(sagemaker, arn)
    return steps.keys() == {"First", "Second"} and all(step.get("Metadata") for step in steps.values())


def sleepers(process: psutil.Process) -> list[psutil.Process]:
    """Without the guards, whose words end with those of what they guard."""
    words = ["python3", "-c", "import time; time.sleep(300)"]
    return [child for child in process.children(recursive=True) if child.cmdline() == words]
