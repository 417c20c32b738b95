"""The rest of AWS as SageMaker sees it: roles and objects, behind the same endpoint as SageMaker itself."""

import functools
import json
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.scope import Scope

_BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,253}[a-zA-Z0-9]")  # S3 itself knows the finer rules


@dataclass(frozen=True)
class S3Uri:
    """``s3://bucket/key``; ``key`` may be empty or a prefix."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Uri":
        """Reads ``s3://bucket/key`` and the two https forms of the same."""
        try:
            parsed = cls._split(uri)
        except ValueError:
            parsed = cls("", "")
        if not _BUCKET.fullmatch(parsed.bucket):
            raise ValidationException(f"The S3 URI {uri} does not name a bucket.")  # words guessed
        return parsed

    @classmethod
    def _split(cls, uri: str) -> "S3Uri":
        parts = urllib.parse.urlsplit(uri)
        path = urllib.parse.unquote(parts.path).lstrip("/") if parts.scheme == "https" else uri[len("s3://") :]
        if parts.scheme == "https" and ".s3" in parts.netloc:  # https://bucket.s3.region.amazonaws.com/key
            return cls(parts.netloc.split(".s3", 1)[0], path)
        bucket, _, key = path.partition("/")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class S3Object:
    key: str
    size: int


class OtherServices:
    """Clients for S3, IAM and CloudWatch Logs at ``endpoint_url``, as any account and region."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self._session = boto3.Session(aws_access_key_id="unused", aws_secret_access_key="unused")

    @functools.lru_cache(maxsize=256)  # noqa: B019 - one instance lives as long as the service
    def client(self, service: str, scope: Scope) -> Any:
        """A boto3 client. The stack reads the account from the access key, as LocalStack does."""
        return self._session.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=scope.region,
            aws_access_key_id=scope.account_id,
            aws_secret_access_key="unused",
            config=Config(
                retries={"max_attempts": 3, "mode": "standard"},
                max_pool_connections=32,
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
            ),
        )

    def require_assumable_role(self, scope: Scope, role_arn: str) -> None:
        """Raises ValidationException unless the role exists and SageMaker may assume it."""
        account, role_name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
        if account != scope.account_id:
            raise ValidationException("RoleArn: Cross-account pass role is not allowed.")
        refusal = ValidationException(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            f"'sagemaker.amazonaws.com' to assume the role."
        )
        if not role_name:
            raise refusal
        try:
            role = self.client("iam", scope).get_role(RoleName=role_name)["Role"]
        except ClientError as error:
            _require_refusal(error)
            raise refusal from None
        if role["Arn"] != role_arn or not _trusts_sagemaker(role["AssumeRolePolicyDocument"]):
            raise refusal

    def objects(self, scope: Scope, uri: S3Uri) -> Iterator[S3Object]:
        """The objects whose key starts with ``uri``'s; nothing if the bucket does not exist."""
        pages = self.client("s3", scope).get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=uri.bucket, Prefix=uri.key):
                for entry in page.get("Contents", ()):
                    yield S3Object(entry["Key"], entry["Size"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchBucket", "AccessDenied"):
                raise

    def has_object(self, scope: Scope, uri: S3Uri) -> bool:
        if not uri.key:
            return False
        try:
            self.client("s3", scope).head_object(Bucket=uri.bucket, Key=uri.key)
        except ClientError as error:
            _require_refusal(error)
            return False
        return True

    def key_arn(self, scope: Scope, key_id: str) -> str | None:
        """The ARN of a KMS key given by id, ARN or alias; None if there is no such key."""
        try:
            arn: str = self.client("kms", scope).describe_key(KeyId=key_id)["KeyMetadata"]["Arn"]
        except ClientError as error:
            _require_refusal(error)
            return None
        return arn

    def bucket_region(self, scope: Scope, bucket: str) -> str | None:
        """The region ``bucket`` is in; None if there is no such bucket."""
        try:
            region: str = self.client("s3", scope).head_bucket(Bucket=bucket)["BucketRegion"]
        except ClientError as error:
            _require_refusal(error)
            return None
        return region


def _require_refusal(error: ClientError) -> None:
    """Raises ``error`` again if the other service failed, rather than said no."""
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
        raise error


def _trusts_sagemaker(policy: str | dict[str, Any]) -> bool:
    document = json.loads(urllib.parse.unquote(policy)) if isinstance(policy, str) else policy
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        actions = statement.get("Action", [])
        if (
            statement.get("Effect") == "Allow"
            and "sagemaker.amazonaws.com" in ([services] if isinstance(services, str) else services)
            and {"sts:AssumeRole", "sts:*", "*"} & set([actions] if isinstance(actions, str) else actions)
        ):
            return True
    return False
