"""InvokeEndpoint where a container answers oddly, late or not at all, which no built-in image does."""

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.odd_service import TIMEOUT_SECONDS, OddService


@pytest.fixture(scope="module")
def endpoint(odd: OddService) -> str:
    return odd.endpoint(odd.config(odd.model()))


@pytest.fixture(scope="module")
def pipeline(odd: OddService) -> str:
    return odd.endpoint(odd.config(odd.model({"ODD_NAME": "a"}, {"ODD_NAME": "b"})))


def failure(odd: OddService, endpoint: str, orders: Any, **members: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        odd.ask(endpoint, orders, **members)
    answer: dict[str, Any] = caught.value.response
    return answer


def test_a_late_answer_is_a_model_error_with_status_0(odd: OddService, endpoint: str) -> None:
    answer = failure(odd, endpoint, {"delay": 4 * TIMEOUT_SECONDS})

    assert (answer["Error"]["Code"], answer["OriginalStatusCode"]) == ("ModelError", 0)
    assert answer["OriginalMessage"] == (
        "Your invocation timed out while waiting for a response from container primary. Review the latency metrics "
        "for each container in Amazon CloudWatch, resolve the issue, and try again."
    )
    assert answer["Error"]["Message"].startswith('Received server error (0) from primary with message "Your invocation')


def test_an_answer_that_drips_ends_at_the_limit(odd: OddService, endpoint: str) -> None:
    assert failure(odd, endpoint, {"body": "slow answer", "drip": TIMEOUT_SECONDS / 5})["OriginalStatusCode"] == 0


@pytest.mark.parametrize("status", [400, 404, 503])
def test_a_containers_error_is_passed_on(odd: OddService, endpoint: str, status: int) -> None:
    answer = failure(odd, endpoint, {"status": status, "body": "no"})

    kind = "client" if status < 500 else "server"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (status, "no")
    assert answer["Error"]["Message"] == (
        f'Received {kind} error ({status}) from primary with message "no". See https://us-east-1.console.aws.amazon.com'
        f"/cloudwatch/home?region=us-east-1#logEventViewer:group=/aws/sagemaker/Endpoints/{endpoint} in account "
        f"000000000000 for more information."
    )
    assert answer["LogStreamArn"] == (
        f"arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/{endpoint}"
    )


def test_a_long_error_is_cut(odd: OddService, endpoint: str) -> None:
    answer = failure(odd, endpoint, {"status": 500, "body": "x" * 5000})

    assert len(answer["OriginalMessage"]) == len(answer["Error"]["Message"]) == 2048


def test_a_redirect_is_an_error_and_is_not_followed(odd: OddService, endpoint: str) -> None:
    answer = failure(odd, endpoint, {"status": 302, "headers": {"Location": "/ping"}})

    assert (answer["Error"]["Code"], answer["OriginalStatusCode"]) == ("ModelError", 302)


def test_an_answer_without_a_body_is_an_empty_one(odd: OddService, endpoint: str) -> None:
    assert odd.ask(endpoint, {"status": 204})["Body"].read() == b""


@pytest.mark.parametrize(
    "raw",
    ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"],
)
def test_a_body_that_breaks_off_cannot_be_loaded(odd: OddService, endpoint: str, raw: str) -> None:
    answer = failure(odd, endpoint, {"raw": raw})

    assert (answer["Error"]["Code"], answer["OriginalStatusCode"]) == ("ModelError", 500)
    assert answer["Error"]["Message"].startswith(
        "Received server error (500) from primary and could not load the entire response body. See https://"
    )


@pytest.mark.parametrize("raw", ["nonsense\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\n" + "A: b\r\n" * 200])
def test_an_answer_that_is_not_http_is_a_model_error(odd: OddService, endpoint: str, raw: str) -> None:
    assert failure(odd, endpoint, {"raw": raw})["Error"]["Code"] == "ModelError"


def test_the_container_gets_the_headers_of_the_api_and_no_others(odd: OddService, endpoint: str) -> None:
    answer = odd.ask(
        endpoint,
        {"show": True},
        ContentType="application/x-odd",
        Accept="text/odd",
        CustomAttributes="trace=1",
        InferenceId="id-1",
        TargetVariant="v1",
    )

    headers = json.loads(answer["Body"].read())["headers"]
    assert headers["Content-Type"] == "application/x-odd"
    assert headers["Accept"] == "text/odd"
    assert headers["X-Amzn-SageMaker-Custom-Attributes"] == "trace=1"
    assert headers["X-Amzn-SageMaker-Inference-Id"] == "id-1"
    assert not {"Authorization", "X-Amz-Date"} & set(headers)


def test_the_client_gets_the_containers_content_type_and_attributes_and_no_other_header(
    odd: OddService, endpoint: str
) -> None:
    headers = {"Content-Type": "text/odd", "X-Amzn-SageMaker-Custom-Attributes": "seen=1", "Set-Cookie": "a=b"}

    answer = odd.ask(endpoint, {"headers": headers, "body": "x"})

    assert (answer["ContentType"], answer["CustomAttributes"]) == ("text/odd", "seen=1")
    assert "set-cookie" not in answer["ResponseMetadata"]["HTTPHeaders"]


def test_a_request_that_kills_its_container_fails_and_the_next_is_answered(odd: OddService, endpoint: str) -> None:
    answer = failure(odd, endpoint, {"die": True})

    assert (answer["Error"]["Code"], answer["OriginalStatusCode"]) == ("ModelError", 500)
    assert odd.ask(endpoint, {"body": "alive"})["Body"].read() == b"alive"


def test_a_container_that_flaps_makes_requests_fail_and_none_hang(odd: OddService) -> None:
    name = odd.endpoint(odd.config(odd.model({"ODD_PING_ONCE": "1"})))

    answers = [failure(odd, name, {})["Error"]["Code"] for _ in range(2)]

    assert set(answers) <= {"ModelError", "ServiceUnavailable"}
    odd.call("DeleteEndpoint", EndpointName=name)


def test_a_container_that_never_is_healthy_fails_the_endpoint(odd: OddService) -> None:
    name = odd.endpoint(odd.config(odd.model({"ODD_PING_ONCE": "1", "ODD_PING": "503"})))

    description = odd.settled(name)

    assert (description["EndpointStatus"], "ProductionVariants" in description) == ("Failed", False)
    assert description["FailureReason"] == (
        "The primary container for production variant v1 did not pass the ping health check. Please check CloudWatch "
        "logs for this endpoint."
    )
    assert failure(odd, name, {})["Error"]["Message"] == f"Endpoint {name} of account 000000000000 not found."


def test_a_pipeline_passes_the_answer_and_its_type_on(odd: OddService, pipeline: str) -> None:
    answer = odd.ask(pipeline, "x", ContentType="text/plain")

    assert (answer["Body"].read(), answer["ContentType"]) == (b"b(a(x))", "text/b")


def test_a_pipelines_error_names_the_container(odd: OddService, pipeline: str) -> None:
    second = json.dumps({"status": 418, "body": "teapot"})

    assert (
        'from container-1 with message "early"'
        in failure(odd, pipeline, {"status": 400, "body": "early"})["Error"]["Message"]
    )
    assert failure(odd, pipeline, {"body": second})["Error"]["Message"].startswith(
        'Received client error (418) from container-2 with message "teapot". '
    )
    late = failure(odd, pipeline, {"body": json.dumps({"delay": 4 * TIMEOUT_SECONDS})})
    assert "response from container container-2." in late["OriginalMessage"]


def test_each_container_of_a_pipeline_gets_a_port(odd: OddService, pipeline: str) -> None:
    second = json.dumps({"show": True})

    environment = json.loads(odd.ask(pipeline, {"body": second})["Body"].read())["environment"]

    assert environment["ODD_REQUESTED_PORT"] == "8081"
    assert environment["SAGEMAKER_SAFE_PORT_RANGE"]


def test_a_serverless_endpoint_refuses_what_is_beyond_its_concurrency(odd: OddService) -> None:
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    name = odd.endpoint(odd.config(odd.model(), ServerlessConfig=serverless))
    refused: list[dict[str, Any]] = []
    bodies: list[bytes] = []

    def call() -> None:
        try:
            odd.ask(name, {"delay": 0.7})
        except ClientError as error:
            refused.append(error.response)
            bodies.append(odd.answered)  # of one that was refused: the others take longer

    clients = [threading.Thread(target=call) for _ in range(5)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()

    assert [(answer["Error"]["Code"], answer["Error"].get("Message")) for answer in refused] == [
        ("ThrottlingException", None)
    ] * 3
    assert {answer["ResponseMetadata"]["HTTPStatusCode"] for answer in refused} == {400}
    assert json.loads(bodies[0]) == {"message": None}
    assert odd.ask(name, {"body": "free"})["Body"].read() == b"free"
