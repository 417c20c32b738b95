"""One stack's life: the example is deployed, every service is given something, the stack is stopped, and killed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from preflight.client_environment import client_environment
from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from preflight.waiting import wait_until
from tests.conftest import REPOSITORY
from tests.local.preflight.state import kept
from tests.local.preflight.test_stack import kill

SERVER_ERROR = "InternalServerError: We encountered an internal error. Please try again."


@dataclass
class Life:
    """``answers`` are the URL's, the first thing each stack was asked; ``seen`` is what clients saw of each service."""

    stack: Stack
    url: str = ""
    answers: list[Any] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    interrupted: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return boto3.client(service, endpoint_url=self.stack.endpoint_url, **keys)

    def ask(self, body: str) -> None:
        answer = requests.post(self.url, data=body, headers={"Content-Type": "application/json"}, timeout=60)
        self.answers.append((answer.status_code, answer.json()))

    def look(self) -> None:
        self.seen.append({name: _seen(service, self.client) for name, service in kept.SERVICES.items()})


def _seen(service: kept.Kept, client: Any) -> Any:
    """Its failure is told by the test of this service alone."""
    try:
        return service.seen(client)
    except Exception as error:
        return error


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("kept")
    life = Life(Stack(port=free_port(), home=folder / "home"))
    life.stack.up()
    try:
        body = deploy(life, folder)
        for service in kept.SERVICES.values():
            service.make(life.client)
        life.ask(body)
        life.look()
        life.stack.down()

        life.stack.up()
        life.ask(body)
        life.look()
        start_work(life)
        kill(life.stack)

        life.stack.up()
        life.ask(body)
        life.look()
        yield life
    finally:
        life.stack.down(forget=True)


def deploy(life: Life, folder: Path) -> str:
    """The example, as a person deploys it; the body of a request that it answers."""
    environ = os.environ | client_environment(life.stack.endpoint_url) | {"PREFLIGHT_PORT": str(life.stack.port)}
    prepare = ["-m", "data_prep", "--output", str(folder / "preflight" / "data")]
    for program in (prepare, ["aws/deploy.py"], ["aws/predict.py", "--rows", "1"]):
        command = [sys.executable, *program, *([] if program is prepare else ["--build", str(folder)])]
        result = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, result.stdout + result.stderr
    (record,) = folder.rglob("deployment.json")
    life.url = json.loads(record.read_text())["api_url"]
    return (record.parent / "request.json").read_text()


def start_work(life: Life) -> None:
    """A tuning job and a pipeline, each with a training job that does not end; returns once all is written down."""
    kept.tune(life.client, "interrupted", {"mode": "wait"})
    training = kept.script(life.client) | {"HyperParameters": kept.words(mode="wait")}
    step = {"Name": "Train", "Type": "Training", "Arguments": training}
    life.interrupted["execution"] = kept.start_pipeline(life.client, "interrupted", step)
    documents = life.stack.state_folder / "sagemaker"
    execution_id = life.interrupted["execution"].rpartition("/")[2]

    def are_written() -> bool:
        texts = [path.read_text() for path in documents.glob("*/*/training-job/*.json") if path.is_file()]
        jobs = sum('"status": "Training"' in text and '"end_time": null' in text for text in texts)
        others = [path for path in documents.glob("*/*/*/*.json") if path.stem in ("interrupted", execution_id)]
        return jobs >= 2 and len(others) >= len(("tuning job", "pipeline", "execution"))

    assert wait_until(are_written, 120, 0.1)


@pytest.mark.parametrize("restart", [pytest.param(1, id="stopped"), pytest.param(2, id="killed")])
class TestRestart:
    def test_the_url_gives_the_same_answer_with_no_call_in_between(self, life: Life, restart: int) -> None:
        assert life.answers[0][0] == 200
        assert life.answers[restart] == life.answers[0]

    @pytest.mark.parametrize("service", kept.SERVICES)
    def test_what_a_client_sees_of_a_service_is_the_same(self, life: Life, service: str, restart: int) -> None:
        before = life.seen[0][service]
        if isinstance(before, Exception):
            raise before
        assert life.seen[restart][service] == before


def test_an_upload_that_was_begun_before_two_restarts_can_be_ended(life: Life) -> None:
    assert kept.complete_upload(life.client) == kept.PART + b"last"


def test_work_that_was_interrupted_has_failed_as_on_aws(life: Life) -> None:
    sagemaker = life.client("sagemaker")
    tuning = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="interrupted")
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=life.interrupted["execution"])
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=life.interrupted["execution"])
    jobs = sagemaker.list_training_jobs(StatusEquals="Failed")["TrainingJobSummaries"]
    reasons = [sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])["FailureReason"] for job in jobs]

    assert (tuning["HyperParameterTuningJobStatus"], tuning["FailureReason"]) == ("Failed", SERVER_ERROR)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert [step["StepStatus"] for step in steps["PipelineExecutionSteps"]] == ["Failed"]
    assert reasons == [SERVER_ERROR] * 2


def test_nothing_of_it_is_damaged(life: Life) -> None:
    told = requests.get(f"{life.stack.endpoint_url}/_preflight/state", timeout=30).json()

    assert told == {"is_kept": True, "notes": []}
    assert not re.search(r"Traceback|is not kept", life.stack.log_file.read_text())


def test_status_shows_the_url_before_anybody_has_asked_for_it(life: Life) -> None:
    life.stack.down()
    life.stack.up()

    command = [sys.executable, "-m", "preflight", "status", "--json", "--port", str(life.stack.port)]
    environ = os.environ | {"PREFLIGHT_HOME": str(life.stack.home)}
    told = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)

    assert life.url in told.stdout, told.stderr
