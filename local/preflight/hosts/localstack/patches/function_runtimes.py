"""What a function runs on, where the answer of Lambda has a place for it.

RuntimeVersionConfig is what tells of the version of a runtime that a function has, and in its Error of what is wrong
with it: https://docs.aws.amazon.com/lambda/latest/api/API_RuntimeVersionConfig.html. LocalStack has none.
"""

from collections.abc import Iterator
from typing import Any

from localstack.services.lambda_ import api_utils
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion
from localstack.utils.patch import Patch

from preflight.hosts.localstack.lambda_.runtime import runtime_of


def patches() -> Iterator[Patch]:
    """Add the warning to every description of a function that runs on another version than it names."""
    describe = api_utils.map_config_out

    def map_config_out(version: FunctionVersion, *arguments: Any, **named: Any) -> Any:
        described = describe(version, *arguments, **named)
        if warning := runtime_of(version.config.runtime).warning:
            error = {"ErrorCode": "PreflightRuntimeSubstituted", "Message": warning}
            described["RuntimeVersionConfig"] = {**(described.get("RuntimeVersionConfig") or {}), "Error": error}
        return described

    yield Patch(api_utils, "map_config_out", map_config_out)
