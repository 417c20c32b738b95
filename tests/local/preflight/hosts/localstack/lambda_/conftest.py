"""Functions on the stack: created from source text, called, and deleted after the test."""

import base64
import contextlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from preflight.hosts.localstack.lambda_.runtime import RUNTIME
from preflight.waiting import wait_until
from tests.local.conftest import make_role, unique

POLL_SECONDS = 0.02


def zip_of(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def eventually(condition: Callable[[], Any], timeout_seconds: float = 20) -> Any:
    """The first true value of ``condition``; what it last was if the time is over."""
    return wait_until(condition, timeout_seconds, POLL_SECONDS)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@dataclass(frozen=True)
class Answer:
    """One invocation, as its caller sees it."""

    payload: Any
    error: str | None
    log: str


@dataclass(frozen=True)
class Function:
    name: str
    client: Any

    def __call__(self, event: object = None) -> Answer:
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event), LogType="Tail")
        log = base64.b64decode(answer["LogResult"]).decode()
        return Answer(json.loads(answer["Payload"].read()), answer.get("FunctionError"), log)

    def update(self, source: str) -> None:
        self.client.update_function_code(FunctionName=self.name, ZipFile=zip_of({"function.py": source}))
        self.wait()

    def wait(self) -> None:
        def is_ready() -> bool:
            function = self.client.get_function_configuration(FunctionName=self.name)
            return (function["State"], function.get("LastUpdateStatus")) == ("Active", "Successful")

        assert eventually(is_ready), self.client.get_function_configuration(FunctionName=self.name)


Create = Callable[..., Function]


def create(client: Any, role: str, source: str | Mapping[str, str | bytes], **settings: Any) -> Function:
    files = {"function.py": source} if isinstance(source, str) else source
    default = {"Runtime": RUNTIME, "Handler": "function.handler", "Timeout": 10}
    function = Function(unique("function"), client)
    client.create_function(
        FunctionName=function.name, Role=role, Code={"ZipFile": zip_of(files)}, **(default | settings)
    )
    function.wait()
    return function


@pytest.fixture(scope="session")
def function_role(client: Callable[..., Any]) -> str:
    """A role Lambda may assume."""
    return make_role(client("iam"), "lambda.amazonaws.com")


@pytest.fixture(scope="session")
def lambda_client(client: Callable[..., Any]) -> Any:
    return client("lambda")


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that a function sees as well: not in /tmp, which is each function's own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)


@pytest.fixture
def create_function(lambda_client: Any, function_role: str) -> Iterator[Create]:
    """Makes an active function of the text of ``function.py``, or of a mapping of files."""
    made: list[Function] = []

    def make(source: str | Mapping[str, str | bytes], **settings: Any) -> Function:
        made.append(create(lambda_client, function_role, source, **settings))
        return made[-1]

    yield make
    for function in made:
        with contextlib.suppress(ClientError):
            lambda_client.delete_function(FunctionName=function.name)
