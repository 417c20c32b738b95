"""S3, with what it stores in the stack's own folder.

LocalStack's own keeps it in one folder of the machine, where two stacks with a bucket of the same name take each
other's objects away.
"""

import functools
import tempfile
from pathlib import Path
from typing import Any

from localstack.services.plugins import Service, aws_provider


@aws_provider(api="s3", name="preflight")
def s3() -> Service:
    """LocalStack's S3 over a folder of this stack; ``TMPDIR`` is the stack's own."""
    from localstack.services.s3.provider import S3Provider

    return Service.for_provider(S3Provider(objects()))


@functools.cache
def objects() -> Any:
    """What is stored: LocalStack's EphemeralS3ObjectStore."""
    from localstack.services.s3.storage.ephemeral import EphemeralS3ObjectStore

    return EphemeralS3ObjectStore(str(Path(tempfile.gettempdir(), "s3")))
