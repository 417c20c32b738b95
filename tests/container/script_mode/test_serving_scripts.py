"""What a script's server answers, against what AWS's scikit-learn container answered (``record_server.py``)."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.sagemaker.launching.ports import free_port
from preflight.waiting import wait_until

HERE = Path(__file__).parent
SCRIPTS: dict[str, str] = json.loads((HERE / "scripts.json").read_text())
RECORDED: list[dict[str, Any]] = json.loads((HERE / "server.json").read_text())
Ask = Callable[..., tuple[int, str | None, str]]


def command(base: Path, port: int, framework: str = "sklearn", **settings: str) -> dict[str, Any]:
    (base / "code").mkdir()
    environment = {
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        "SAGEMAKER_PROGRAM": "script.py",
        "PREFLIGHT_BIND_ADDRESS": "127.0.0.1",
        "PREFLIGHT_FRAMEWORK": framework,
    }
    words = [sys.executable, "-m", "preflight_container.script_mode", "serve"]
    return {"args": words, "env": {**os.environ, **environment, **settings}, "cwd": base}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Ask]]:
    """Starts a server of a script; what asks it."""
    with contextlib.ExitStack() as started:

        def serve(script: str, **settings: str) -> Ask:
            port = free_port()
            options = command(tmp_path, port, **settings)
            (tmp_path / "code" / "script.py").write_text(script)
            process = started.enter_context(subprocess.Popen(**options))
            started.callback(process.terminate)

            def ask(
                method: str = "POST", path: str = "/invocations", headers: Any = None, body: str | None = None
            ) -> tuple[int, str | None, str]:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                with contextlib.closing(connection):
                    connection.request(method, path, body, headers or {})
                    answer = connection.getresponse()
                    return answer.status, answer.getheader("Content-Type"), answer.read().decode()

            def answers() -> bool:
                with contextlib.suppress(OSError):
                    return ask("GET", "/ping")[0] == 200
                return False

            assert wait_until(answers, 30, 0.05)
            return ask

        yield serve


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_request_is_answered_as_awss_container_answers_it(serve: Callable[[str], Ask], name: str) -> None:
    ask = serve(SCRIPTS[name])
    for recorded in (each for each in RECORDED if each["script"] == name):
        request = {key: recorded[key] for key in ("method", "path", "headers", "body") if key in recorded}
        assert ask(**request) == tuple(recorded["answer"]), request


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"SAGEMAKER_PROGRAM": ""}, "The model names no script: set SAGEMAKER_PROGRAM"),
        (
            {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://bucket/key", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "Could not connect to the endpoint URL: http://127.0.0.1:9/bucket/key",
        ),
    ],
)
def test_a_server_without_a_script_ends_and_says_why(tmp_path: Path, settings: dict[str, str], reason: str) -> None:
    options = command(tmp_path, free_port(), **settings)
    result = subprocess.run(**options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)

    assert result.returncode == 1
    assert reason in result.stdout


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("", "Please provide a model_fn implementation."),
        (
            "def transform_fn(*a): pass\ndef input_fn(*a): pass",
            "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn",
        ),
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
    ],
)
def test_a_script_that_cannot_serve_ends_it_at_the_first_ping(tmp_path: Path, script: str, reason: str) -> None:
    port = free_port()
    options = command(tmp_path, port)
    (tmp_path / "code" / "script.py").write_text(script)
    with subprocess.Popen(**options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:

        def has_ended() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/ping")
                connection.getresponse()
            return process.poll() is not None

        assert wait_until(has_ended, 30, 0.05)
        assert process.stdout is not None
        assert reason in process.stdout.read()
        assert process.returncode == 1


def test_an_xgboost_script_is_given_a_matrix(serve: Callable[..., Ask]) -> None:
    script = (
        "def model_fn(folder): return None\n"
        "def predict_fn(data, model): return [data.num_row(), data.num_col(), data.num_nonmissing()]\n"
    )
    ask = serve(script, framework="xgboost")

    assert ask(headers={"Content-Type": "text/csv; charset=utf-8"}, body="1,,3\n4,5,6")[2] == "[2, 3, 5]"
    assert ask(headers={"Content-Type": "text/libsvm"}, body="1 1:2 3:4\n0 2:1\n")[2] == "[2, 3, 6]"
    assert ask(headers={"Content-Type": "text/csv"}, body="1,2\n3,4\n")[0] == 500
    assert ask(headers={"Content-Type": "application/json"}, body="[[1]]")[0] == 500
