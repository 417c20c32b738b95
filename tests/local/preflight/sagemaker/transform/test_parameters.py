"""The parameters in force: the request's, the container's, AWS's."""

import json
from typing import Any

import pytest

from tests.local.preflight.sagemaker.transform.conftest import Transform

DEFAULTS = "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"


def offer(value: Any) -> dict[str, str]:
    return {"ODD_PARAMETERS": value if isinstance(value, str) else json.dumps(value)}


def test_what_the_request_leaves_open_the_container_decides(transform: Transform) -> None:
    offered = {"MaxConcurrentTransforms": 3, "MaxPayloadInMB": 5, "BatchStrategy": "SINGLE_RECORD"}
    job = transform("a", environment=offer(offered), MaxPayloadInMB=2)
    assert job.log == ["MaxConcurrentTransforms=3, MaxPayloadInMB=2, BatchStrategy=SINGLE_RECORD"]


def test_zero_leaves_the_number_of_requests_to_the_container(transform: Transform) -> None:
    job = transform("a", environment=offer({"MaxConcurrentTransforms": 3}), MaxConcurrentTransforms=0)
    assert job.log == ["MaxConcurrentTransforms=3, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({}, id="nothing"),
        pytest.param("[1, 2]", id="a-list"),
        pytest.param("no JSON", id="no-json"),
        pytest.param({"MaxConcurrentTransforms": 0}, id="no-requests"),
        pytest.param({"MaxPayloadInMB": "many"}, id="no-number"),
        pytest.param({"MaxPayloadInMB": None}, id="null"),
        pytest.param({"BatchStrategy": "MultiRecord"}, id="not-a-strategy"),
    ],
)
def test_a_container_that_answers_badly_has_no_say(transform: Transform, answer: Any) -> None:
    job = transform("a", environment=offer(answer))
    assert (job.status, job.log) == ("Completed", [DEFAULTS])
