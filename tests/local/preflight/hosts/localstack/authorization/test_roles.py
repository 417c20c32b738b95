"""Roles decide what their sessions may do, and AWS's words say so when they may not."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from preflight.stack import Stack
from tests.local.conftest import (
    ALLOW_ALL,
    Make,
    make_config,
    make_role,
    refusal,
    set_policy,
    unique,
)
from tests.local.preflight.hosts.localstack.lambda_.conftest import Function, create, eventually

ACCOUNT = "000000000000"
ANYONE_OF_THE_ACCOUNT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
BASIC_EXECUTION = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
ASKS_ENDPOINT = """
import boto3, os
def handler(event, context):
    runtime = boto3.client("sagemaker-runtime")
    return runtime.invoke_endpoint(EndpointName=event, ContentType="text/csv", Body="1,1")["Body"].read().decode()
"""

Statements = Sequence[dict[str, Any]]
AsRole = Callable[..., Any]


def allow(action: str | list[str], resource: str = "*", **elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | elements


def deny(action: str, resource: str = "*", **elements: Any) -> dict[str, Any]:
    return allow(action, resource, **elements) | {"Effect": "Deny"}


@pytest.fixture
def as_role(stack: Stack, client: Make) -> AsRole:
    """``as_role("s3", statements)``: a client with a session of a new role that is allowed them.

    ``**session`` are members of AssumeRole, ``service_of`` names more services for clients of the same session.
    """

    def make(service: str, statements: Statements, role_arn: str = "", **session: Any) -> Any:
        arn = role_arn or make_role(client("iam"), "lambda.amazonaws.com", statements)
        assumed = client("sts").assume_role(RoleArn=arn, RoleSessionName="someone", **session)["Credentials"]
        return boto3.client(
            service,
            endpoint_url=stack.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=assumed["AccessKeyId"],
            aws_secret_access_key=assumed["SecretAccessKey"],
            aws_session_token=assumed["SessionToken"],
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )

    return make


@pytest.fixture
def endpoint(sagemaker: Any, model: str, create_endpoint: Make) -> str:
    name: str = create_endpoint(make_config(sagemaker, model))["EndpointName"]
    return name


@pytest.fixture
def function(client: Make) -> Iterator[Function]:
    """Asks an endpoint; its role may write logs, and no more."""
    role = make_role(client("iam"), "lambda.amazonaws.com", ())
    client("iam").attach_role_policy(RoleName=role.rpartition("/")[2], PolicyArn=BASIC_EXECUTION)
    made = create(client("lambda"), role, ASKS_ENDPOINT)
    yield made
    client("lambda").delete_function(FunctionName=made.name)


def role_name_of(client: Make, function: Function) -> str:
    arn: str = client("lambda").get_function_configuration(FunctionName=function.name)["Role"]
    return arn.rpartition("/")[2]


def test_a_function_reaches_an_endpoint_once_its_role_may(client: Make, function: Function, endpoint: str) -> None:
    role = role_name_of(client, function)
    words = (
        f"An error occurred (AccessDeniedException) when calling the InvokeEndpoint operation: User: arn:aws:sts::"
        f"{ACCOUNT}:assumed-role/{role}/{function.name} is not authorized to perform: sagemaker:InvokeEndpoint on "
        f"resource: arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/{endpoint} because no identity-based policy allows "
        "the sagemaker:InvokeEndpoint action"
    )

    refused = function(endpoint)
    assert refused.error == "Unhandled" and refused.payload["errorMessage"] == words
    group = {"logGroupName": f"/aws/lambda/{function.name}"}
    assert eventually(lambda: any(words in event["message"] for event in events_of(client, group)))

    client("iam").attach_role_policy(RoleName=role, PolicyArn=FULL_ACCESS)
    assert "predictions" in function(endpoint).payload


def events_of(client: Make, group: dict[str, str]) -> list[dict[str, Any]]:
    try:
        events: list[dict[str, Any]] = client("logs").filter_log_events(**group)["events"]
    except client("logs").exceptions.ResourceNotFoundException:
        return []
    return events


def test_a_role_may_be_limited_to_one_endpoint(as_role: AsRole, endpoint: str) -> None:
    allowed = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/{endpoint}"
    runtime = as_role("sagemaker-runtime", [allow("sagemaker:InvokeEndpoint", allowed)])

    call = {"ContentType": "text/csv", "Body": "1,1"}
    assert runtime.invoke_endpoint(EndpointName=endpoint, **call)["ResponseMetadata"]["HTTPStatusCode"] == 200
    code, words = refusal(runtime.invoke_endpoint, EndpointName=f"{endpoint}-2", **call)
    assert code == "AccessDeniedException" and f"endpoint/{endpoint}-2 because no identity-based" in words


def test_without_logs_rights_a_function_runs_and_leaves_no_log(client: Make) -> None:
    silent = create(client("lambda"), make_role(client("iam"), "lambda.amazonaws.com", ()), ASKS_ENDPOINT)
    heard = create(client("lambda"), make_role(client("iam"), "lambda.amazonaws.com"), ASKS_ENDPOINT)

    assert silent("x").error == heard("x").error == "Unhandled"
    assert eventually(lambda: events_of(client, {"logGroupName": f"/aws/lambda/{heard.name}"}))
    assert events_of(client, {"logGroupName": f"/aws/lambda/{silent.name}"}) == []
    for function in (silent, heard):
        client("lambda").delete_function(FunctionName=function.name)


def test_a_role_that_makes_no_groups_writes_to_one_that_is_there(client: Make) -> None:
    write = allow(["logs:CreateLogStream", "logs:PutLogEvents"])
    function = create(client("lambda"), make_role(client("iam"), "lambda.amazonaws.com", [write]), ASKS_ENDPOINT)
    group = {"logGroupName": f"/aws/lambda/{function.name}"}
    client("logs").create_log_group(**group)

    function("x")

    assert eventually(lambda: events_of(client, group))
    client("lambda").delete_function(FunctionName=function.name)


@pytest.mark.parametrize("statements", [[], [allow("s3:*")]], ids=["no role", "trusts another"])
def test_a_function_needs_a_role_that_lambda_may_assume(client: Make, statements: Statements) -> None:
    gone = f"arn:aws:iam::{ACCOUNT}:role/{unique('gone')}"
    role = make_role(client("iam"), "sagemaker.amazonaws.com", statements) if statements else gone

    code, words = refusal(create, client("lambda"), role, ASKS_ENDPOINT)

    assert (code, words) == (
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    )


def test_a_function_gets_no_role_that_lambda_may_not_assume(client: Make, function: Function, role: str) -> None:
    code, words = refusal(client("lambda").update_function_configuration, FunctionName=function.name, Role=role)

    assert code == "InvalidParameterValueException" and "cannot be assumed by Lambda" in words


# --- S3 ---


def test_s3_quotes_the_resource_and_heads_have_no_words(as_role: AsRole, client: Make, bucket: str, put: Make) -> None:
    put("secret.txt", "x")
    s3 = as_role("s3", [allow("s3:ListBucket")])
    user = s3_user(s3)

    assert refusal(s3.get_object, Bucket=bucket, Key="secret.txt") == (
        "AccessDenied",
        f'User: {user} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::{bucket}/secret.txt" '
        "because no identity-based policy allows the s3:GetObject action",
    )
    assert refusal(s3.head_object, Bucket=bucket, Key="secret.txt") == ("403", "Forbidden")


def s3_user(s3: Any) -> str:
    """The session's ARN, which STS tells everybody."""
    credentials = s3._request_signer._credentials
    sts = boto3.client(
        "sts",
        endpoint_url=s3.meta.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
    )
    arn: str = sts.get_caller_identity()["Arn"]
    sts.close()
    return arn


def test_who_may_not_list_a_bucket_does_not_learn_what_it_lacks(as_role: AsRole, bucket: str) -> None:
    reader = as_role("s3", [allow("s3:GetObject")])
    lister = as_role("s3", [allow(["s3:GetObject", "s3:ListBucket"])])

    assert refusal(lister.get_object, Bucket=bucket, Key="nowhere")[0] == "NoSuchKey"
    code, words = refusal(reader.get_object, Bucket=bucket, Key="nowhere")
    assert code == "AccessDenied" and f'perform: s3:ListBucket on resource: "arn:aws:s3:::{bucket}"' in words


def test_full_access_reads_what_is_called_sagemaker_or_tagged_so(
    as_role: AsRole, client: Make, bucket: str, put: Make
) -> None:
    role = make_role(client("iam"), "sagemaker.amazonaws.com", ())
    client("iam").attach_role_policy(RoleName=role.rpartition("/")[2], PolicyArn=FULL_ACCESS)
    s3 = as_role("s3", (), role)
    put("sagemaker/train.csv", "1")
    put("data/train.csv", "1")

    assert s3.get_object(Bucket=bucket, Key="sagemaker/train.csv")["ContentLength"] == 1
    assert refusal(s3.get_object, Bucket=bucket, Key="data/train.csv")[0] == "AccessDenied"
    assert "Contents" in s3.list_objects_v2(Bucket=bucket)  # of every bucket
    tags = {"TagSet": [{"Key": "SageMaker", "Value": "True"}]}
    client("s3").put_object_tagging(Bucket=bucket, Key="data/train.csv", Tagging=tags)
    assert s3.get_object(Bucket=bucket, Key="data/train.csv")["ContentLength"] == 1


def test_conditions_see_the_request(as_role: AsRole, bucket: str, put: Make) -> None:
    put("shared/x", "1")
    below = {"StringLike": {"s3:prefix": "shared/*"}}
    s3 = as_role("s3", [allow("s3:ListBucket", Condition=below)])

    assert s3.list_objects_v2(Bucket=bucket, Prefix="shared/")["KeyCount"] == 1
    assert refusal(s3.list_objects_v2, Bucket=bucket, Prefix="other/")[0] == "AccessDenied"
    assert refusal(s3.list_objects_v2, Bucket=bucket)[0] == "AccessDenied"  # has no prefix at all


def test_an_explicit_deny_names_the_policy(as_role: AsRole, client: Make, bucket: str) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny("s3:PutObject")]})
    policy = client("iam").create_policy(PolicyName=unique("no-writes"), PolicyDocument=document)["Policy"]["Arn"]
    role = make_role(client("iam"), "lambda.amazonaws.com")
    s3 = as_role("s3", (), role)
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")

    client("iam").attach_role_policy(RoleName=role.rpartition("/")[2], PolicyArn=policy)

    words = refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"2")[1]
    assert words.endswith(f"with an explicit deny in an identity-based policy: {policy}")


def test_a_session_policy_and_a_boundary_limit(as_role: AsRole, client: Make, bucket: str) -> None:
    only_lists = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:ListBucket")]})
    within_a_policy = as_role("s3", [ALLOW_ALL], Policy=only_lists)
    bounded = make_role(client("iam"), "lambda.amazonaws.com")
    boundary = client("iam").create_policy(PolicyName=unique("boundary"), PolicyDocument=only_lists)["Policy"]["Arn"]
    client("iam").put_role_permissions_boundary(RoleName=bounded.rpartition("/")[2], PermissionsBoundary=boundary)

    for s3, kind in ((within_a_policy, "session policy"), (as_role("s3", (), bounded), "permissions boundary")):
        s3.list_objects_v2(Bucket=bucket)
        words = refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"1")[1]
        assert words.endswith(f"because no {kind} allows the s3:PutObject action")


def test_a_bucket_policy_allows_and_denies(as_role: AsRole, client: Make) -> None:
    name, role = unique("shared"), make_role(client("iam"), "lambda.amazonaws.com", ())
    client("s3").create_bucket(Bucket=name)
    s3 = as_role("s3", (), role)

    def set_bucket_policy(*statements: dict[str, Any]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        client("s3").put_bucket_policy(Bucket=name, Policy=document)

    objects = f"arn:aws:s3:::{name}/*"
    set_bucket_policy(allow("s3:PutObject", objects, Principal={"AWS": role}))
    s3.put_object(Bucket=name, Key="a", Body=b"1")
    set_policy(client("iam"), role, [allow("s3:*")])
    set_bucket_policy(deny("s3:PutObject", objects, Principal="*"))
    words = refusal(s3.put_object, Bucket=name, Key="a", Body=b"1")[1]
    assert words.endswith("with an explicit deny in a resource-based policy")


def test_a_presigned_url_has_the_rights_of_who_signed_it(as_role: AsRole, bucket: str, put: Make) -> None:
    put("page", "read me")
    reads, writes = as_role("s3", [allow("s3:GetObject")]), as_role("s3", [allow("s3:PutObject")])

    def ask(s3: Any) -> requests.Response:
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "page"})
        return requests.get(url, timeout=10)

    assert ask(reads).text == "read me"
    refused = ask(writes)
    assert refused.status_code == 403 and "<Code>AccessDenied</Code>" in refused.text


# --- the other services, each with its own form of refusal ---


@pytest.mark.parametrize(
    ("service", "operation", "request_", "code", "words"),
    [
        ("sqs", "send_message", {"QueueUrl": "{url}/queue/q", "MessageBody": "x"}, "AccessDenied", "sqs:sendmessage"),
        (
            "sns",
            "publish",
            {"TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:t", "Message": "x"},
            "AuthorizationError",
            f"SNS:Publish on resource: arn:aws:sns:us-east-1:{ACCOUNT}:t because no identity-based policy allows the "
            "SNS:Publish action",
        ),
        (
            "logs",
            "create_log_group",
            {"logGroupName": "mine"},
            "AccessDeniedException",
            f"logs:CreateLogGroup on resource: arn:aws:logs:us-east-1:{ACCOUNT}:log-group:mine:log-stream: because no",
        ),
        (
            "cloudwatch",
            "put_metric_data",
            {"Namespace": "Mine", "MetricData": [{"MetricName": "x", "Value": 1}]},
            "AccessDenied",
            "cloudwatch:PutMetricData because no identity-based policy",
        ),
        (
            "events",
            "put_events",
            {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]},
            "AccessDeniedException",
            f"events:PutEvents on resource: arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default because no",
        ),
        (
            "lambda",
            "invoke",
            {"FunctionName": "not-there"},
            "AccessDeniedException",
            f"lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:{ACCOUNT}:function:not-there because no",
        ),
        ("iam", "list_roles", {}, "AccessDenied", "iam:ListRoles"),
        ("kms", "create_key", {}, "AccessDeniedException", "kms:CreateKey because no identity-based policy"),
        (
            "sagemaker",
            "delete_model",
            {"ModelName": "Mine"},
            "AccessDeniedException",
            f"sagemaker:DeleteModel on resource: arn:aws:sagemaker:us-east-1:{ACCOUNT}:model/mine because no",
        ),
        ("sagemaker", "list_models", {}, "AccessDeniedException", "sagemaker:ListModels because no"),
        ("secretsmanager", "list_secrets", {}, "AccessDeniedException", "secretsmanager:ListSecrets because no"),
    ],
)
def test_each_service_refuses_in_its_own_form(
    as_role: AsRole, service: str, operation: str, request_: dict[str, Any], code: str, words: str
) -> None:
    refused = as_role(service, [])
    members = {
        name: value.replace("{url}", refused.meta.endpoint_url) if isinstance(value, str) else value
        for name, value in request_.items()
    }

    assert refusal(getattr(refused, operation), **members)[0] == code
    assert f"is not authorized to perform: {words}" in refusal(getattr(refused, operation), **members)[1]


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("lambda", "invoke", {"FunctionName": "arn:aws:lambda:nowhere-1:000000000000:function:f"}),
        ("sns", "publish", {"TopicArn": "arn:t", "Message": "x"}),
        ("sns", "publish", {"TopicArn": "arn:aws:sns:nowhere:1:t", "Message": "x"}),
        ("sqs", "send_message", {"QueueUrl": "q", "MessageBody": "x"}),
        ("sts", "assume_role", {"RoleArn": "arn:aws:iam:::::::role/x", "RoleSessionName": "someone"}),
        ("s3", "copy_object", {"Bucket": "b-b", "Key": "k", "CopySource": "?"}),
    ],
)
def test_what_names_nothing_is_refused_all_the_same(
    as_role: AsRole, service: str, operation: str, request_: dict[str, Any]
) -> None:
    refused = as_role(service, [])

    with pytest.raises(ClientError) as caught:
        getattr(refused, operation)(**request_)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403, 404)


@pytest.mark.parametrize(
    "body",
    ["{", "[]", '{"ProductionVariants": 5, "Tags": 6, "EndpointName": []}', '{"A":' * 5_000 + "1" + "}" * 5_000],
)
def test_a_body_that_is_no_request_is_no_failure(as_role: AsRole, body: str) -> None:
    sagemaker = as_role("sagemaker", [ALLOW_ALL])
    sagemaker.meta.events.register("before-sign.sagemaker", lambda request, **_: setattr(request, "data", body))

    assert refusal(sagemaker.list_models)[0] in ("SerializationException", "UnsupportedByPreflight")


def test_a_role_is_passed_only_by_whom_may(as_role: AsRole, client: Make, role: str) -> None:
    request = {"ModelName": unique("model"), "ExecutionRoleArn": role, "PrimaryContainer": {"Image": "any"}}
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    may = [allow("sagemaker:*"), allow("iam:PassRole", Condition=to_lambda)]

    code, words = refusal(as_role("sagemaker", may).create_model, **request)

    assert code == "AccessDeniedException"
    assert f"perform: iam:PassRole on resource: {role} because no identity-based policy" in words


def test_a_role_is_assumed_by_whom_it_trusts(as_role: AsRole, client: Make) -> None:
    iam, target = client("iam"), make_role(client("iam"), "lambda.amazonaws.com")
    call = {"RoleArn": target, "RoleSessionName": "next"}
    sts = as_role("sts", [allow("sts:AssumeRole")])
    assert refusal(sts.assume_role, **call)[1].endswith(f"perform: sts:AssumeRole on resource: {target}")

    trust = {"Effect": "Allow", "Principal": ANYONE_OF_THE_ACCOUNT, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName=target.rpartition("/")[2], PolicyDocument=document)

    assert sts.assume_role(**call)["AssumedRoleUser"]["Arn"].endswith("/next")
    assert refusal(as_role("sts", []).assume_role, **call)[0] == "AccessDenied"


def test_nobody_assumes_a_role_that_is_not_there(client: Make) -> None:
    gone = f"arn:aws:iam::{ACCOUNT}:role/{unique('gone')}"

    code, words = refusal(client("sts").assume_role, RoleArn=gone, RoleSessionName="someone")

    assert code == "AccessDenied" and words.endswith(f"perform: sts:AssumeRole on resource: {gone}")


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("sagemaker", "list_models", "UnrecognizedClientException"),
    ],
)
def test_a_key_of_nobody_is_refused(stack: Stack, service: str, operation: str, code: str) -> None:
    key = {"aws_access_key_id": "LSIAQAAAAAAAAAAAAAAA", "aws_secret_access_key": "x"}
    nobody = boto3.client(service, endpoint_url=stack.endpoint_url, region_name="us-east-1", **key)

    assert refusal(getattr(nobody, operation))[0] == code
    nobody.close()


def test_a_user_is_held_to_his_policies_and_his_groups(stack: Stack, client: Make, bucket: str) -> None:
    iam, user, group = client("iam"), unique("ann"), unique("readers")
    iam.create_user(UserName=user)
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=user)
    own = json.dumps(
        {"Version": "2012-10-17", "Statement": [allow("s3:*", f"arn:aws:s3:::{bucket}/${{aws:username}}/*")]}
    )
    iam.put_group_policy(GroupName=group, PolicyName="own", PolicyDocument=own)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    s3 = boto3.client(
        "s3",
        endpoint_url=stack.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )

    s3.put_object(Bucket=bucket, Key=f"{user}/x", Body=b"1")
    words = refusal(s3.put_object, Bucket=bucket, Key="bob/x", Body=b"1")[1]
    assert words.startswith(f"User: arn:aws:iam::{ACCOUNT}:user/{user} is not authorized")
    s3.close()


def test_a_trust_policy_may_ask_for_an_external_id(as_role: AsRole, client: Make) -> None:
    iam, name = client("iam"), unique("trusting")
    trust = allow(
        "sts:AssumeRole", Principal=ANYONE_OF_THE_ACCOUNT, Condition={"StringEquals": {"sts:ExternalId": "mine"}}
    )
    del trust["Resource"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    sts = as_role("sts", [allow("sts:AssumeRole")])

    sts.assume_role(RoleArn=arn, RoleSessionName="someone", ExternalId="mine")
    for given in ({}, {"ExternalId": "theirs"}):
        assert refusal(sts.assume_role, RoleArn=arn, RoleSessionName="someone", **given)[0] == "AccessDenied"


def test_a_key_that_is_inactive_or_gone_opens_nothing(client: Make, stack: Stack) -> None:
    iam, name = client("iam"), unique("user")
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW_ALL]})
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    names = {"UserName": name, "AccessKeyId": key["AccessKeyId"]}
    s3 = boto3.client(
        "s3",
        endpoint_url=stack.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )

    s3.list_buckets()
    iam.update_access_key(**names, Status="Inactive")
    assert refusal(s3.list_buckets)[0] == "InvalidAccessKeyId"
    iam.delete_access_key(**names)
    assert refusal(s3.list_buckets)[0] == "InvalidAccessKeyId"


@pytest.mark.parametrize(
    ("condition", "is_allowed"),
    [
        ({"StringEquals": {"aws:ResourceTag/team": "ml"}}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "web"}}, False),
        ({"StringEquals": {"sagemaker:ResourceTag/team": "ml"}}, True),
    ],
)
def test_the_tags_of_a_resource_decide(
    as_role: AsRole, sagemaker: Any, model: str, condition: dict[str, Any], is_allowed: bool
) -> None:
    arn = sagemaker.describe_model(ModelName=model)["ModelArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ml"}])
    role = as_role("sagemaker", [allow("sagemaker:DescribeModel", Condition=condition)])

    if is_allowed:
        role.describe_model(ModelName=model)
    else:
        assert refusal(role.describe_model, ModelName=model)[0] == "AccessDeniedException"


def test_a_policy_may_ask_for_a_private_network(as_role: AsRole) -> None:
    rule = deny("sagemaker:CreateProcessingJob", Condition={"Null": {"sagemaker:VpcSubnets": "true"}})
    role = as_role("sagemaker", [allow("sagemaker:*"), rule])
    vpc = {"VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}
    request = {
        "ProcessingJobName": unique("job"),
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/none",
        "AppSpecification": {"ImageUri": "image"},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
    }

    _, message = refusal(role.create_processing_job, **request)
    assert "with an explicit deny" in message
    _, message = refusal(role.create_processing_job, **request, NetworkConfig=vpc)
    assert "iam:PassRole" in message


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (allow("s3:GetObject", "{own}/*"), "Missing required field Principal"),
        (allow("ec2:RunInstances", "{own}/*", Principal="*"), "Policy has invalid action"),
        (allow("s3:GetObject", "arn:aws:s3:::another/*", Principal="*"), "Policy has invalid resource"),
        (
            allow("s3:GetObject", "{own}/*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/no-such"}),
            "Invalid principal in policy",
        ),
    ],
)
def test_a_policy_that_no_bucket_can_have_is_refused(
    client: Make, bucket: str, statement: dict[str, Any], message: str
) -> None:
    statement = statement | {"Resource": statement["Resource"].format(own=f"arn:aws:s3:::{bucket}")}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    assert refusal(client("s3").put_bucket_policy, Bucket=bucket, Policy=document) == ("MalformedPolicy", message)


def test_a_policy_that_is_attached_names_no_principal(client: Make) -> None:
    iam = client("iam")
    name = make_role(iam, "lambda.amazonaws.com", ()).rpartition("/")[2]
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*", Principal="*")]})

    said = refusal(iam.put_role_policy, RoleName=name, PolicyName="p", PolicyDocument=document)

    assert said == ("MalformedPolicyDocument", "Policy document should not specify a principal.")
