"""A serving container between its start and its stop, as an instance uses it."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from preflight.sagemaker.launching.container import ContainerSpec
from preflight.sagemaker.serving.serving_container import NotReached, ServingContainer
from preflight.waiting import wait_until

from tests.local.odd_container import OddLauncher
from tests.local.odd_service import IMAGE


@pytest.fixture
def launcher() -> Iterator[OddLauncher]:
    launcher = OddLauncher()
    yield launcher
    assert launcher.running() == []


@pytest.fixture
def container(launcher: OddLauncher, tmp_path: Path) -> Iterator[ServingContainer]:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/test"
    spec = ContainerSpec(image=IMAGE, region="us-east-1", owner_arn=arn, folder=tmp_path, on_line=print, port=8080)
    container = ServingContainer("container-1", lambda: launcher.launch(spec), startup_timeout_seconds=30)
    yield container
    container.stop(0)


def ask(container: ServingContainer) -> bytes:
    return container.invoke({}, b"hello", time.monotonic() + 30).read().body


def connections_to(port: int) -> int:
    return sum(bool(each.raddr) and each.raddr.port == port for each in psutil.Process().net_connections())


def test_no_connection_to_a_container_is_kept_once_it_is_replaced(
    container: ServingContainer, launcher: OddLauncher
) -> None:
    assert container.start()
    callers = [threading.Thread(target=ask, args=(container,)) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    first = launcher.launched[0]
    first.stop(0)

    assert wait_until(lambda: container.is_healthy and len(launcher.running()) == 1, 30, 0.02)
    assert connections_to(first.address[1]) == 0


def test_a_stopped_container_is_not_reached_and_no_thread_of_it_is_left(container: ServingContainer) -> None:
    before = threading.active_count()
    assert container.start()
    assert ask(container) == b"odd(hello)"

    container.stop(0)

    with pytest.raises(NotReached):
        ask(container)
    assert wait_until(lambda: threading.active_count() <= before, 10, 0.02)
