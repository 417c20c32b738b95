"""A serving container between its start and its stop, as an instance uses it."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from preflight.sagemaker.launching.container import ContainerSpec
from preflight.sagemaker.serving.reply import BrokenReply, NotReached, Reply, TimedOut
from preflight.sagemaker.serving.serving_container import ServingContainer
from preflight.waiting import wait_until
from tests.local.odd_container import OddLauncher
from tests.local.odd_service import IMAGE

PROVISIONAL = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"


@pytest.fixture
def launcher() -> Iterator[OddLauncher]:
    launcher = OddLauncher()
    yield launcher
    assert launcher.running() == []


@pytest.fixture
def container(launcher: OddLauncher, tmp_path: Path) -> Iterator[ServingContainer]:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/test"
    spec = ContainerSpec(image=IMAGE, region="us-east-1", owner_arn=arn, folder=tmp_path, on_line=print, port=8080)
    container = ServingContainer(
        "container-1", lambda: launcher.launch(spec), startup_timeout_seconds=30, max_silence_seconds=1
    )
    yield container
    container.stop(0)


def ask(container: ServingContainer) -> bytes:
    return order(container, b"hello").body


def order(container: ServingContainer, body: bytes, timeout_seconds: float = 30, max_bytes: int = 1 << 20) -> Reply:
    reply = container.request("POST", "/invocations", time.monotonic() + timeout_seconds, {}, body)
    return reply.read(max_bytes)


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


def test_a_container_that_hangs_is_replaced(container: ServingContainer, launcher: OddLauncher) -> None:
    assert container.start()

    with pytest.raises(TimedOut):
        order(container, b'{"hang": true}', timeout_seconds=1)

    assert wait_until(lambda: len(launcher.launched) == 2 and container.is_healthy, 30, 0.02)
    assert ask(container) == b"odd(hello)"
    assert len(launcher.running()) == 1


def test_a_container_busy_with_a_request_that_goes_on_is_not_taken_for_one_that_hangs(
    container: ServingContainer, launcher: OddLauncher
) -> None:
    assert container.start()

    answer = order(container, b'{"hang": true, "body": "0123456789", "drip": 0.3}')

    assert answer.body == b"0123456789"
    assert launcher.launched[1:] == []


@pytest.mark.parametrize("head", [PROVISIONAL * 100, "HTTP/1.1 200 OK\r\nX-Long: " + "x" * 100], ids=["1xx", "head"])
def test_no_request_outlives_its_deadline(container: ServingContainer, head: str) -> None:
    assert container.start()

    with pytest.raises(TimedOut):
        order(container, json.dumps({"raw": head, "drip": 0.1}).encode(), timeout_seconds=1)


def test_a_provisional_answer_is_passed_over(container: ServingContainer) -> None:
    assert container.start()

    final = PROVISIONAL + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal"
    assert order(container, json.dumps({"raw": final}).encode()).body == b"final"


def test_a_reply_that_is_too_large_is_broken_off(container: ServingContainer) -> None:
    assert container.start()

    with pytest.raises(BrokenReply):
        order(container, json.dumps({"body": "x" * 2000}).encode(), max_bytes=1999)
