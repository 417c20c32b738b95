"""Who may call: AWS_IAM, resource policies, Lambda authorizers."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import botocore.auth
import pytest
import requests
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.local.conftest import make_role
from tests.local.preflight.hosts.localstack.api_gateway.conftest import Api, NewApi, arn_of, said, shared
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, Function

PERSON = Credentials("test", "test")
INVOKE = "execute-api:Invoke"
EXPLICIT = "User is not authorized to access this resource with an explicit deny"


def signed(
    url: str,
    credentials: Credentials = PERSON,
    *,
    verb: str = "POST",
    body: bytes = b"{}",
    service: str = "execute-api",
    region: str = "us-east-1",
    how: Any = SigV4Auth,
    at: datetime | None = None,
    sent: bytes | None = None,
) -> requests.Response:
    """The answer to a request that botocore has signed."""
    request = AWSRequest(verb, url, headers={"Content-Type": "application/json"}, data=body)
    with patch.object(botocore.auth, "get_current_datetime", lambda: at or datetime.now(UTC)):
        how(credentials, service, region).add_auth(request)
    prepared = request.prepare()
    return requests.request(verb, prepared.url, headers=dict(prepared.headers), data=sent or body, timeout=30)


@pytest.fixture
def url(api: Api, proxy_echo: Function) -> str:
    api.add("/items/{name}", "ANY", proxy_echo, authorizationType="AWS_IAM")
    return api.deploy() + "/items/a%20b"


@pytest.fixture
def session(client: Callable[..., Any]) -> Callable[..., tuple[Credentials, str]]:
    """Credentials of a role's session, and its ARN; ``statements`` are what the role may do."""

    def session(*statements: dict[str, Any]) -> tuple[Credentials, str]:
        role = make_role(client("iam"), "ec2.amazonaws.com", list(statements))
        answer = client("sts").assume_role(RoleArn=role, RoleSessionName="me")
        keys = answer["Credentials"]
        credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        return credentials, answer["AssumedRoleUser"]["Arn"]

    return session


def test_a_request_without_a_signature_is_refused(url: str) -> None:
    answer = requests.get(url, timeout=30)

    assert (answer.status_code, answer.text) == (403, '{"message": "Missing Authentication Token"}')


@pytest.mark.parametrize(("how", "query"), [(SigV4Auth, "b=2&a=1&a=%2F&c="), (SigV4QueryAuth, "b=2&a=%2F&c=")])
def test_the_person_at_the_keyboard_may_call(url: str, how: Any, query: str) -> None:
    answer = signed(f"{url}?{query}", how=how, verb="GET", body=b"")

    assert answer.status_code == 200, answer.text
    event = answer.json()
    identity = event["requestContext"]["identity"]
    assert (identity["accessKey"], identity["accountId"]) == ("test", "000000000000")
    assert identity["userArn"] == "arn:aws:iam::000000000000:root"
    assert "Authorization" not in event["headers"]


def test_a_wrong_secret_is_refused(url: str) -> None:
    answer = signed(url, Credentials("test", "other"))

    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
    assert answer.json()["message"].startswith("The request signature we calculated does not match the signature")


def test_a_body_that_was_not_signed_is_refused(url: str) -> None:
    assert signed(url, sent=b'{"other": 1}').headers["x-amzn-ErrorType"] == "InvalidSignatureException"


def test_a_signature_is_for_execute_api_in_the_apis_region(url: str) -> None:
    service = "Credential should be scoped to correct service: 'execute-api'. "
    region = "Credential should be scoped to a valid region. "

    assert said(signed(url, service="s3")) == (403, service)
    assert said(signed(url, service="s3", region="eu-west-1")) == (403, region + service)


@pytest.mark.parametrize(
    ("minutes", "words"), [(-6, "Signature expired: "), (6, "Signature not yet current: "), (-4, None), (4, None)]
)
def test_a_signature_is_good_for_five_minutes(url: str, minutes: int, words: str | None) -> None:
    status, message = said(signed(url, at=datetime.now(UTC) + timedelta(minutes=minutes)))

    assert (status, message is None or message.startswith(words or "-")) == (403 if words else 200, True)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Bearer abc", "'abc' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer abc'."),
        ("AWS4-HMAC-SHA256 Credential=a/b", "Authorization header requires 'Signature' parameter. "),
    ],
)
def test_a_header_that_is_no_signature_is_refused(url: str, header: str, message: str) -> None:
    answer = requests.get(url, headers={"Authorization": header}, timeout=30)

    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (403, "IncompleteSignatureException")
    assert answer.json()["message"].startswith(message)


def test_a_key_of_nobody_is_refused(url: str) -> None:
    answer = signed(url, Credentials("AKIAIOSFODNN7EXAMPLE", "secret"))

    assert said(answer) == (403, "The security token included in the request is invalid.")


def test_a_roles_policies_decide(api: Api, url: str, session: Callable[..., tuple[Credentials, str]]) -> None:
    own = f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/test/POST/items/*"
    allowed, arn = session({"Effect": "Allow", "Action": INVOKE, "Resource": own})

    answer = signed(url, allowed)
    other_verb = signed(url, allowed, verb="DELETE")

    assert answer.json()["requestContext"]["identity"]["userArn"] == arn
    masked = f"arn:aws:execute-api:us-east-1:********0000:{api.id}/test/DELETE/items/a%20b"
    words = f"User: {arn} is not authorized to perform: {INVOKE} on resource: {masked}"
    assert other_verb.status_code == 403
    assert other_verb.json()["Message"].startswith(words)
    assert other_verb.headers["x-amzn-ErrorType"] == "AccessDeniedException"


def test_a_session_needs_its_token(url: str, session: Callable[..., tuple[Credentials, str]]) -> None:
    allowed, _ = session({"Effect": "Allow", "Action": "*", "Resource": "*"})

    answer = signed(url, Credentials(allowed.access_key, allowed.secret_key, "other"))

    assert said(answer) == (403, "The security token included in the request is invalid.")


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(("address", "status"), [("127.0.0.0/8", 200), ("10.0.0.0/8", 403)])
def test_an_apis_policy_lets_addresses_in(new_api: NewApi, proxy_echo: Function, address: str, status: int) -> None:
    condition = {"IpAddress": {"aws:SourceIp": address}}
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": INVOKE,
        "Resource": "execute-api:/*",
        "Condition": condition,
    }
    api = new_api(policy=policy(statement))
    api.add("/", "GET", proxy_echo)

    answer = requests.get(api.deploy(), timeout=30)

    assert answer.status_code == status
    if status == 403:
        masked = f"arn:aws:execute-api:us-east-1:********0000:{api.id}/test/GET/"
        assert said(answer)[1] == f"User: anonymous is not authorized to perform: {INVOKE} on resource: {masked}"


def test_an_apis_policy_refuses_even_the_account(new_api: NewApi, proxy_echo: Function) -> None:
    everyone = {"Principal": "*", "Action": INVOKE, "Resource": "execute-api:/*"}
    api = new_api(policy=policy(everyone | {"Effect": "Deny", "Resource": "execute-api:/test/GET/secret"}))
    for path in ("/secret", "/open"):
        api.add(path, "GET", proxy_echo, authorizationType="AWS_IAM")
    url = api.deploy()

    status, message = said(signed(f"{url}/secret", verb="GET", body=b""))

    assert (status, message.endswith("with an explicit deny in a resource-based policy")) == (403, True)
    assert signed(f"{url}/open", verb="GET", body=b"").status_code == 200


AUTHORIZER = """
import json
def handler(event, context):
    token = event.get("authorizationToken") or event["headers"]["X-Who"]
    if token == "raise": raise Exception("Unauthorized")
    if token == "fail": raise Exception("else")
    if token == "odd": return {"principalId": "x"}
    effect = "Deny" if token == "deny" else "Allow"
    resource = "arn:aws:execute-api:*:*:*/other/*" if token == "other" else event["methodArn"]
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"principalId": "me", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": {"n": 1, "b": True, "event": json.dumps(sorted(event))}}
"""


def add_authorizer(api: Api, function: Function, kind: str, **members: Any) -> str:
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn_of(function)}/invocations"
    made: str = api.client.create_authorizer(
        restApiId=api.id,
        name="authorizer",
        type=kind,
        authorizerUri=uri,
        identitySource="method.request.header.X-Who",
        **members,
    )["id"]
    return made


@pytest.fixture(scope="module")
def authorizer(lambda_client: Any, function_role: str) -> Any:
    yield from shared(lambda_client, function_role, AUTHORIZER)


@pytest.mark.parametrize("kind", ["TOKEN", "REQUEST"])
def test_an_authorizer_says_who_it_is(api: Api, proxy_echo: Function, authorizer: Function, kind: str) -> None:
    api.add("/", "GET", proxy_echo, authorizationType="CUSTOM", authorizerId=add_authorizer(api, authorizer, kind))

    context = requests.get(api.deploy(), headers={"X-Who": "me"}, timeout=30).json()["requestContext"]["authorizer"]

    assert (context["principalId"], context["n"], context["b"]) == ("me", "1", "true")
    assert isinstance(context["integrationLatency"], int)
    members = (
        ["authorizationToken", "methodArn", "type"]
        if kind == "TOKEN"
        else sorted(
            {
                "type",
                "methodArn",
                "resource",
                "path",
                "httpMethod",
                "headers",
                "multiValueHeaders",
                "queryStringParameters",
                "multiValueQueryStringParameters",
                "pathParameters",
                "stageVariables",
                "requestContext",
            }
        )
    )
    assert json.loads(context["event"]) == members


@pytest.mark.parametrize(
    ("token", "status", "body"),
    [
        ("deny", 403, {"Message": EXPLICIT}),
        ("other", 403, {"Message": EXPLICIT.removesuffix(" with an explicit deny")}),
        ("raise", 401, {"message": "Unauthorized"}),
        ("", 401, {"message": "Unauthorized"}),
        ("fail", 500, {"message": None}),
        ("odd", 500, {"message": None}),
    ],
)
def test_an_authorizer_keeps_out(
    api: Api, proxy_echo: Function, authorizer: Function, token: str, status: int, body: dict[str, Any]
) -> None:
    api.add("/", "GET", proxy_echo, authorizationType="CUSTOM", authorizerId=add_authorizer(api, authorizer, "TOKEN"))

    answer = requests.get(api.deploy(), headers={"X-Who": token} if token else {}, timeout=30)

    assert (answer.status_code, answer.json()) == (status, body)


def test_a_token_that_does_not_match_asks_no_function(api: Api, proxy_echo: Function, create_function: Create) -> None:
    not_permitted = create_function(AUTHORIZER)
    made = add_authorizer(api, not_permitted, "TOKEN", identityValidationExpression="Bearer .+")
    api.add("/", "GET", proxy_echo, authorizationType="CUSTOM", authorizerId=made)
    url = api.deploy()

    assert requests.get(url, headers={"X-Who": "me"}, timeout=30).status_code == 401
    assert requests.get(url, headers={"X-Who": "Bearer me"}, timeout=30).status_code == 500


def test_a_verdict_is_kept(api: Api, proxy_echo: Function, permitted: Create) -> None:
    counting = AUTHORIZER.replace("import json\n", "import json\ncalls = []\n").replace(
        '"n": 1', '"n": calls.append(1) or len(calls)'
    )
    api.add(
        "/",
        "GET",
        proxy_echo,
        authorizationType="CUSTOM",
        authorizerId=add_authorizer(api, permitted(counting), "TOKEN"),
    )
    url = api.deploy()

    found = [
        requests.get(url, headers={"X-Who": who}, timeout=30).json()["requestContext"]["authorizer"]["n"]
        for who in ("me", "me", "you")
    ]

    assert found == ["1", "1", "2"]


def test_a_cognito_authorizer_is_not_here(api: Api) -> None:
    with pytest.raises(api.client.exceptions.ClientError, match="COGNITO_USER_POOLS is not supported by Preflight yet"):
        api.client.create_authorizer(
            restApiId=api.id, name="pool", type="COGNITO_USER_POOLS", providerARNs=["arn:aws:x"]
        )
