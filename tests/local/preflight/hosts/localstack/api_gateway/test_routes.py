"""From a request to a method: stages, paths, verbs, and the ways to address an API."""

import pytest
import requests

from preflight.stack import Stack
from tests.local.preflight.hosts.localstack.api_gateway.conftest import Api, said
from tests.local.preflight.hosts.localstack.lambda_.conftest import Function


def test_the_most_exact_path_answers(api: Api, proxy_echo: Function) -> None:
    for path in ("/a/b", "/a/{name}", "/{rest+}"):
        api.add(path, "GET", proxy_echo)
    url = api.deploy()

    found = {path: requests.get(url + path, timeout=30).json() for path in ("/a/b", "/a/b/", "/a/x%20y", "/c//d?e=1")}

    assert {path: (event["resource"], event["pathParameters"]) for path, event in found.items()} == {
        "/a/b": ("/a/b", None),
        "/a/b/": ("/a/b", None),
        "/a/x%20y": ("/a/{name}", {"name": "x%20y"}),
        "/c//d?e=1": ("/{rest+}", {"rest": "c//d"}),
    }


def test_the_verb_itself_beats_any(api: Api, proxy_echo: Function, echo: Function) -> None:
    api.add("/", "ANY", proxy_echo)
    api.add("/", "GET", kind="AWS", function=echo)
    url = api.deploy()

    assert requests.patch(url, timeout=30).json()["httpMethod"] == "PATCH"
    assert requests.get(url, timeout=30).status_code == 500  # the GET method has no integration response


@pytest.mark.parametrize(("verb", "path"), [("GET", "/known"), ("POST", "/unknown"), ("POST", "/known/more")])
def test_what_is_not_there_asks_for_a_token(api: Api, proxy_echo: Function, verb: str, path: str) -> None:
    api.add("/known", "POST", proxy_echo)

    answer = requests.request(verb, api.deploy() + path, timeout=30)

    assert said(answer) == (403, "Missing Authentication Token")
    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


def test_a_method_is_there_once_it_is_deployed(api: Api, proxy_echo: Function) -> None:
    api.add("/a", "GET", proxy_echo)
    url = api.deploy()
    api.add("/b", "GET", proxy_echo)

    assert requests.get(f"{url}/b", timeout=30).status_code == 403
    api.deploy()
    assert requests.get(f"{url}/b", timeout=30).status_code == 200


@pytest.mark.parametrize(
    "path", ["_aws/execute-api/{id}/other/x", "_aws/execute-api/{id}", "_aws/execute-api/nothere/test/x"]
)
def test_no_stage_is_forbidden(api: Api, proxy_echo: Function, stack: Stack, path: str) -> None:
    api.add("/x", "GET", proxy_echo)
    api.deploy()

    answer = requests.get(f"{stack.endpoint_url}/{path.format(id=api.id)}", timeout=30)

    assert (answer.status_code, answer.text) == (403, '{"message":"Forbidden"}')
    assert answer.headers["x-amzn-ErrorType"] == "ForbiddenException"


def test_an_api_has_a_host_of_its_own_and_an_old_path(api: Api, proxy_echo: Function, stack: Stack) -> None:
    api.add("/x", "GET", proxy_echo)
    api.deploy()
    host = {"Host": f"{api.id}.execute-api.us-east-1.amazonaws.com"}

    by_host = requests.get(f"{stack.endpoint_url}/test/x?a=1", headers=host, timeout=30).json()
    by_old_path = requests.get(f"{stack.endpoint_url}/restapis/{api.id}/test/_user_request_/x?a=1", timeout=30).json()

    assert by_host["path"] == by_old_path["path"] == "/x"
    assert by_host["queryStringParameters"] == by_old_path["queryStringParameters"] == {"a": "1"}
    assert by_host["requestContext"]["domainPrefix"] == api.id


def test_a_stage_that_is_deleted_is_gone(api: Api, proxy_echo: Function) -> None:
    api.add("/", "GET", proxy_echo)
    url = api.deploy()
    assert requests.get(url, timeout=30).status_code == 200

    api.client.delete_stage(restApiId=api.id, stageName="test")

    assert requests.get(url, timeout=30).status_code == 403
