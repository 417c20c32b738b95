"""From prepared data to a URL that answers, and back to nothing, against a running stack."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from aws.deployment import Deployment
from aws.predict import take_down
from preflight.waiting import wait_until
from tests.aws.conftest import Project, curl_line
from tests.conftest import REPOSITORY

CHANGED = re.compile(r"^(\S.*?)  .*?(?<!unchanged) \([\d.]+ s\)$", re.MULTILINE)


@pytest.fixture(scope="module")
def deployed(make_project: Callable[[str], Project]) -> Project:
    project = make_project("flow")
    result = project.run("deploy")
    assert result.exit_code == 0, result.output
    return project


def changed_steps(output: str) -> list[str]:
    return CHANGED.findall(output)


def test_the_url_answers_for_rows_held_back(deployed: Project) -> None:
    result = deployed.run("predict", "--rows", "60", "--json")

    scores = json.loads(result.stdout)
    assert scores["rows"] == 60
    assert scores["accuracy"] > 0.6
    assert scores["generated"]


def test_predict_tells_a_person_what_to_do_next(deployed: Project) -> None:
    output = deployed.run("predict", "--rows", "5").stdout

    assert "generated sample" in output
    answer = subprocess.run(curl_line(output), shell=True, capture_output=True, text=True, timeout=30).stdout
    assert json.loads(answer)["satisfied"] in (0, 1)
    sent = json.loads((deployed.record.parent / "request.json").read_text())["passenger"]
    assert "Gender" in sent and "id" not in sent, "what is no feature is not sent"


def test_taking_down_is_told_as_it_was_started(deployed: Project) -> None:
    local = Deployment.read(deployed.record, "local")
    port = urlsplit(local.api_url).port

    assert take_down(local, {}).endswith(f"preflight down --port {port}")
    assert take_down(local, {"PREFLIGHT_TAKE_DOWN": "make down"}) == "make down"
    on_aws = local.model_copy(update={"target": "aws"})
    assert take_down(on_aws, {"PREFLIGHT_TAKE_DOWN": "make down"}) == "python aws/destroy.py --target aws"


@pytest.mark.parametrize("body", ["{", "[1]", '{"passenger": {"Age": "old"}}', "{}"])
def test_bad_input_is_a_400_with_a_message(deployed: Project, body: str) -> None:
    url = json.loads(deployed.record.read_text())["api_url"]

    answer = requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=30)

    assert answer.status_code == 400
    assert answer.json()["message"]


def test_a_body_is_validated_whatever_type_it_claims(deployed: Project, client: Callable[..., Any]) -> None:
    gateway, api = client("apigateway"), json.loads(deployed.record.read_text())["rest_api_id"]
    resources = gateway.get_resources(restApiId=api)["items"]
    (predict,) = [resource["id"] for resource in resources if resource["path"] == "/predict"]

    answer = requests.post(deployed.url, data="no JSON", headers={"Content-Type": "text/plain"}, timeout=30)

    assert answer.status_code == 400
    # On AWS it is this key that brings the 400; the stack validates every type anyway.
    method = gateway.get_method(restApiId=api, resourceId=predict, httpMethod="POST")
    assert method["requestModels"] == {"$default": "Empty"}


@pytest.mark.parametrize(("method", "path"), [("GET", "predict"), ("POST", "none")])
def test_a_route_that_the_api_does_not_have_is_a_403_as_on_aws(deployed: Project, method: str, path: str) -> None:
    answer = requests.request(method, deployed.url.removesuffix("predict") + path, timeout=30)

    assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})


@pytest.mark.parametrize("target", ["local", "aws"])
def test_a_second_run_changes_nothing(deployed: Project, target: str) -> None:
    result = deployed.run("deploy", "--target", target)

    assert result.exit_code == 0, result.output
    assert changed_steps(result.stdout) == []
    assert json.loads(deployed.record.read_text())["api_url"] in result.stdout


def test_other_hyperparameters_change_the_model_and_keep_the_url(deployed: Project) -> None:
    url = json.loads(deployed.record.read_text())["api_url"]
    deployed.configure(epochs=4)

    result = deployed.run("deploy")

    assert changed_steps(result.stdout) == ["Training job", "Model", "Endpoint config", "Endpoint"]
    assert f"URL: {url}" in result.stdout


def test_going_serverless_and_back_keeps_the_url(deployed: Project) -> None:
    url = deployed.url

    serverless = deployed.run("deploy", "--serverless")
    assert "DeleteEndpoint, CreateEndpoint" in serverless.stdout
    assert deployed.run("predict", "--rows", "2").exit_code == 0
    assert "There is nothing to change." in deployed.run("deploy", "--serverless", "--plan").stdout

    back = deployed.run("deploy")
    assert "UpdateEndpoint" in back.stdout
    assert f"URL: {url}" in serverless.stdout and f"URL: {url}" in back.stdout


def test_what_is_asked_and_answered_is_captured_until_a_deploy_without_it(
    deployed: Project, client: Callable[..., Any]
) -> None:
    url, s3 = deployed.url, client("s3")
    on = deployed.run("deploy", "--capture")
    said = requests.post(url, json={"data": ",".join(["1"] * 22)}, timeout=30).json()
    off = deployed.run("deploy")
    place = {"Bucket": "flow-000000000000-us-east-1", "Prefix": "capture/flow/AllTraffic/"}
    [file] = wait_until(lambda: s3.list_objects_v2(**place).get("Contents"), 30, 0.1)
    [line] = s3.get_object(Bucket=place["Bucket"], Key=file["Key"])["Body"].read().splitlines()
    captured = json.loads(line)["captureData"]

    assert changed_steps(on.stdout) == ["Endpoint config", "Endpoint"]
    assert changed_steps(off.stdout) == ["Endpoint"]
    assert captured["endpointInput"]["data"] == ",".join(["1"] * 22)
    assert json.loads(captured["endpointOutput"]["data"])["predictions"][0]["predicted_label"] == said
    assert "do not go together" in deployed.run("deploy", "--capture", "--serverless").stderr


def test_a_failed_training_job_says_why_and_where_its_logs_are(make_project: Callable[[str], Project]) -> None:
    project = make_project("failing")
    project.configure(feature_dim=3)

    result = project.run("deploy")

    assert result.exit_code == 1
    assert "did not complete: " in result.stderr
    assert "group /aws/sagemaker/TrainingJobs, streams failing-linear-learner-" in result.stderr


def test_an_interrupted_deploy_leaves_what_destroy_finds_by_name_and_tag(
    make_project: Callable[[str], Project], client: Callable[..., Any]
) -> None:
    project = make_project("half")
    command = [sys.executable, "aws/deploy.py", *project.arguments("deploy")]
    with subprocess.Popen(command, env=project.environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = next(line for line in process.stdout if "Training job: " in line)
        process.send_signal(signal.SIGINT)
        said += process.stdout.read()
    assert process.returncode == 130
    assert "Interrupted. Done: Bucket half-000000000000-us-east-1; " in said

    assert "Removed " in project.run("destroy", "--yes").stdout

    assert "Nothing is left" in project.run("destroy", "--yes").stdout
    assert not [role for role in client("iam").list_roles()["Roles"] if role["RoleName"].startswith("half-")]
    assert not [bucket for bucket in client("s3").list_buckets()["Buckets"] if "half-" in bucket["Name"]]


def test_destroy_asks_first(deployed: Project) -> None:
    result = deployed.run("destroy")

    assert result.exit_code == 2
    assert "Add --yes" in result.stderr
    assert deployed.run("predict", "--rows", "1").exit_code == 0


def test_stacks_and_projects_have_records_of_their_own(deployed: Project, tmp_path: Path) -> None:
    (tmp_path / "preflight.toml").write_text('[deploy]\nname = "another"\n')
    another = ["--config", str(tmp_path / "preflight.toml")]

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = str(unused.getsockname()[1])
        other_stack = deployed.run("predict", environ={"PREFLIGHT_PORT": port, "AWS_ENDPOINT_URL": None})
    other_project = deployed.run("predict", *another)
    both = deployed.run("predict", environ={"PREFLIGHT_PORT": port})

    assert (other_stack.exit_code, other_project.exit_code, both.exit_code) == (2, 2, 2)
    assert f"flow/local-{port}/deployment.json is missing: nothing is deployed there yet" in other_stack.stderr
    assert f"`PREFLIGHT_PORT={port} python aws/deploy.py`" in other_stack.stderr
    others = other_stack.stderr.partition("The project's other records: ")[2]
    assert deployed.record.parent.name in others
    assert "another/local-" in other_project.stderr
    assert "which stack is meant?" in both.stderr
    on_aws = deployed.run("predict", "--target", "aws", *another)
    assert "Run `python aws/deploy.py --target aws`" in on_aws.stderr


def test_data_prepared_anew_is_not_taken_for_what_is_deployed(deployed: Project, prepared_data: Path) -> None:
    rows = prepared_data / "test_raw.csv"
    kept = rows.read_bytes()
    rows.write_text("other,columns\n1,2\n")
    try:
        assert deployed.run("predict", "--rows", "1").exit_code == 0
    finally:
        rows.write_bytes(kept)


def test_the_record_of_a_dead_stack_is_named_as_such(deployed: Project) -> None:
    kept = deployed.record.read_text()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, never listening: connections are refused
        gone = f"http://127.0.0.1:{unused.getsockname()[1]}/predict"
        deployed.record.write_text(json.dumps(json.loads(kept) | {"api_url": gone}))

        command = [sys.executable, "aws/predict.py", *deployed.arguments("predict")]
        ended = subprocess.run(
            command, env=os.environ | deployed.environ, capture_output=True, text=True, timeout=30, cwd=REPOSITORY
        )
        deployed.record.write_text(kept)

    assert ended.returncode == 1
    assert "does not answer" in ended.stderr
    assert f"{deployed.record} tells of a deployment that is not there" in ended.stderr
