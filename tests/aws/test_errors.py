"""What cannot work ends with one sentence that says what to do, and an exit code."""

import socket
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from click.testing import CliRunner

from aws.deploy import main as deploy
from aws.destroy import main as destroy
from aws.predict import main as predict


def test_predict_before_deploy_says_to_deploy(tmp_path: Path) -> None:
    result = CliRunner().invoke(predict, ["--build", str(tmp_path)])

    assert result.exit_code == 2
    assert "nothing is deployed there yet. Run `python aws/deploy.py`." in result.stderr


def test_deploy_before_data_prep_says_to_prepare(tmp_path: Path) -> None:
    result = CliRunner().invoke(deploy, ["--data", str(tmp_path)])

    assert result.exit_code == 2
    assert "train_aws.csv is missing. Run `python -m data_prep` first" in result.stderr


def test_without_a_stack_it_says_how_to_start_one() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, never listening: connections are refused
        url = f"http://localhost:{unused.getsockname()[1]}"

        result = CliRunner(env={"AWS_ENDPOINT_URL": url}).invoke(destroy, ["--yes"])

    assert result.exit_code == 1
    assert "start it with `preflight up`" in result.stderr


def test_another_program_on_the_port_is_told() -> None:
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever).start()
        try:
            environment = {"AWS_ENDPOINT_URL": f"http://localhost:{other.server_port}"}

            result = CliRunner(env=environment).invoke(destroy, ["--yes"])
        finally:
            other.shutdown()

    assert result.exit_code == 1
    assert "another program has the port" in result.stderr


def test_aws_without_credentials_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    result = CliRunner().invoke(destroy, ["--yes", "--target", "aws", "--region", "eu-west-1"])

    assert result.exit_code == 1
    assert "No AWS credentials were found. Run `aws configure`" in result.stderr


def test_aws_without_a_region_says_what_to_set() -> None:
    result = CliRunner().invoke(destroy, ["--yes", "--target", "aws"])

    assert result.exit_code == 1
    assert "No AWS region is set" in result.stderr
