"""What deploy writes beside its record: newman passes on it, and the OpenAPI document is true."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest
import requests

from tests.aws.conftest import Project

PACKAGES = Path(__file__).with_name("newman")


@pytest.fixture(scope="module")
def deployed(make_project: Callable[[str], Project]) -> Project:
    project = make_project("documents")
    result = project.run("deploy")
    assert result.exit_code == 0, result.output
    return project


@pytest.fixture(scope="session")
def newman() -> Path:
    """Postman's own runner, from npm, installed once into the virtual environment."""
    if shutil.which("npm") is None:
        if os.environ.get("PREFLIGHT_REQUIRE_NEWMAN"):
            pytest.fail("npm is not installed.", pytrace=False)
        pytest.skip("npm is not installed")
    folder = Path(sys.prefix) / "newman"
    lock = (PACKAGES / "package-lock.json").read_bytes()
    if not (folder / "node_modules").exists() or (folder / "package-lock.json").read_bytes() != lock:
        shutil.copytree(PACKAGES, folder, dirs_exist_ok=True)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True)
    return folder / "node_modules" / ".bin" / "newman"


def test_newman_passes_on_the_collection(deployed: Project, newman: Path) -> None:
    folder = deployed.record.parent
    arguments = [str(newman), "run", f"{folder}/postman_collection.json", "-e", f"{folder}/postman_environment.json"]

    run = subprocess.run([*arguments, "--color", "off"], capture_output=True, text=True, timeout=120)

    assert run.returncode == 0, run.stdout
    assert "The wrong method" in run.stdout


def test_newman_fails_on_a_url_that_answers_something_else(deployed: Project, newman: Path) -> None:
    collection = deployed.record.parent / "postman_collection.json"
    url = json.loads(deployed.record.read_text())["api_url"] + "/nowhere"

    command = [str(newman), "run", str(collection), "--env-var", f"url={url}"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert run.returncode == 1


def test_the_openapi_document_is_valid_and_its_examples_are_answered(deployed: Project) -> None:
    document: Any = json.loads((deployed.record.parent / "openapi.json").read_text())
    openapi_spec_validator.validate(document)
    [(path, operations)] = document["paths"].items()
    [content] = operations["post"]["requestBody"]["content"].values()

    for name, example in content["examples"].items():
        schema = content["schema"] | {"components": document["components"]}
        jsonschema.validate(example["value"], schema)
        answer = requests.post(document["servers"][0]["url"] + path, json=example["value"], timeout=30)
        assert answer.status_code == 200, name
        form = operations["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), form | {"components": document["components"]})


def test_with_a_key_newman_passes_and_no_document_holds_it(
    deployed: Project, newman: Path, client: Callable[..., Any]
) -> None:
    assert deployed.run("deploy", "--auth", "api-key").exit_code == 0
    key_id = json.loads(deployed.record.read_text())["api_key_id"]
    key = client("apigateway").get_api_key(apiKey=key_id, includeValue=True)["value"]
    folder = deployed.record.parent
    arguments = [str(newman), "run", f"{folder}/postman_collection.json", "-e", f"{folder}/postman_environment.json"]

    run = subprocess.run([*arguments, "--env-var", f"api_key={key}"], capture_output=True, timeout=120)

    assert run.returncode == 0, run.stdout
    assert [file.name for file in folder.rglob("*") if file.is_file() and key in file.read_text()] == []
    openapi_spec_validator.validate(json.loads((folder / "openapi.json").read_text()))
