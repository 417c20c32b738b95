"""What a page in the browser of whoever runs the stack cannot do."""

import json

import pytest
import requests
from preflight.stack import Stack
from preflight.testing import StackProcess

from tests.local.conftest import Make, unique
from tests.local.raw import call, send


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://example.com"}, {"Origin": "null"}, {"Referer": "http://a.b/c"}]
)
def test_a_page_from_elsewhere_invokes_no_endpoint(stack: Stack, headers: dict[str, str]) -> None:
    headers |= {"Content-Type": "text/plain"}  # what a browser sends without asking first

    status, _, body = send(stack.port, "POST", "/endpoints/some/invocations", b"1", headers)

    assert (status, json.loads(body)["__type"]) == (403, "AccessDeniedException")


def test_the_page_of_localstack_runs_no_function(stack: Stack) -> None:
    headers = {"Origin": "https://app.localstack.cloud", "Content-Type": "text/plain"}

    assert send(stack.port, "POST", "/2015-03-31/functions/mine/invocations", b"{}", headers)[0] == 403
    assert send(stack.port, "OPTIONS", "/2015-03-31/functions", b"", headers)[0] == 403


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Referer": "http://a.b/"}]
)
def test_an_image_of_a_page_calls_no_operation(stack: Stack, client: Make, headers: dict[str, str]) -> None:
    name = unique("user")

    status, _, _ = send(stack.port, "GET", f"/?Action=CreateUser&UserName={name}&Version=2010-05-08", b"", headers)

    assert status == 403
    assert name not in [user["UserName"] for user in client("iam").list_users()["Users"]]


@pytest.mark.parametrize("headers", [{"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_form_of_a_page_writes_no_object(stack: Stack, client: Make, bucket: str, headers: dict[str, str]) -> None:
    key = unique("key")
    form = f'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n{key}\r\n--b\r\n'
    form += 'Content-Disposition: form-data; name="file"\r\n\r\nbody\r\n--b--\r\n'
    headers = headers | {"Content-Type": "multipart/form-data; boundary=b"}

    assert send(stack.port, "POST", f"/{bucket}", form.encode(), headers)[0] == 403
    assert "Contents" not in client("s3").list_objects_v2(Bucket=bucket, Prefix=key)


def test_a_page_that_the_person_names_may_use_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    page = "http://localhost:3000"
    monkeypatch.setenv("PREFLIGHT_ALLOWED_ORIGINS", f"https://mine.example, {page}/")
    with StackProcess() as stack:
        stack.client("s3").create_bucket(Bucket="mine")
        url = stack.client("s3").generate_presigned_url("put_object", Params={"Bucket": "mine", "Key": "key"})
        headers = {"Origin": page, "Sec-Fetch-Site": "same-site"}

        assert requests.put(url, b"body", headers=headers, timeout=30).status_code == 200
        answer = requests.options(f"{stack.endpoint_url}/2015-03-31/functions", headers=headers, timeout=30)
        assert answer.headers["Access-Control-Allow-Origin"] == page
        assert requests.put(url, b"body", headers={"Origin": "http://localhost:3001"}, timeout=30).status_code == 403


def test_links_that_aws_answers_without_a_signature_are_answered(stack: Stack, client: Make, bucket: str) -> None:
    client("s3").put_object(Bucket=bucket, Key="page", Body=b"hello")
    url = client("s3").generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "page"})

    assert requests.get(url, headers={"Sec-Fetch-Site": "none"}, timeout=30).content == b"hello"
    unsubscribe = "/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:000000000000:t:x&Version=2010-03-31"
    assert send(stack.port, "GET", unsubscribe, b"", {})[0] != 403


def test_a_page_of_the_stack_itself_may_use_it(stack: Stack) -> None:
    assert call(stack.port, "ListModels", {}, Origin=f"http://localhost:{stack.port}")[0] == 200


@pytest.mark.parametrize("path", ["/", "/_localstack/health", "/some-bucket/some-key"])
def test_a_name_that_was_made_to_lead_here_gets_nothing(stack: Stack, path: str) -> None:
    status, _, body = send(stack.port, "GET", path, b"", {"Host": f"example.com:{stack.port}"})

    assert (status, b"example.com" in body) == (403, True)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:{port}", "[::1]:{port}", "bucket.s3.localhost.localstack.cloud:{port}", "stack"]
)
def test_names_of_this_machine_are_answered(stack: Stack, host: str) -> None:
    status, _, _ = send(stack.port, "GET", "/_localstack/health", b"", {"Host": host.format(port=stack.port)})

    assert status == 200
