"""What resources of this stack say themselves: whose they are, their policies, the tags of objects."""

import dataclasses
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.services.s3.models import S3Bucket, S3Object, S3Store, s3_stores
from localstack.services.s3.utils import get_unique_key_id
from localstack.services.sns.models import sns_stores
from localstack.services.sqs.models import sqs_stores

from preflight.iam.errors import MalformedPolicy
from preflight.iam.policy import Policy, read_policy
from preflight.sagemaker.api.credentials import is_region

LOG = logging.getLogger(__name__)
_ARN = re.compile(r"arn:[\w-]+:([\w-]+):([\w-]*):(\d{12}|):(.*)", re.DOTALL)
REGION = "us-east-1"  # S3's stores are the same in every region


@dataclass(frozen=True, slots=True)
class ResourceSide:
    """``account`` is empty if the resource is not there, or is one that only the caller's own account can have."""

    account: str = ""
    policy: Policy | None = None


def resource_side(arn: str) -> ResourceSide:
    """Owner and policy of the resource, which may not exist."""
    found = _ARN.fullmatch(arn)
    if found is None:
        return ResourceSide()
    service, region, account, resource = found.groups()
    if service == "s3":
        return _bucket_side(resource.partition("/")[0])
    if not is_region(region):
        return ResourceSide(account)
    match service:
        case "lambda":
            return ResourceSide(account, _function_policy(account, region, resource))
        case "sqs":
            queue = sqs_stores[account][region].queues.get(resource)
            return ResourceSide(account, _read(queue.attributes.get("Policy") if queue else None))
        case "sns":
            topic = sns_stores[account][region].topics.get(arn)
            return ResourceSide(account, _read(topic["attributes"].get("Policy") if topic else None))
    return ResourceSide(account)


def _bucket_side(name: str) -> ResourceSide:
    bucket = find_bucket(name)
    return ResourceSide(bucket.bucket_account_id, _read(bucket.policy)) if bucket else ResourceSide()


def find_bucket(name: str) -> S3Bucket | None:
    """The bucket of any account."""
    owner = s3_stores["000000000000"][REGION].global_bucket_map.get(name)
    return s3_stores[owner][REGION].buckets.get(name) if owner else None


def has_object(bucket_name: str, key: str) -> bool:
    """Whether the key is there; true also if the bucket is not."""
    bucket = find_bucket(bucket_name)
    return bucket is None or isinstance(bucket.objects.get(key), S3Object)


def object_tags(bucket_name: str, key: str, version_id: str | None) -> Mapping[str, str]:
    """The tags of an object; none if it is not there."""
    bucket = find_bucket(bucket_name)
    version = (version_id,) if version_id else ()
    found = bucket.objects.get(key, *version) if bucket else None
    if bucket is None or not isinstance(found, S3Object):
        return {}
    store: S3Store = s3_stores[bucket.bucket_account_id][REGION]
    tags: Mapping[str, str] = store.tags.get_tags(get_unique_key_id(bucket_name, key, found.version_id))
    return tags


def _function_policy(account: str, region: str, resource: str) -> Policy | None:
    kind, _, rest = resource.partition(":")
    name, _, qualifier = rest.partition(":")
    function = lambda_stores[account][region].functions.get(name) if kind == "function" else None
    permissions = function.permissions.get(qualifier or "$LATEST") if function else None
    return _read(json.dumps(dataclasses.asdict(permissions.policy))) if permissions else None


def _read(document: str | None) -> Policy | None:
    """A policy as it is stored; one that is none counts for nothing, and the log says so."""
    if not document:
        return None
    try:
        return read_policy(document)
    except MalformedPolicy as error:
        LOG.warning("The policy of a resource counts for nothing: %s", error)
        return None
