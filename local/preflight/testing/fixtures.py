"""pytest fixtures: ``pytest_plugins = ["preflight.testing.fixtures"]`` in your conftest.py or test module.

``preflight`` is the stack with nothing in it, anew for each test; ``preflight_stack`` is the same stack, started once
a session and never reset by itself, for fixtures of yours that deploy once for many tests. PREFLIGHT_TEST_STACK says
how it runs: ``docker``, ``process``, or by default in Docker if an engine answers that has the stack's image.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from docker.errors import DockerException

from preflight.sagemaker.launching.docker.engine import Engine, EngineError
from preflight.testing.container import StackContainer, stack_image
from preflight.testing.handle import StackHandle
from preflight.testing.process import StackProcess

FORMS = ("docker", "process")
LOG_TAIL_LINES = 60
_LOG_START = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def preflight_stack(request: pytest.FixtureRequest) -> Iterator[StackHandle]:
    """The session's stack."""
    form = os.environ.get("PREFLIGHT_TEST_STACK") or ("docker" if _is_image_there() else "process")
    if form not in FORMS:
        raise ValueError(f"PREFLIGHT_TEST_STACK is {form!r}; it can be {' or '.join(FORMS)}.")
    if form == "docker":
        with StackContainer() as stack:
            yield stack
        return
    terminal: Any = request.config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        """At once, for the first set-up takes its time."""
        with terminal.global_and_fixture_disabled() if terminal else contextlib.nullcontext():
            print(f"\n{line}", flush=True)

    with StackProcess(say) as process:
        yield process


def _is_image_there() -> bool:
    try:
        engine = Engine.connect()
    except EngineError:
        return False
    try:
        engine.client.images.get(stack_image())
    except DockerException:
        return False
    finally:
        engine.client.close()
    return True


@pytest.fixture
def preflight(
    preflight_stack: StackHandle, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> StackHandle:
    """The stack, empty. For the time of the test every AWS client without settings of its own talks to it."""
    preflight_stack.reset()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in preflight_stack.environment().items():
        monkeypatch.setenv(name, value)
    request.node.stash[_LOG_START] = len(preflight_stack.stack_log())
    return preflight_stack


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show in a failure what the stack, and the functions, jobs and endpoints in it, printed during the test."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed and _LOG_START in item.stash:
        stack: StackHandle = item.funcargs["preflight"]  # type: ignore[attr-defined]
        logs: dict[str, Callable[[], str]] = {
            "CloudWatch Logs": stack.application_log,
            "Preflight's own log": lambda: stack.stack_log()[item.stash[_LOG_START] :],
        }
        for title, log in logs.items():
            try:
                text = log()
            except Exception as error:  # the stack may be what failed; the test's own error comes first
                text = f"not to be had: {error}"
            report.sections.append((title, "\n".join(text.splitlines()[-LOG_TAIL_LINES:])))
    return report  # type: ignore[return-value]
