"""What a transform job leaves behind whose container is killed in Docker."""

from contextlib import closing
from typing import Any

import docker
import pytest

from preflight.waiting import wait_until
from tests.local.conftest import XGBOOST, Make, make_model, unique
from tests.local.preflight.sagemaker.transform.conftest import CSV, JOINED, read_objects, wait_for_transform
from tests.local.preflight.sagemaker.transform.test_killed_stack import ROWS


@pytest.mark.launchers("docker")
def test_a_killed_container_fails_its_job_and_leaves_no_result_and_no_container(
    sagemaker: Any, client: Make, transform_request: Make, role: str, xgboost_artifact: str
) -> None:
    s3, results = client("s3"), unique("results")
    s3.create_bucket(Bucket=results)
    model = make_model(sagemaker, role, xgboost_artifact, XGBOOST)
    output = CSV["output"] | {"S3OutputPath": f"s3://{results}"}
    request = transform_request(
        model, ROWS, source=CSV["source"], output=output, data=JOINED, BatchStrategy="SingleRecord"
    )
    job_arn = sagemaker.create_transform_job(**request)["TransformJobArn"]
    of_job = {"label": f"preflight.owner={job_arn}"}
    with closing(docker.from_env()) as engine:
        assert wait_until(lambda: s3.list_multipart_uploads(Bucket=results).get("Uploads"), 120, 0.1)
        (container,) = engine.containers.list(filters=of_job)

        container.kill()

        job = wait_for_transform(sagemaker.describe_transform_job, request["TransformJobName"])
        assert (job["TransformJobStatus"], job["FailureReason"].partition(":")[0]) == ("Failed", "AlgorithmError")
        assert read_objects(s3, results, "") == {}
        assert not s3.list_multipart_uploads(Bucket=results).get("Uploads")
        assert not engine.containers.list(all=True, filters=of_job, ignore_removed=True)
