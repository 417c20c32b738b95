"""One stack's life: the example is deployed, every service is given something, the stack is stopped, killed, shared."""

import contextlib
import glob
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import boto3
import psutil
import pytest
import requests

from preflight.client_environment import client_environment
from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from preflight.testing.process import StackProcess
from preflight.waiting import wait_until
from tests.conftest import REPOSITORY
from tests.local.preflight.state import damage, kept
from tests.local.preflight.test_stack import kill

SERVER_ERROR = "InternalServerError: We encountered an internal error. Please try again."


@dataclass
class Life:
    """``answers`` are the URL's, the first thing each stack was asked; ``seen`` is what clients saw of each service."""

    stack: Stack
    url: str = ""
    body: str = ""
    answers: list[Any] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    interrupted: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return boto3.client(service, endpoint_url=self.stack.endpoint_url, **keys)

    def ask(self, body: str) -> None:
        answer = requests.post(self.url, data=body, headers={"Content-Type": "application/json"}, timeout=60)
        self.answers.append((answer.status_code, answer.json()))

    def notes(self) -> list[str]:
        """What the stack says of what it keeps: what could not be read, what cannot be written."""
        told = requests.get(f"{self.stack.endpoint_url}/_preflight/state", timeout=60).json()
        assert told["is_kept"]
        notes: list[str] = told["notes"]
        return notes

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
        life.body = body = deploy(life, folder)
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
    """A tuning job and a pipeline, each with a training job that does not end, and a request without an instance.

    Returns once all is written down.
    """
    kept.tune(life.client, "interrupted", {"mode": "wait"})
    training = kept.script(life.client) | {"HyperParameters": kept.words(mode="wait")}
    step = {"Name": "Train", "Type": "Training", "Arguments": training}
    life.interrupted["result"] = kept.ask_later(life.client)
    life.interrupted["execution"] = kept.start_pipeline(life.client, "interrupted", step)
    documents = life.stack.state_folder / "sagemaker"
    execution_id = life.interrupted["execution"].rpartition("/")[2]

    def are_written() -> bool:
        texts = [path.read_text() for path in documents.glob("*/*/training-job/*.json") if path.is_file()]
        jobs = sum('"status": "Training"' in text and '"end_time": null' in text for text in texts)
        others = [path for path in documents.glob("*/*/*/*.json") if path.stem in ("interrupted", execution_id)]
        asked = list(documents.glob("*/*/asynchronous-inference/*.json"))
        return jobs >= 2 and bool(asked) and len(others) >= len(("tuning job", "pipeline", "execution"))

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


def test_a_request_that_waited_for_an_instance_when_the_stack_was_killed_is_answered(life: Life) -> None:
    assert b"predict" in kept.answer(life.client, life.interrupted["result"])
    waiting = life.stack.state_folder / "sagemaker"
    assert wait_until(lambda: not list(waiting.glob("*/*/asynchronous-inference/*.json")), 60, 0.2)


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
    assert life.notes() == []
    assert not re.search(r"Traceback|is not kept", life.stack.log_file.read_text())


class TestNotWritable:
    """As on a full disk: something is in the way of what is to be written."""

    @pytest.mark.parametrize(
        ("part", "change", "word"),
        [
            pytest.param("services/sns", lambda client: client("sns").create_topic(Name="late"), "sns", id="a service"),
            pytest.param(
                "sagemaker/000000000000/us-east-1/artifact",
                lambda client: client("sagemaker").create_artifact(
                    ArtifactType="late", Source={"SourceUri": f"s3://{kept.BUCKET}/late"}
                ),
                "artifact/",
                id="SageMaker",
            ),
        ],
    )
    def test_it_is_said_and_made_up_for_later(self, life: Life, part: str, change: Any, word: str) -> None:
        place = life.stack.state_folder / part
        aside = life.stack.home / "aside"
        if place.exists():
            place.rename(aside)
        place.write_text("in the way")
        change(life.client)
        told = lambda: [note for note in life.notes() if "is not kept" in note]  # noqa: E731
        assert wait_until(lambda: len(told()) == 1 and word in told()[0], 60, 0.2), told()

        place.unlink()
        if aside.exists():
            aside.rename(place)

        assert wait_until(lambda: not told(), 60, 0.2), told()
        assert list(place.iterdir())


def test_an_ephemeral_stack_leaves_what_is_kept_and_status_shows_the_url_before_anybody_has_asked_for_it(
    life: Life,
) -> None:
    life.stack.down()
    ephemeral = replace(life.stack, ephemeral=True)
    ephemeral.up()
    assert buckets(life) == []  # what is kept is not for this one
    life.client("s3").create_bucket(Bucket="of-an-ephemeral-stack")
    ephemeral.down()
    life.stack.up()
    assert kept.BUCKET in buckets(life)
    assert "of-an-ephemeral-stack" not in buckets(life)

    command = [sys.executable, "-m", "preflight", "status", "--all", "--port", str(life.stack.port)]
    environ = os.environ | {"PREFLIGHT_HOME": str(life.stack.home)}
    told = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)

    assert life.url in told.stdout, told.stderr
    assert f"What it stores is kept in {life.stack.state_folder}." in told.stdout


def buckets(life: Life) -> list[str]:
    return [each["Name"] for each in life.client("s3").list_buckets()["Buckets"]]


@dataclass
class Imported:
    """Another stack, into which a file of the first has been imported. ``said`` is what the two commands printed."""

    stack: Stack
    said: list[str]
    started: set[str]  # what runs since, by its command line
    answer: Any
    seen: dict[str, Any]


@pytest.fixture(scope="module")
def imported(life: Life, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    path = tmp_path_factory.mktemp("shared") / "stack.zip"
    with StackProcess() as other:
        said = [run_state("export", life.stack, path)]
        before = children(other.stack)
        said.append(run_state("import", other.stack, path))
        started = children(other.stack) - before
        elsewhere = Life(other.stack, url=life.url.replace(str(life.stack.port), str(other.port)))
        elsewhere.ask(life.body)
        elsewhere.look()
        yield Imported(other.stack, said, started, elsewhere.answers[0], elsewhere.seen[0])


def run_state(what: str, stack: Stack, path: Path) -> str:
    command = [sys.executable, "-m", "preflight", "state", what, str(path), "--port", str(stack.port)]
    environ = os.environ | {"PREFLIGHT_HOME": str(stack.home)}
    result = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=180)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def children(stack: Stack) -> set[str]:
    process = stack.process()
    assert process is not None
    found = set()
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found.add(" ".join(child.cmdline()))
    return found


class TestShared:
    def test_nothing_of_a_file_runs_by_being_imported(self, imported: Imported) -> None:
        assert imported.started == set()

    def test_the_url_of_a_file_gives_the_same_answer(self, life: Life, imported: Imported) -> None:
        assert imported.answer == life.answers[0]

    @pytest.mark.parametrize(
        "service", ["example", "lambda", "events", "registry", "experiments", "tuning", "pipelines"]
    )
    def test_what_a_client_sees_of_a_service_is_the_same(self, life: Life, imported: Imported, service: str) -> None:
        seen = imported.seen[service]
        if isinstance(seen, Exception):
            raise seen
        assert seen == life.seen[-1][service]

    def test_objects_have_their_versions_and_all_that_belongs_to_them(self, imported: Imported, life: Life) -> None:
        there, here = (kept.objects(Life(stack).client) for stack in (imported.stack, life.stack))

        assert there == here
        assert len(there) > 2

    def test_a_topic_delivers_to_its_queue(self, imported: Imported) -> None:
        ((subscription,), is_delivered) = imported.seen["sns"]

        assert subscription["Endpoint"].endswith(":of-topic")
        assert is_delivered

    def test_what_is_left_out_is_named(self, imported: Imported) -> None:
        exported, _ = imported.said
        for each in ("the access keys of the user someone", "the messages in the queue kept", "/kept/one, a secret"):
            assert each in exported


@dataclass
class Damaged:
    """A copy of what a stack kept, damaged at a hundred places, and the stack that was started on it."""

    stack: Stack
    damaged: set[Path]  # below the folder of what is kept
    documents: dict[str, str]  # the ARN in each of SageMaker's, by its path
    services: set[str]  # of which a file was damaged


@pytest.fixture(scope="module")
def damaged(life: Life, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damaged]:
    life.stack.down()
    stack = Stack(port=free_port(), home=tmp_path_factory.mktemp("damaged") / "home")
    shutil.copytree(life.stack.state_folder, stack.state_folder)
    life.stack.up()
    home = stack.state_folder
    documents = {
        str(path.relative_to(home)): json.loads(path.read_text())["record"]["arn"]
        for path in home.glob("sagemaker/*/*/*/*.json")
    }
    done = damage.at_random_places(home, 100, Random(17))
    services = {path.parts[1] for path in done if path.parts[0] == "services"}
    stack.up()
    try:
        yield Damaged(stack, done, documents, services)
    finally:
        stack.down(forget=True)


class TestDamaged:
    """The stack has started: ``damaged`` would have failed otherwise."""

    def test_each_damaged_document_is_set_aside_and_named(self, damaged: Damaged) -> None:
        told = Life(damaged.stack).notes()
        for path in damaged.damaged:
            if path.parts[0] == "sagemaker":
                assert any(path.name in note for note in told), path
                assert list(damaged.stack.state_folder.glob(f"aside/*/{glob.escape(str(path))}"))

    def test_each_damaged_service_is_set_aside_and_named(self, damaged: Damaged) -> None:
        told = Life(damaged.stack).notes()
        assert len(damaged.services) > 2
        for service in damaged.services:
            assert any(f"services/{service} " in note for note in told), service
            assert list(damaged.stack.state_folder.glob(f"aside/*/services/{service}"))

    def test_every_document_that_was_left_alone_is_there(self, damaged: Damaged) -> None:
        found = requests.get(f"{damaged.stack.endpoint_url}/_preflight/state/sagemaker", timeout=60).json()
        there = {document["record"]["arn"] for document in found["documents"]} | set(found["left_out"])
        whole = {arn for path, arn in damaged.documents.items() if Path(path) not in damaged.damaged}

        assert whole == there
        assert len(damaged.documents) > len(whole) > 10

    def test_every_service_that_was_left_alone_is_as_it_was(self, life: Life, damaged: Damaged) -> None:
        client = Life(damaged.stack).client
        whole = {"iam", "ssm", "secretsmanager", "logs", "cloudwatch"} - damaged.services
        if any(path.parts[0] == "files" for path in damaged.damaged):
            whole.discard("cloudwatch")  # its metrics

        assert whole
        for service in whole:
            assert kept.SERVICES[service].seen(client) == life.seen[-1][service], service

    @pytest.mark.parametrize(("service", "operation"), kept.LISTS)
    def test_every_service_answers(self, damaged: Damaged, service: str, operation: str) -> None:
        getattr(Life(damaged.stack).client(service), operation)()


class TestForgotten:
    """The end of the stack's life: these take away what the tests before look at."""

    def test_what_a_reset_has_forgotten_does_not_come_back(self, life: Life) -> None:
        requests.post(f"{life.stack.endpoint_url}/_localstack/state/reset", timeout=60).raise_for_status()
        life.client("s3").create_bucket(Bucket="since-then")
        life.client("sagemaker").create_experiment(ExperimentName="since-then")
        life.stack.down()
        life.stack.up()

        sagemaker = life.client("sagemaker")
        assert buckets(life) == ["since-then"]
        assert life.client("iam").list_roles()["Roles"] == []
        assert life.client("lambda").list_functions()["Functions"] == []
        assert life.client("apigateway").get_rest_apis()["items"] == []
        assert sagemaker.list_models()["Models"] == sagemaker.list_endpoints()["Endpoints"] == []
        (experiment,) = sagemaker.list_experiments()["ExperimentSummaries"]
        assert experiment["ExperimentName"] == "since-then"

    def test_down_forgets_all_if_it_is_asked_to(self, life: Life) -> None:
        command = [sys.executable, "-m", "preflight", "down", "--forget", "--port", str(life.stack.port)]
        environ = os.environ | {"PREFLIGHT_HOME": str(life.stack.home)}
        told = [subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120).stdout for _ in "12"]

        assert "What it stored is forgotten." in told[0]
        assert "It had kept nothing." in told[1]
        assert not life.stack.state_folder.exists()
