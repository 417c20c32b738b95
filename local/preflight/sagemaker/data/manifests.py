"""Manifests: objects of a channel named one by one.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
"""

import contextlib
import json
from typing import Any, TypeGuard

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.data.errors import ArtifactError, unreadable


def read_manifest(services: Clients, scope: Scope, uri: S3Uri) -> tuple[S3Uri, list[str]]:
    """The prefix and the keys relative to it: ``[{"prefix": "s3://bucket/some/prefix/"}, "relative/key", ...]``.

    Raises:
        ArtifactError: it cannot be read.
    """
    try:
        head, *relative_keys = json.loads(_read(services, scope, uri))
        prefix: Any = head["prefix"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _bad(uri, 'it must be a JSON array that starts with {"prefix": "s3://..."}') from None
    try:
        base = S3Uri.parse(prefix if _is_text(prefix) and prefix.startswith("s3://") else "")
    except ValidationException:
        raise _bad(uri, f"the prefix {json.dumps(prefix)} is not an S3 URI") from None
    if not relative_keys:
        raise _bad(uri, "it names no object")
    for key in relative_keys:
        if not _is_text(key):
            raise _bad(uri, f"{json.dumps(key)} is not a relative key")
    return base, relative_keys


def _read(services: Clients, scope: Scope, uri: S3Uri) -> bytes:
    try:
        answer = services.client("s3", scope).get_object(Bucket=uri.bucket, Key=uri.key)
        with contextlib.closing(answer["Body"]) as body:
            content: bytes = body.read()
    except S3_ERRORS as error:
        raise unreadable(uri, error) from error
    return content


def _is_text(value: object) -> TypeGuard[str]:
    """JSON may hold half of a surrogate pair, which no key of S3 can."""
    return isinstance(value, str) and value != "" and not any("\ud800" <= character <= "\udfff" for character in value)


def _bad(uri: S3Uri, reason: str) -> ArtifactError:
    return ArtifactError(guessed(f"The manifest file {uri} is invalid: {reason}."))
