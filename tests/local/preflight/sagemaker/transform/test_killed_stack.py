"""What a stack that is killed in the middle of a transform job leaves behind."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import boto3
import psutil
import pytest

from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from preflight.waiting import wait_until
from tests.local.conftest import XGBOOST, Make, make_model, unique
from tests.local.preflight.sagemaker.transform.conftest import CSV, JOINED, read_objects

ROWS = f"{'x' * 2000},5,1\n" * 20_000  # with SingleRecord a request each


@pytest.fixture
def own(stack: Stack, tmp_path: Path) -> Iterator[Stack]:
    """SageMaker on a stack of the test's own; S3 is the other's, so what is in it outlives this one."""
    own = Stack(port=free_port(), home=tmp_path, services=stack.endpoint_url, ephemeral=True)
    own.up()
    yield own
    own.down()


def start_long_job(own: Stack, request_for: Make, role: str, artifact: str, results: str) -> None:
    keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    with closing(boto3.client("sagemaker", endpoint_url=own.endpoint_url, **keys)) as sagemaker:
        model = make_model(sagemaker, role, artifact, XGBOOST)
        output = CSV["output"] | {"S3OutputPath": f"s3://{results}"}
        request = request_for(
            model, ROWS, source=CSV["source"], output=output, data=JOINED, BatchStrategy="SingleRecord"
        )
        sagemaker.create_transform_job(**request)


def test_a_killed_stack_leaves_no_process_and_no_result_of_its_transform_jobs(
    own: Stack, client: Make, transform_request: Make, role: str, xgboost_artifact: str
) -> None:
    s3, results = client("s3"), unique("results")
    s3.create_bucket(Bucket=results)
    start_long_job(own, transform_request, role, xgboost_artifact, results)
    process = own.process()
    assert process is not None
    assert wait_until(lambda: s3.list_multipart_uploads(Bucket=results).get("Uploads"), 60, 0.05), "a part is written"
    started = process.children(recursive=True)
    assert len(started) >= 2 and list(own.folder.rglob("transform-jobs"))

    process.kill()

    assert psutil.wait_procs(started, timeout=30)[1] == []
    assert read_objects(s3, results, "") == {}
    own.up()
    assert not list(own.folder.rglob("transform-jobs"))
