"""A transform job from its creation to its end: several instances, stop, describe, list, events, captured data."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from preflight.waiting import wait_until
from tests.local.conftest import LINEAR_LEARNER, Make, refusal, unique
from tests.local.odd_service import OddService
from tests.local.preflight.sagemaker.transform.conftest import (
    Transform,
    orders,
    read_objects,
    wait_for_transform,
)

SINGLE: dict[str, Any] = {"source": {"SplitType": "Line"}, "BatchStrategy": "SingleRecord"}


@pytest.fixture
def start(odd: OddService, transform_request: Make) -> Callable[..., dict[str, Any]]:
    """Creates a job over odd containers; returns its request."""

    def start(objects: Any, **members: Any) -> dict[str, Any]:
        request: dict[str, Any] = transform_request(odd.model(), objects, **members)
        odd.call("CreateTransformJob", **request)
        return request

    return start


def end(odd: OddService, request: dict[str, Any]) -> dict[str, Any]:
    job: dict[str, Any] = wait_for_transform(
        lambda **names: odd.call("DescribeTransformJob", **names), request["TransformJobName"]
    )
    return job


def test_a_job_that_is_stopped_keeps_what_is_whole(odd: OddService, start: Make, client: Make, bucket: str) -> None:
    request = start({"a": "1\n", "b": f"2\n{orders(delay=60)}\n"}, **SINGLE)
    prefix = f"{request['TransformOutput']['S3OutputPath'].removeprefix(f's3://{bucket}/')}/"
    assert wait_until(lambda: read_objects(client("s3"), bucket, prefix), 30, 0.05)
    odd.call("StopTransformJob", TransformJobName=request["TransformJobName"])
    assert end(odd, request)["TransformJobStatus"] == "Stopped"
    assert read_objects(client("s3"), bucket, prefix) == {"a.out": b"odd(1\n)"}
    assert not client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_objects_are_divided_over_the_instances(transform: Transform) -> None:
    show = orders(show=True)
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
    job = transform(dict.fromkeys("abcd", show), TransformResources=resources)
    pids = {name: json.loads(body)["pid"] for name, body in job.outputs.items()}
    assert pids["a.out"] == pids["c.out"] != pids["b.out"] == pids["d.out"]
    assert len(job.log) == 2  # the parameters in force, once for each


def test_a_manifest_names_the_objects(transform: Transform, put: Make, bucket: str) -> None:
    folder = unique("manifest")
    for name in ("a/x", "b/x", "c/x"):
        put(f"{folder}/{name}", name)
    manifest = put(f"{folder}.json", json.dumps([{"prefix": f"s3://{bucket}/{folder}/"}, "c/x", "a/x"]))
    source = {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": manifest}}}
    assert transform({}, source=source).outputs == {"a/x.out": b"odd(a/x)", "c/x.out": b"odd(c/x)"}


def test_one_object_by_its_whole_key(transform: Transform, put: Make) -> None:
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": put(f"{unique('one')}/x.csv", "1")}}}
    assert transform({}, source=source).outputs == {"x.csv.out": b"odd(1)"}


def test_describe_has_what_was_asked_and_aws_defaults(transform: Transform) -> None:
    job = transform("a", MaxPayloadInMB=3).description
    assert job["MaxPayloadInMB"] == 3
    assert "MaxConcurrentTransforms" not in job
    assert job["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    assert (job["TransformInput"]["SplitType"], job["TransformInput"]["CompressionType"]) == ("None", "None")
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]


def test_the_list_has_the_newest_first(odd: OddService, start: Make) -> None:
    made = [start("a"), start(orders(status=400))]
    for request in made:
        end(odd, request)
    summaries = odd.call("ListTransformJobs", MaxResults=2)["TransformJobSummaries"]
    assert [one["TransformJobName"] for one in summaries] == [one["TransformJobName"] for one in reversed(made)]
    assert summaries[0]["FailureReason"] == "ClientError: See job logs for more information"
    assert summaries[1]["TransformEndTime"] <= summaries[1]["LastModifiedTime"]


def test_captured_data_is_listed_by_the_hour(transform: Transform, client: Make, bucket: str) -> None:
    folder = unique("captured")
    job = transform({"a": "1", "b": "2"}, DataCaptureConfig={"DestinationS3Uri": f"s3://{bucket}/{folder}"})
    started = job.description["TransformStartTime"].astimezone(UTC)
    manifests = {
        key.rpartition("/")[0]: json.loads(body) for key, body in read_objects(client("s3"), bucket, folder).items()
    }
    source = job.description["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    output = job.description["TransformOutput"]["S3OutputPath"]
    assert manifests == {
        f"/input/{started:%Y/%m/%d/%H}": [{"prefix": source}, "a", "b"],
        f"/output/{started:%Y/%m/%d/%H}": [{"prefix": f"{output}/"}, "a.out", "b.out"],
    }


@pytest.mark.parametrize("content_type", ["text/csv", "application/jsonlines"])
def test_results_get_ids_and_the_time_of_the_job(transform: Transform, bucket: str, content_type: str) -> None:
    capture = {"DestinationS3Uri": f"s3://{bucket}/{unique('captured')}", "GenerateInferenceId": True}
    job = transform(
        '{"x":1}\n{"x":2}\n' if "json" in content_type else "1\n2\n",
        source={"ContentType": content_type, "SplitType": "Line"},
        output={"Accept": content_type, "AssembleWith": "Line"},
        environment={"ODD_ECHO": "1"},
        DataCaptureConfig=capture,
    )
    rows = [
        list(json.loads(line).values()) if "json" in content_type else line.split(",") for line in job.output.split()
    ]
    assert [str(row[0]) for row in rows] == ["1", "2"]
    assert rows[0][1] != rows[1][1]
    assert datetime.fromisoformat(rows[0][2]) == job.description["TransformStartTime"].replace(microsecond=0)


def test_fifty_jobs_at_once_lose_nothing(odd: OddService, start: Make, client: Make, bucket: str) -> None:
    with ThreadPoolExecutor(10) as pool:
        requests = list(pool.map(lambda number: start(str(number)), range(50)))
    for number, request in enumerate(requests):
        assert end(odd, request)["TransformJobStatus"] == "Completed"
        prefix = request["TransformOutput"]["S3OutputPath"].removeprefix(f"s3://{bucket}/")
        assert read_objects(client("s3"), bucket, prefix) == {"/data.txt.out": f"odd({number})".encode()}


def test_a_job_outlives_its_model(odd: OddService, start: Make) -> None:
    request = start(orders(delay=0.3))
    odd.call("DeleteModel", ModelName=request["ModelName"])
    assert end(odd, request)["TransformJobStatus"] == "Completed"


def test_unknown_and_ended_jobs(sagemaker: Any) -> None:
    code, message = refusal(sagemaker.describe_transform_job, TransformJobName="no-such-job")
    assert code == "ValidationException"
    assert message.startswith("Could not find requested job with name")
    assert refusal(sagemaker.stop_transform_job, TransformJobName="no-such-job")[0] == "ValidationException"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"MaxPayloadInMB": 101}, id="payload"),
        pytest.param({"MaxPayloadInMB": 30, "MaxConcurrentTransforms": 4}, id="payloads-side-by-side"),
        pytest.param({"MaxPayloadInMB": 0}, id="chunks-to-a-built-in"),
        pytest.param({"output": {"KmsKeyId": "no-such-key"}}, id="key"),
    ],
)
def test_what_aws_refuses_at_once(sagemaker: Any, model: str, transform_request: Make, members: dict[str, Any]) -> None:
    assert refusal(sagemaker.create_transform_job, **transform_request(model, "1,2", **members))[0] == (
        "ValidationException"
    )


def test_a_model_must_be_there(sagemaker: Any, transform_request: Make) -> None:
    assert refusal(sagemaker.create_transform_job, **transform_request("no-such-model", "1,2")) == (
        "ValidationException",
        'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/no-such-model".',
    )


def test_a_model_of_loose_files_is_refused(sagemaker: Any, role: str, transform_request: Make, put: Make) -> None:
    name, folder = unique("model"), put(f"{unique('loose')}/model_algo-1", "x").rpartition("/")[0]
    source = {"S3Uri": f"{folder}/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = {"Image": LINEAR_LEARNER, "ModelDataSource": {"S3DataSource": source}}
    sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)
    code, message = refusal(sagemaker.create_transform_job, **transform_request(name, "1,2"))
    assert code == "ValidationException"
    assert message.startswith("SageMaker Batch currently doesn't support")


def test_too_many_instances_are_over_the_quota(sagemaker: Any, model: str, transform_request: Make) -> None:
    resources = {"InstanceType": "ml.m4.xlarge", "InstanceCount": 21}
    code, message = refusal(
        sagemaker.create_transform_job, **transform_request(model, "1", TransformResources=resources)
    )
    assert code == "ResourceLimitExceeded"
    assert message.startswith("The account-level service limit 'ml.m4.xlarge for transform job usage' is 20 Instances")
