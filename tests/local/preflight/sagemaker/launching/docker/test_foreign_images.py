"""Images that are not ours, in the styles people build them in (``tests/images``), trained and hosted in Docker."""

import io
import json
import tarfile
from typing import Any

import pytest

from tests.conftest import REPOSITORY, build_image
from tests.local.conftest import Make, make_config, make_model, refusal, unique

pytestmark = pytest.mark.launchers("docker")

REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.fixture(scope="session")
def image() -> Make:
    """The URI on ECR of an image under ``tests/images``, built here."""

    def build(name: str) -> str:
        return f"{REGISTRY}/{build_image(f'preflight-test/{name}:1', REPOSITORY / 'tests' / 'images' / name)}"

    return build


@pytest.fixture(scope="session")
def train_image(train: Make, image: Make) -> Make:
    """Trains with the image of that name; returns the job's description."""

    def run(name: str, hyperparameters: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
        specification = {
            "TrainingImage": image(name),
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}],
        }
        job: dict[str, Any] = train(None, hyperparameters or {}, AlgorithmSpecification=specification, **members)
        return job

    return run


@pytest.fixture(scope="session")
def plain_job(train_image: Make) -> dict[str, Any]:
    job: dict[str, Any] = train_image("plain", {"depth": "3"}, Environment={"COLOUR": "blue"})
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    return job


def members(client: Make, job: dict[str, Any], archive: str) -> dict[str, bytes]:
    """The files in one of a job's archives."""
    bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    body = client("s3").get_object(Bucket=bucket, Key=key.replace("model.tar.gz", archive))["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore


def log_of(client: Make, group: str, stream_prefix: str) -> str:
    logs = client("logs")
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream_prefix)["logStreams"]
    events = [
        event
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    ]
    return "\n".join(event["message"] for event in events)


def test_a_plain_image_is_told_what_sagemaker_tells(client: Make, plain_job: dict[str, Any]) -> None:
    told = json.loads(members(client, plain_job, "model.tar.gz")["told.json"])

    assert told["config"]["hyperparameters"] == {"depth": "3"}
    assert told["config"]["resourceconfig"]["current_host"] == "algo-1"
    assert told["config"]["inputdataconfig"]["train"]["TrainingInputMode"] == "File"
    assert list(told["data"]) == ["train/train.csv"]
    assert told["environment"]["COLOUR"] == "blue"
    assert told["environment"]["TRAINING_JOB_NAME"] == plain_job["TrainingJobName"]
    assert told["environment"]["TRAINING_JOB_ARN"] == plain_job["TrainingJobArn"]
    assert told["uid"] == 4711


def test_a_plain_images_output_log_and_metrics_are_collected(client: Make, plain_job: dict[str, Any]) -> None:
    assert members(client, plain_job, "output.tar.gz") == {"notes.txt": b"seen"}
    assert [metric["MetricName"] for metric in plain_job["FinalMetricDataList"]] == ["accuracy"]
    assert "accuracy=0.75" in log_of(client, "/aws/sagemaker/TrainingJobs", plain_job["TrainingJobName"])


def test_a_plain_image_serves_what_it_trained_from_a_read_only_model(
    sagemaker: Any, runtime: Any, role: str, image: Make, plain_job: dict[str, Any], create_endpoint: Make
) -> None:
    container = {
        "Image": image("plain"),
        "ModelDataUrl": plain_job["ModelArtifacts"]["S3ModelArtifacts"],
        "Environment": {"GREETING": "hello"},
    }
    model = unique("model")
    sagemaker.create_model(ModelName=model, PrimaryContainer=container, ExecutionRoleArn=role)
    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]

    answer = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body="1,2")

    assert json.load(answer["Body"]) == {
        "hyperparameters": {"depth": "3"},
        "body": "1,2",
        "content_type": "text/csv",
        "greeting": "hello",
        "model_is_writable": False,
    }


def test_an_entry_point_script_trains_and_its_gunicorn_serves(
    sagemaker: Any, runtime: Any, role: str, image: Make, train_image: Make, create_endpoint: Make
) -> None:
    job = train_image("gunicorn")
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    model = make_model(sagemaker, role, job["ModelArtifacts"]["S3ModelArtifacts"], image("gunicorn"))
    name = create_endpoint(make_config(sagemaker, model, InitialInstanceCount=2))["EndpointName"]

    answer = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body="1,2")

    assert answer["Body"].read() == b"399"


def test_a_container_as_in_awss_guide_trains_and_serves(
    sagemaker: Any, runtime: Any, role: str, image: Make, train_image: Make, create_endpoint: Make
) -> None:
    job = train_image("bring_your_own", {"depth": "3"})
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    model = make_model(sagemaker, role, job["ModelArtifacts"]["S3ModelArtifacts"], image("bring_your_own"))
    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]

    answer = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body="5,1\n0,2\n")

    assert answer["Body"].read() == b"1\n0\n"


def test_an_image_that_fails_ping_fails_the_endpoint_and_its_log_is_kept(
    client: Make, sagemaker: Any, role: str, image: Make, plain_job: dict[str, Any], create_endpoint: Make
) -> None:
    model = make_model(sagemaker, role, plain_job["ModelArtifacts"]["S3ModelArtifacts"], image("sick"))

    endpoint = create_endpoint(make_config(sagemaker, model))

    assert endpoint["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in endpoint["FailureReason"]
    assert "giving up" in log_of(client, f"/aws/sagemaker/Endpoints/{endpoint['EndpointName']}", "v1/")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("crashing", "AlgorithmError: the weights went to infinity, exit code: 3"),
        ("silent", "AlgorithmError: , exit code: 1"),
    ],
)
def test_a_crash_in_training_fails_the_job_with_its_failure_file_and_exit_code(
    train_image: Make, name: str, reason: str
) -> None:
    job = train_image(name)

    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", reason)


def test_an_image_without_a_train_program_fails_the_job_and_the_log_says_so(client: Make, train_image: Make) -> None:
    job = train_image("sick")

    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 127")
    assert 'exec: "train"' in log_of(client, "/aws/sagemaker/TrainingJobs", job["TrainingJobName"])


def test_a_name_that_is_not_ecrs_is_refused_as_aws_refuses_it(
    sagemaker: Any, role: str, job_request: Make, artifact: str
) -> None:
    specification = {"TrainingImage": "preflight-test/plain:1", "TrainingInputMode": "File"}
    container = {"Image": "preflight-test/plain:1", "ModelDataUrl": artifact}

    training = refusal(sagemaker.create_training_job, **job_request(AlgorithmSpecification=specification))
    hosting = refusal(sagemaker.create_model, ModelName="n", PrimaryContainer=container, ExecutionRoleArn=role)

    assert training[0] == hosting[0] == "ValidationException"
    assert training[1].startswith("Invalid training image.")
    assert hosting[1].startswith('Using non-ECR image "preflight-test/plain:1" without Vpc repository access mode')


def test_a_part_of_a_stream_arrives_before_the_next_is_made(
    sagemaker: Any, runtime: Any, role: str, image: Make, create_endpoint: Make
) -> None:
    model = unique("streaming")
    sagemaker.create_model(ModelName=model, PrimaryContainer={"Image": image("streaming")}, ExecutionRoleArn=role)
    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]

    events = iter(runtime.invoke_endpoint_with_response_stream(EndpointName=name, Body=b"wait")["Body"])
    first = next(events)
    runtime.invoke_endpoint(EndpointName=name, Body=b"go")

    assert [first, *events] == [{"PayloadPart": {"Bytes": part}} for part in (b"first", b"second")]


def test_an_image_that_a_network_would_be_kept_from_on_aws_is_refused(
    sagemaker: Any, role: str, image: Make, job_request: Make
) -> None:
    specification = {"TrainingImage": image("plain"), "TrainingInputMode": "File"}
    request = job_request(None, {}, AlgorithmSpecification=specification, EnableNetworkIsolation=True)
    container = {"Image": image("plain")}

    assert "EnableNetworkIsolation" in refusal(sagemaker.create_training_job, **request)[1]
    assert (
        "EnableNetworkIsolation"
        in refusal(
            sagemaker.create_model,
            ModelName=unique("model"),
            PrimaryContainer=container,
            ExecutionRoleArn=role,
            EnableNetworkIsolation=True,
        )[1]
    )
