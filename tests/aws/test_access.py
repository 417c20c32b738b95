"""Who can call the URL: anyone, who has the API key, whom IAM lets; and going from one to the other."""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.aws.conftest import Project, curl_line

BODY = {"data": ",".join(["1"] * 22)}


@pytest.fixture(scope="module")
def project(make_project: Callable[[str], Project]) -> Project:
    """A project whose URL asks for the API key."""
    project = make_project("locked")
    deployed = project.run("deploy", "--auth", "api-key")
    assert deployed.exit_code == 0, deployed.output
    assert "Who sends the API key as x-api-key can call it. To see the key: aws --endpoint-url" in deployed.stdout
    assert "This opens the URL" not in deployed.stdout
    return project


def test_the_url_lets_only_the_key_in(project: Project, client: Callable[..., Any]) -> None:
    key_id = json.loads(project.record.read_text())["api_key_id"]
    key = client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"]

    assert requests.post(project.url, json=BODY, timeout=30).status_code == 403
    assert requests.post(project.url, json=BODY, headers={"x-api-key": key}, timeout=30).json() in (0, 1)


def test_predict_brings_the_key_and_shows_it_nowhere(project: Project, client: Callable[..., Any]) -> None:
    key_id = json.loads(project.record.read_text())["api_key_id"]
    key = client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"]

    result = project.run("predict", "--rows", "3")

    assert result.exit_code == 0, result.output
    assert f"--api-key {key_id} --include-value" in result.stdout
    assert key not in result.output + project.record.read_text()


def test_a_key_that_is_there_leaves_nothing_to_do(project: Project) -> None:
    assert "There is nothing to change." in project.run("deploy", "--auth", "api-key", "--plan").stdout


def test_the_stage_takes_a_rate_and_a_burst(project: Project, client: Callable[..., Any]) -> None:
    api_id = json.loads(project.record.read_text())["rest_api_id"]

    settings = client("apigateway").get_stage(restApiId=api_id, stageName="prod")["methodSettings"]["*/*"]

    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (50, 100)


def test_opening_the_url_keeps_it_and_takes_the_key_away(project: Project, client: Callable[..., Any]) -> None:
    url = project.url

    opened = project.run("deploy")

    assert "This opens the URL: until now it asks for the API key" in opened.stdout
    assert "To keep it closed: --auth api-key" in opened.stdout
    assert "Anyone who has the URL can call it" in opened.stdout
    assert requests.post(url, json=BODY, timeout=30).json() in (0, 1)
    assert [key for key in client("apigateway").get_api_keys()["items"] if key["name"] == "locked"] == []
    assert "There is nothing to change." in project.run("deploy", "--plan").stdout


def test_iam_asks_for_signatures(project: Project, client: Callable[..., Any]) -> None:
    deployed = project.run("deploy", "--auth", "iam")

    assert "Identities of the account 000000000000 that may execute-api:Invoke" in deployed.stdout
    api_id = json.loads(project.record.read_text())["rest_api_id"]
    gateway = client("apigateway")
    [resource] = [found for found in gateway.get_resources(restApiId=api_id)["items"] if found["path"] == "/predict"]
    method = gateway.get_method(restApiId=api_id, resourceId=resource["id"], httpMethod="POST")
    assert method["authorizationType"] == "AWS_IAM"


def test_the_curl_line_of_a_signed_url_works_without_a_session_token(project: Project) -> None:
    assert project.run("deploy", "--auth", "iam").exit_code == 0
    output = project.run("predict", "--rows", "1").stdout
    curl = curl_line(output)
    environment = {name: value for name, value in os.environ.items() if name != "AWS_SESSION_TOKEN"}
    environment |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

    answer = subprocess.run(curl, shell=True, env=environment, capture_output=True, text=True, timeout=30).stdout

    assert set(json.loads(answer)) == {"satisfied", "score"}, answer


@pytest.fixture
def door() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server in the place of the URL that lets everyone in, and the headers it got."""
    seen: list[dict[str, str]] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append({**self.headers, "body": body.decode()})
            answer = b'{"satisfied": 1, "score": 0.9}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/prod/predict", seen
        server.shutdown()
        thread.join()


def test_predict_signs_its_requests_for_execute_api(
    project: Project, door: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = door
    record = json.loads(project.record.read_text())
    project.record.write_text(json.dumps(record | {"api_url": url, "auth": "iam", "api_key_id": None}))

    result = project.run("predict", "--rows", "1")

    assert result.exit_code == 0, result.output
    [headers] = seen
    assert "Credential=test/" in headers["Authorization"] and "/us-east-1/execute-api/" in headers["Authorization"]
    assert headers["Authorization"] == signature(url, headers)


def signature(url: str, headers: dict[str, str]) -> str:
    """The Authorization that botocore would give this request at its own date."""
    request = AWSRequest("POST", url, data=headers["body"], headers={"Content-Type": headers["Content-Type"]})
    request.context["timestamp"] = headers["X-Amz-Date"]
    signer = SigV4Auth(Credentials("test", "test"), "execute-api", "us-east-1")
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    to_sign = signer.string_to_sign(request, canonical)
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    return str(request.headers["Authorization"])
