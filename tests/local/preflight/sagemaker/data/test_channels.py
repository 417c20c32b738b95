"""Input channels: the same data, however it comes to the container, makes the same model."""

import gzip
import json
from typing import Any

import pytest

from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, refusal, separable_rows, unique, wait_for_job

LINES = separable_rows(600).splitlines(keepends=True)
PARTS = ["".join(LINES[:200]), "".join(LINES[200:400]), "".join(LINES[400:]) + "\n"]
ALGORITHMS = {
    LINEAR_LEARNER: {"predictor_type": "binary_classifier", "feature_dim": "2", "epochs": "3"},
    XGBOOST: {"objective": "binary:logistic", "num_round": "3", "eval_metric": "logloss"},
}


def channel(uri: str, name: str = "train", **members: Any) -> dict[str, Any]:
    """A CSV channel; what S3DataSource has is taken from ``members``, too."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri}
    for key in ("S3DataType", "S3DataDistributionType", "AttributeNames", "InstanceGroupNames"):
        if key in members:
            source[key] = members.pop(key)
    return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}, **members}


def put_parts(put: Make, compress: bool = False) -> str:
    """Three objects of CSV, two of them deeper; returns their common prefix, without a slash at its end."""
    prefix = unique("parts")
    for name, rows in zip(("a.csv", "deep/b.csv", "deep/er/c.csv"), PARTS, strict=True):
        uri = put(f"{prefix}/{name}", gzip.compress(rows.encode()) if compress else rows)
    return str(uri).removesuffix("/deep/er/c.csv")


@pytest.fixture(scope="module")
def parts(put: Make) -> str:
    return put_parts(put)


@pytest.fixture(scope="module")
def run(sagemaker: Any, job_request: Make) -> Make:
    """Trains on the given channels; returns the job's description."""

    def run(*channels: dict[str, Any], image: str = LINEAR_LEARNER, mode: str = "File") -> dict[str, Any]:
        request = job_request(None, ALGORITHMS[image], InputDataConfig=list(channels))
        request["AlgorithmSpecification"] = {"TrainingImage": image, "TrainingInputMode": mode}
        sagemaker.create_training_job(**request)
        return wait_for_job(sagemaker, request["TrainingJobName"])

    return run


def result(job: dict[str, Any]) -> dict[str, float]:
    """What the algorithm says of its model; how fast it was does not count."""
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    metrics = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    return {name: value for name, value in metrics.items() if "throughput" not in name}


@pytest.fixture(scope="module", params=ALGORITHMS, ids=["linear-learner", "xgboost"])
def file_mode(request: pytest.FixtureRequest, run: Make, parts: str) -> tuple[str, dict[str, float]]:
    """An algorithm's image, and what it makes of the parts in File mode."""
    return request.param, result(run(channel(parts), image=request.param))


def test_pipe_mode_makes_the_model_file_mode_makes(run: Make, parts: str) -> None:
    assert result(run(channel(parts), mode="Pipe")) == result(run(channel(parts)))


def test_xgboost_refuses_pipe_mode_as_its_container_does(run: Make, parts: str) -> None:
    job = run(channel(parts), image=XGBOOST, mode="Pipe")

    assert job["FailureReason"].startswith("ClientError: Pipe mode for CSV is no longer supported.")


def test_fast_file_makes_the_model_file_mode_makes(
    run: Make, parts: str, file_mode: tuple[str, dict[str, float]]
) -> None:
    image, expected = file_mode

    assert result(run(channel(f"{parts}/", InputMode="FastFile"), image=image)) == expected


def test_gzip_in_pipe_mode_reaches_the_container_unpacked(run: Make, put: Make, parts: str) -> None:
    packed = channel(put_parts(put, compress=True), CompressionType="Gzip", InputMode="Pipe")

    assert result(run(packed)) == result(run(channel(parts)))


@pytest.mark.parametrize("mode", ["File", "Pipe"])
def test_a_manifest_names_the_objects(run: Make, put: Make, parts: str, mode: str) -> None:
    manifest = put(unique("m"), json.dumps([{"prefix": f"{parts}/"}, "a.csv", "deep/b.csv", "deep/er/c.csv"]))

    job = run(channel(manifest, S3DataType="ManifestFile", InputMode=mode))

    assert result(job) == result(run(channel(parts, S3DataDistributionType="ShardedByS3Key")))


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        ("not json", "must be a JSON array"),
        ('{"prefix": "s3://some-bucket/"}', "must be a JSON array"),
        ('["a"]', "must be a JSON array"),
        ('[{"prefix": "https://some-bucket.s3.amazonaws.com/"}, "a"]', "is not an S3 URI"),
        ('[{"prefix": "s3://some-bucket/"}]', "names no object"),
        ('[{"prefix": "s3://some-bucket/"}, 5]', "5 is not a relative key"),
        ('[{"prefix": "s3://some-bucket/"}, "../../x"]', "does not stay inside its folder"),
        ('[{"prefix": "s3://some-bucket/"}, "\\ud800"]', "is not a relative key"),
        ('[{"prefix": "s3://some-bucket/\\ud800"}, "a"]', "is not an S3 URI"),
        ("[" * 100_000, "must be a JSON array"),
    ],
)
def test_a_manifest_that_cannot_be_read_fails_the_job(run: Make, put: Make, manifest: str, problem: str) -> None:
    job = run(channel(put(unique("manifest"), manifest), S3DataType="ManifestFile"))

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:")
    assert problem in job["FailureReason"]


@pytest.mark.parametrize("mode", ["File", "Pipe"])
def test_an_object_that_is_gone_fails_the_job_and_the_rest_does_not_pass_for_the_whole(
    run: Make, put: Make, parts: str, mode: str
) -> None:
    manifest = put(unique("manifest"), json.dumps([{"prefix": f"{parts}/"}, "a.csv", "gone.csv"]))

    job = run(channel(manifest, S3DataType="ManifestFile", InputMode=mode))

    assert job["FailureReason"].startswith(
        f"ClientError: Data download failed:Unable to download object {parts}/gone.csv ("
    )


def test_a_pipe_of_what_is_not_gzip_fails_the_job(run: Make, parts: str) -> None:
    job = run(channel(parts, CompressionType="Gzip", InputMode="Pipe"))

    assert job["FailureReason"].startswith(f"ClientError: Data download failed:{parts}/a.csv is not gzip")


def test_a_pipe_nobody_opens_does_not_hold_up_the_job(run: Make, parts: str) -> None:
    job = run(channel(parts), channel(parts, "unread", InputMode="Pipe"), image=XGBOOST)

    assert job["FailureReason"].startswith("ClientError: Extraneous channel found: unread")


def test_file_mode_keeps_the_folders_below_the_prefix(run: Make, put: Make) -> None:
    prefix = unique("folders")
    put(f"{prefix}/a.csv", PARTS[0])
    put(f"{prefix}/deep/b.csv", "1,no,2")

    job = run(channel(put(f"{prefix}/c.csv", PARTS[1]).removesuffix("/c.csv")))

    assert "/opt/ml/input/data/train/deep/b.csv" in job["FailureReason"]


def test_fast_file_refuses_a_part_of_a_name_in_awss_words(run: Make, parts: str) -> None:
    partial = parts[:-3]

    job = run(channel(partial, InputMode="FastFile"))

    assert job["FailureReason"].startswith(
        "ClientError: Data download failed:Failed to download data. For FastFile mode, partial S3 prefix is not "
        "supported. S3 prefix has to end with a full file or folder."
    )


@pytest.mark.parametrize(
    ("code", "problem", "members"),
    [
        ("ValidationException", "AugmentedManifestFile", {"S3DataType": "AugmentedManifestFile"}),
        ("UnsupportedByPreflight", "Augmented", {"S3DataType": "AugmentedManifestFile", "InputMode": "Pipe"}),
        ("UnsupportedByPreflight", "Converse", {"S3DataType": "Converse"}),
        ("ValidationException", "FastFile", {"S3DataType": "ManifestFile", "InputMode": "FastFile"}),
        ("ValidationException", "Gzip", {"CompressionType": "Gzip"}),
        ("ValidationException", "RecordIO", {"RecordWrapperType": "RecordIO"}),
        ("UnsupportedByPreflight", "RecordIO", {"RecordWrapperType": "RecordIO", "InputMode": "Pipe"}),
        ("ValidationException", "AttributeNames", {"AttributeNames": ["a"]}),
        ("ValidationException", "instance group none", {"InstanceGroupNames": ["none"]}),
        ("ValidationException", "'/'", {"ChannelName": "/"}),
        ("ValidationException", "channel name ..", {"ChannelName": ".."}),
        ("ValidationException", "unique", {"ChannelName": "validation"}),
        ("ValidationException", "pipe of channel p", {"ChannelName": "p", "InputMode": "Pipe"}),
        ("ValidationException", "No S3 objects found", {"S3DataType": "ManifestFile"}),
    ],
)
def test_a_channel_aws_would_not_take_is_refused(
    sagemaker: Any, job_request: Make, parts: str, code: str, problem: str, members: dict[str, Any]
) -> None:
    others = [channel(parts, "validation"), channel(parts, "p_1")]

    refused = refusal(
        sagemaker.create_training_job, **job_request(InputDataConfig=[*others, channel(parts, **members)])
    )

    assert (refused[0], problem in refused[1]) == (code, True), refused


def test_the_description_fills_in_what_the_request_left_out(sagemaker: Any, run: Make, parts: str) -> None:
    shown = run(channel(parts))["InputDataConfig"][0]

    assert (shown["CompressionType"], shown["RecordWrapperType"]) == ("None", "None")
    assert shown["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "FullyReplicated"
