"""DataCaptureConfig of a job: manifests of what went in and of what came out, by the hour in which it started.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-batch.html
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.data import captured
from preflight.sagemaker.data.objects import InputObject
from preflight.sagemaker.transform.assembling import SUFFIX, output_folder
from preflight.sagemaker.transform.request import CreateTransformJob


def capture(
    services: Clients,
    scope: Scope,
    request: CreateTransformJob,
    started: datetime,
    objects: Sequence[InputObject],
) -> None:
    """Write both manifests of the ``objects`` that have a result, if ``request`` asks for them.

    Raises:
        One of S3_ERRORS.
    """
    config = request.data_capture_config
    if config is None or not objects:
        return
    paths = [source.path for source in objects]
    manifests = {
        "input": _manifest(_prefix(objects[0]), paths),
        "output": _manifest(str(output_folder(request.transform_output)), [f"{path}{SUFFIX}" for path in paths]),
    }
    for kind, manifest in manifests.items():
        path = f"{kind}/{captured.hour(started)}/{uuid.uuid4()}.manifest"
        captured.store(services, scope, config.destination_s3_uri, config.kms_key_id, path, manifest)


def _prefix(source: InputObject) -> str:
    return str(source.uri).removesuffix(source.path)


def _manifest(prefix: str, paths: Iterable[str]) -> bytes:
    return json.dumps([{"prefix": prefix}, *paths]).encode()
