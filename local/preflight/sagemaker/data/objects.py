"""Which S3 objects a data source names, and which of them a host gets."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import s3
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.data.manifests import read_manifest
from preflight.sagemaker.data.names import path_below


@dataclass(frozen=True)
class InputObject:
    """One object of a channel and its ``path`` below the channel's folder."""

    uri: S3Uri
    path: str


def objects_below(services: Clients, scope: Scope, uri: S3Uri) -> list[InputObject]:
    """The objects of S3DataType S3Prefix, in the order of their keys."""
    return [
        InputObject(S3Uri(uri.bucket, entry.key), path_below(uri.key, entry.key))
        for entry in s3.objects(services, scope, uri)
        if not entry.key.endswith("/")  # a folder marker of the console
    ]


def objects_of_manifest(services: Clients, scope: Scope, uri: S3Uri) -> list[InputObject]:
    """The objects of S3DataType ManifestFile, in its order; a relative key is also the file's path.

    Raises:
        ArtifactError: the manifest cannot be read.
    """
    base, relative_keys = read_manifest(services, scope, uri)
    return [InputObject(S3Uri(base.bucket, base.key + key), key.lstrip("/")) for key in relative_keys]


def share(objects: Sequence[InputObject], place: int, hosts: int, seed: int | None, epoch: int) -> list[InputObject]:
    """What the host at ``place`` of ``hosts`` gets; with a ``seed``, shuffled anew for each ``epoch``."""
    ordered = list(objects)
    if seed is not None:
        random.Random(f"{seed}/{epoch}").shuffle(ordered)
    return ordered[place::hosts]
