"""``preflight`` as a person calls it, on the stack that all tests share."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from preflight.stack import Stack
from tests.local.preflight.hosts.localstack.lambda_.conftest import create_function, function_role, lambda_client
from tests.local.preflight.sagemaker.pipelines.conftest import create, run

__all__ = ["create", "create_function", "function_role", "lambda_client", "run"]

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cli(stack: Stack) -> Cli:
    """Runs ``preflight ...`` on it, with variables of the environment as keywords."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        settings = {"PREFLIGHT_HOME": str(stack.home), "PREFLIGHT_PORT": str(stack.port)}
        command = [sys.executable, "-m", "preflight", *arguments]
        return subprocess.run(
            command, env=os.environ | settings | variables, capture_output=True, text=True, timeout=60
        )

    return run
