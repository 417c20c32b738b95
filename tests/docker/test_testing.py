"""preflight.testing as another project uses it: its own test file, its own pytest run."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from preflight.testing import StackContainer, StackProcess, StackUnavailable
from tests.docker.conftest import IMAGES, run
from tests.local.conftest import unique

FORMS = ["process", pytest.param("docker", marks=pytest.mark.docker)]

OTHER_TESTS = """
import time, boto3

def test_the_next_test_finds_nothing_of_it(preflight):
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert preflight.client("iam").list_roles()["Roles"] == []
    assert preflight.client("lambda").list_functions()["Functions"] == []
    assert preflight.client("apigateway").get_rest_apis()["items"] == []
    assert preflight.client("logs").describe_log_groups()["logGroups"] == []
    sagemaker = preflight.client("sagemaker")
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_endpoints()["Endpoints"] == []

def test_one_that_fails(preflight):
    test_the_function_says_what_the_endpoint_says(preflight)  # its endpoint runs when the session ends
    logs = preflight.client("logs")
    logs.create_log_group(logGroupName="mine")
    logs.create_log_stream(logGroupName="mine", logStreamName="s")
    event = {"timestamp": int(time.time() * 1000), "message": "the application's last words"}
    logs.put_log_events(logGroupName="mine", logStreamName="s", logEvents=[event])
    raise AssertionError("on purpose")
"""


def readme_example() -> str:
    readme = Path(__file__).resolve().parents[2] / "README.md"
    [example] = re.findall(r"```python\n(.*?)```", readme.read_text(), re.DOTALL)
    return str(example)


@pytest.fixture
def in_form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The form of the stack; in Docker, with the images built."""
    form: str = request.param
    if form == "docker":
        for name, image in request.getfixturevalue("images").items():
            monkeypatch.setenv(name, image)
    monkeypatch.setenv("PREFLIGHT_TEST_STACK", form)
    return form


@pytest.mark.parametrize("in_form", FORMS, indirect=True)
def test_the_readmes_example_runs_as_printed_and_leaves_a_clean_stack_to_the_next(in_form: str, checkout: Path) -> None:
    (checkout / "test_app.py").write_text(readme_example() + OTHER_TESTS)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    command = [sys.executable, "-m", "pytest", "-v", "test_app.py"]
    result = subprocess.run(command, cwd=checkout, env=os.environ | {"PATH": path}, capture_output=True, text=True)

    assert "1 failed, 2 passed" in result.stdout, result.stdout + result.stderr
    assert "AssertionError: on purpose" in result.stdout
    assert "the application's last words" in result.stdout
    assert "AWS logs.PutLogEvents => 200" in result.stdout
    assert "AWS iam.ListRoles" not in result.stdout, "a failure shows the log of its own test"
    if in_form == "docker":
        ours = [f"--filter=ancestor={image}" for image in IMAGES.values()]
        assert run("docker", "ps", "-a", "-q", *ours) == ""


@pytest.mark.docker
def test_a_missing_image_is_an_error_that_says_how_to_build_it() -> None:
    with pytest.raises(StackUnavailable, match=r"no image preflight/nonesuch.*docker compose build"):
        StackContainer("preflight/nonesuch:latest").start()


@pytest.mark.docker
def test_a_stack_that_does_not_start_shows_its_log_and_leaves_no_container(images: dict[str, str]) -> None:
    name = unique("broken")
    broken = StackContainer(images["PREFLIGHT_STACK_IMAGE"]).with_name(name).with_env("PREFLIGHT_LAUNCHER", "magic")

    with pytest.raises(StackUnavailable, match="PREFLIGHT_LAUNCHER is 'magic'"):
        broken.start()

    assert name not in run("docker", "ps", "-a", "--format", "{{.Names}}")


def test_a_process_stack_is_gone_after_its_block() -> None:
    with StackProcess() as stack:
        stack.client("s3").create_bucket(Bucket="mine")

    with pytest.raises(requests.ConnectionError):
        requests.get(stack.endpoint_url, timeout=10)


@pytest.mark.parametrize("in_form", FORMS, indirect=True)
def test_a_stack_ends_when_the_tests_are_killed(in_form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    form = {"process": "StackProcess", "docker": "StackContainer"}[in_form]
    program = f"from preflight.testing import {form}; print({form}().start().endpoint_url, flush=True); input()"
    tests = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert tests.stdin and tests.stdout
    with tests:
        url = tests.stdout.readline().strip()
        assert requests.get(f"{url}/_localstack/health", timeout=10).status_code == 200

        tests.kill()

    deadline = time.monotonic() + 60
    with pytest.raises(requests.ConnectionError):
        while time.monotonic() < deadline:
            requests.get(f"{url}/_localstack/health", timeout=10)


@pytest.mark.docker
def test_a_start_removes_the_container_of_tests_that_were_killed(images: dict[str, str]) -> None:
    killed = run("docker", "create", "--label", "preflight.testing=true", images["PREFLIGHT_STACK_IMAGE"]).strip()
    run("docker", "start", killed)
    run("docker", "kill", killed)

    with pytest.raises(StackUnavailable):
        StackContainer("preflight/nonesuch:latest").start()

    assert killed not in run("docker", "ps", "-a", "-q", "--no-trunc")
