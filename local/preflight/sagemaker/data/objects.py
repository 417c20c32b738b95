"""Which S3 objects a data source names, and which of them a host gets."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import s3
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.data.artifacts import ArtifactError, path_below, unreadable


@dataclass(frozen=True)
class InputObject:
    """One object of a channel and its ``path`` below the channel's folder."""

    uri: S3Uri
    path: str


def list_objects(services: Clients, scope: Scope, source: Mapping[str, Any]) -> list[InputObject]:
    """The objects of an S3DataSource, S3Prefix or ManifestFile, in key or manifest order.

    Raises:
        ArtifactError: the manifest cannot be read.
    """
    uri = S3Uri.parse(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        return _read_manifest(services, scope, uri)
    return [
        InputObject(S3Uri(uri.bucket, entry.key), path_below(uri.key, entry.key))
        for entry in s3.objects(services, scope, uri)
        if not entry.key.endswith("/")  # a folder marker of the console
    ]


def share(objects: Sequence[InputObject], place: int, hosts: int, seed: int | None, epoch: int) -> list[InputObject]:
    """What the host at ``place`` of ``hosts`` gets; with a ``seed``, shuffled anew for each ``epoch``."""
    ordered = list(objects)
    if seed is not None:
        random.Random(f"{seed}/{epoch}").shuffle(ordered)
    return ordered[place::hosts]


def _read_manifest(services: Clients, scope: Scope, uri: S3Uri) -> list[InputObject]:
    """``[{"prefix": "s3://bucket/some/prefix/"}, "relative/key", ...]``; a relative key is also the file's path."""
    try:
        body = services.client("s3", scope).get_object(Bucket=uri.bucket, Key=uri.key)["Body"].read()
    except S3_ERRORS as error:
        raise unreadable(uri, error) from error
    try:
        head, *relative_keys = json.loads(body)
        prefix = head["prefix"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _bad_manifest(uri, 'it must be a JSON array that starts with {"prefix": "s3://..."}') from None
    try:
        base = S3Uri.parse(prefix if _is_text(prefix) and prefix.startswith("s3://") else "")
    except ValidationException:
        raise _bad_manifest(uri, f"the prefix {json.dumps(prefix)} is not an S3 URI") from None
    if not relative_keys:
        raise _bad_manifest(uri, "it names no object")
    for key in relative_keys:
        if not _is_text(key):
            raise _bad_manifest(uri, f"{json.dumps(key)} is not a relative key")
    return [InputObject(S3Uri(base.bucket, base.key + key), key.lstrip("/")) for key in relative_keys]


def _is_text(value: object) -> TypeGuard[str]:
    """JSON may hold half of a surrogate pair, which no key of S3 can."""
    return isinstance(value, str) and value != "" and not any("\ud800" <= character <= "\udfff" for character in value)


def _bad_manifest(uri: S3Uri, reason: str) -> ArtifactError:
    return ArtifactError(f"The manifest file {uri} is invalid: {reason}.")  # words guessed
