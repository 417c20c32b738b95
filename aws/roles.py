"""The two execution roles: one that SageMaker assumes, one that the Lambda function runs as."""

import json
from typing import Any
from urllib.parse import unquote

from aws.client import Aws
from aws.names import Names

Policy = dict[str, Any]


def ensure_training_role(aws: Aws, names: Names) -> str:
    """The ARN of the role for training and hosting.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    # AmazonSageMakerFullAccess reaches only buckets with "sagemaker" in their name.
    bucket = f"arn:{aws.target.partition}:s3:::{names.bucket}"
    data = _allow(["s3:GetObject", "s3:PutObject"], f"{bucket}/*", also=[_statement(["s3:ListBucket"], bucket)])
    return _ensure_role(
        aws,
        names,
        names.training_role,
        service="sagemaker.amazonaws.com",
        managed_policy="AmazonSageMakerFullAccess",
        inline_policies={"data": data},
    )


def ensure_function_role(aws: Aws, names: Names) -> str:
    """The ARN of the role for the function, which may invoke this one endpoint.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    endpoint_arn = aws.arn("sagemaker", f"endpoint/{names.endpoint.lower()}")
    return _ensure_role(
        aws,
        names,
        names.function_role,
        service="lambda.amazonaws.com",
        managed_policy="service-role/AWSLambdaBasicExecutionRole",
        inline_policies={"invoke-endpoint": _allow(["sagemaker:InvokeEndpoint"], endpoint_arn)},
    )


def _ensure_role(
    aws: Aws,
    names: Names,
    role: str,
    *,
    service: str,
    managed_policy: str,
    inline_policies: dict[str, Policy],
) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    found = aws.find("iam", "GetRole", RoleName=role)
    if found is None:
        found = aws.change(
            "iam",
            "CreateRole",
            RoleName=role,
            AssumeRolePolicyDocument=json.dumps(trust),
            Description=f"Preflight project {names.project}",
            Tags=names.tag_list,
        )
    elif _document(found["Role"]["AssumeRolePolicyDocument"]) != trust:
        aws.change("iam", "UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=json.dumps(trust))
    _ensure_managed_policy(aws, role, f"arn:{aws.target.partition}:iam::aws:policy/{managed_policy}")
    for name, policy in inline_policies.items():
        stored = aws.find("iam", "GetRolePolicy", RoleName=role, PolicyName=name)
        if stored is None or _document(stored["PolicyDocument"]) != policy:
            aws.change("iam", "PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
    return str(found["Role"]["Arn"])


def _ensure_managed_policy(aws: Aws, role: str, arn: str) -> None:
    attached = aws.list("iam", "ListAttachedRolePolicies", "AttachedPolicies", RoleName=role)
    if arn not in {policy["PolicyArn"] for policy in attached}:
        aws.change("iam", "AttachRolePolicy", RoleName=role, PolicyArn=arn)


def _statement(actions: list[str], resource: str) -> Policy:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _allow(actions: list[str], resource: str, *, also: list[Policy] | None = None) -> Policy:
    return {"Version": "2012-10-17", "Statement": [_statement(actions, resource), *(also or [])]}


def _document(policy: str | Policy) -> Policy:
    """A policy as a dict. IAM returns URL-encoded JSON, which boto3 decodes in some answers only."""
    document: Policy = json.loads(unquote(policy)) if isinstance(policy, str) else policy
    return document
