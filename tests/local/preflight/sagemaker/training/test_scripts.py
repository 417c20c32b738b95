"""Scripts of the caller's in the images of frameworks, run from the job to the answer of an endpoint."""

import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from preflight.sagemaker.launching.framework_images import framework_images
from preflight.sagemaker.launching.process.private_folders import private_folders
from tests.local.conftest import Make, make_config, refusal, unique, wait_for_job

ACCOUNT = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SKLEARN = f"{ACCOUNT}/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = f"{ACCOUNT}/sagemaker-xgboost:3.2-0"
WITHOUT_PYTHON = [each.name for each in framework_images() if not each.has_python]

pytestmark = [
    pytest.mark.skipif(
        bool({"sklearn:1.2-1", "xgboost:3.2-0"} & set(WITHOUT_PYTHON)), reason=f"no Python for {WITHOUT_PYTHON}"
    ),
    pytest.mark.skipif(bool(private_folders().problem), reason=private_folders().problem),
]

TRAIN_SKLEARN = """
import os, sys, joblib, pandas
from sklearn.linear_model import LogisticRegression

def model_fn(folder):
    return joblib.load(os.path.join(folder, "model.joblib"))

if __name__ == "__main__":
    rows = pandas.read_csv("/opt/ml/input/data/train/train.csv", header=None).values
    joblib.dump(LogisticRegression().fit(rows[:, 1:], rows[:, 0]), "/opt/ml/model/model.joblib")
    print("arguments", sys.argv[1:])
"""
TRAIN_XGBOOST = """
import argparse, os, xgboost, numpy
import shapes

def model_fn(folder):
    booster = xgboost.Booster()
    booster.load_model(os.path.join(folder, "model.json"))
    return booster

if __name__ == "__main__":
    rows = numpy.loadtxt(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv"), delimiter=",")
    matrix = shapes.matrix(rows)
    model = xgboost.train({"objective": "binary:logistic"}, matrix, num_boost_round=2)
    model.save_model(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"))
"""
SHAPES = "import xgboost\ndef matrix(rows): return xgboost.DMatrix(rows[:, 1:], label=rows[:, 0])\n"

RECORDS = {  # 5,1 and 0,2 as SageMaker's Records, written by protobuf's own library
    "float32": (
        "0a23d7ce2f0000000a160a0676616c756573120c120a0a080000a0400000803f12120a0676616c756573120812060a04"
        "0000803f1a0178000a23d7ce2f0000000a160a0676616c756573120c120a0a08000000000000004012120a0676616c75"
        "6573120812060a040000803f1a017800"
    ),
    "sparse": (
        "0a23d7ce360000000a1d0a0676616c756573121312110a080000a0400000803f120200011a010212120a0676616c7565"
        "73120812060a040000803f1a017800000a23d7ce330000000a1a0a0676616c7565731210120e0a080000000000000040"
        "1202000112120a0676616c756573120812060a040000803f1a017800"
    ),
    "int32": (
        "0a23d7ce290000000a100a0676616c75657312063a040a02050112120a0676616c756573120812060a040000803f1a01"
        "780000000a23d7ce290000000a100a0676616c75657312063a040a02000212120a0676616c756573120812060a040000"
        "803f1a0178000000"
    ),
    "float64": (
        "0a23d7ce370000000a1e0a0676616c75657312141a120a100000000000001440000000000000f03f12120a0676616c75"
        "6573120812060a040000803f1a0178000a23d7ce370000000a1e0a0676616c75657312141a120a100000000000000000"
        "000000000000004012120a0676616c756573120812060a040000803f1a017800"
    ),
}


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{name}.py" if name != "requirements" else "requirements.txt")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture(scope="session")
def source(put: Make) -> Callable[..., str]:
    """Stores scripts as the SDK does; returns the archive's URI."""

    def source(**files: str) -> str:
        uri: str = put(f"{unique('source')}/sourcedir.tar.gz", archive(**files))
        return uri

    return source


@pytest.fixture(scope="session")
def run(sagemaker: Any, job_request: Make) -> Make:
    """Runs a job of a script to its end."""

    def run(image: str, source: str, **hyperparameters: Any) -> dict[str, Any]:
        encoded = {name: json.dumps(value) for name, value in hyperparameters.items()}
        encoded |= {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": json.dumps(source)}
        specification = {"TrainingImage": image, "TrainingInputMode": "File"}
        request = job_request(hyperparameters=encoded, AlgorithmSpecification=specification)
        sagemaker.create_training_job(**request)
        return wait_for_job(sagemaker, request["TrainingJobName"], timeout_seconds=400)  # makes the environment

    return run


@pytest.fixture
def endpoint(sagemaker: Any, role: str, create_endpoint: Make) -> Make:
    """An endpoint of a script."""

    def endpoint(image: str, artifact: str, source: str) -> dict[str, Any]:
        name, environment = unique("model"), {"SAGEMAKER_PROGRAM": "train.py", "SAGEMAKER_SUBMIT_DIRECTORY": source}
        container = {"Image": image, "ModelDataUrl": artifact, "Environment": environment}
        sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)
        made: dict[str, Any] = create_endpoint(make_config(sagemaker, name))
        return made

    return endpoint


def test_a_scikit_learn_script_trains_and_serves(run: Make, endpoint: Make, source: Make, runtime: Any) -> None:
    uri = source(train=TRAIN_SKLEARN)
    job = run(SKLEARN, uri, **{"C": 0.5, "max-iter": 200})
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]

    served = endpoint(SKLEARN, job["ModelArtifacts"]["S3ModelArtifacts"], uri)

    assert served["EndpointStatus"] == "InService", served
    answer = runtime.invoke_endpoint(EndpointName=served["EndpointName"], ContentType="text/csv", Body="5,1\n0,2")
    assert (answer["ContentType"], json.load(answer["Body"])) == ("application/json", [1, 0])


def test_an_xgboost_script_trains_and_serves_in_the_image_of_the_algorithm(
    run: Make, endpoint: Make, source: Make, runtime: Any
) -> None:
    uri = source(train=TRAIN_XGBOOST, shapes=SHAPES)
    job = run(XGBOOST, uri)
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]

    served = endpoint(XGBOOST, job["ModelArtifacts"]["S3ModelArtifacts"], uri)

    assert served["EndpointStatus"] == "InService", served
    answer = runtime.invoke_endpoint(EndpointName=served["EndpointName"], ContentType="text/csv", Body="5,1\n0,2")
    yes, no = json.load(answer["Body"])
    assert yes > 0.5 > no
    for body in RECORDS.values():
        recordio = {"ContentType": "application/x-recordio-protobuf", "Body": bytes.fromhex(body)}
        answer = runtime.invoke_endpoint(EndpointName=served["EndpointName"], **recordio)
        assert json.load(answer["Body"]) == [yes, no]
    with pytest.raises(runtime.exceptions.ModelError, match="500"):
        runtime.invoke_endpoint(EndpointName=served["EndpointName"], **recordio | {"Body": b"no records"})


def test_a_script_that_fails_says_how(run: Make, source: Make) -> None:
    job = run(SKLEARN, source(train="import sys; sys.exit(7)"))

    assert job["FailureReason"].startswith('AlgorithmError: ExecuteUserScriptError:\nExitCode 7\nErrorMessage ""\n')
    assert job["FailureReason"].endswith('train.py", exit code: 1')


def test_a_source_that_is_not_there_is_the_jobs_and_the_endpoints_end(
    run: Make, endpoint: Make, bucket: str, artifact: str
) -> None:
    missing = f"s3://{bucket}/nothing.tar.gz"

    job, served = run(SKLEARN, missing), endpoint(SKLEARN, artifact, missing)

    assert "(404) when calling the HeadObject operation: Not Found" in job["FailureReason"]
    assert served["EndpointStatus"] == "Failed"


def test_what_a_job_installs_stays_in_it(run: Make, source: Make, put: Make) -> None:
    install = (
        "import subprocess, sys; subprocess.check_call([sys.executable, '-m', 'pip', 'uninstall', '-qy', 'joblib'])"
    )
    changed = run(SKLEARN, source(train=install))
    after = run(SKLEARN, source(train="import joblib"))

    assert [job["TrainingJobStatus"] for job in (changed, after)] == ["Completed", "Completed"], (changed, after)


@pytest.mark.parametrize(("image", "version"), [(f"{ACCOUNT}/sagemaker-scikit-learn:0.20.0-cpu-py3", "1.2-1-cpu-py3")])
def test_a_version_that_is_not_known_is_refused_with_those_that_are(
    sagemaker: Any, job_request: Make, image: str, version: str
) -> None:
    request = job_request(AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"})

    code, message = refusal(sagemaker.create_training_job, **request)

    assert code == "UnsupportedByPreflight"
    assert version in message
