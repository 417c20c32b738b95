"""Functions' .zip files, unpacked into their folder and nowhere else.

LocalStack's own way follows links out of the folder, and knows no limit of what a file unpacks to.
"""

from collections.abc import Iterator

from localstack.services.lambda_.invocation import lambda_models
from localstack.utils.patch import Patch

from preflight.hosts.localstack.lambda_.code import unpack


def patches() -> Iterator[Patch]:
    """Put our unpacking in the place of it."""
    yield Patch(lambda_models, "unzip", unpack)
