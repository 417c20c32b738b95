"""The Lambda function: our handler, the encoder and the schema in one zip."""

import base64
import hashlib
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

from aws.client import Aws
from aws.config import DeploySettings
from aws.dataset import Dataset
from aws.errors import ResourceError
from aws.names import Names
from aws.report import Step

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
HANDLER = "handler.handler"
# The runtime is the Python that runs this, so what works here is what runs there.
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold: the same files give the same bytes
READY_TIMEOUT_SECONDS = 300


def log_group(names: Names) -> str:
    """Where Lambda writes what the function prints."""
    return f"/aws/lambda/{names.function}"


def build_zip(dataset: Dataset) -> bytes:
    """The function's code as Lambda takes it; the same bytes for the same files."""
    members = {
        "handler.py": PROJECT_FOLDER / "lambda" / "handler.py",
        "encoder.py": PROJECT_FOLDER / "data_prep" / "encoder.py",
        "schema.json": dataset.schema_path,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, path in members.items():
            member = zipfile.ZipInfo(name, ZIP_DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16  # Lambda runs as another user: all may read
            archive.writestr(member, path.read_bytes())
    return buffer.getvalue()


def ensure_function(aws: Aws, names: Names, settings: DeploySettings, role_arn: str, code: bytes, step: Step) -> str:
    """Create the function, or update what differs of its code and configuration. Returns its ARN.

    https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    """
    step.result = names.function
    wanted = {
        "Role": role_arn,
        "Runtime": RUNTIME,
        "Handler": HANDLER,
        "MemorySize": settings.function.memory_mb,
        "Timeout": settings.function.timeout_seconds,
        "Environment": {"Variables": {"ENDPOINT_NAME": names.endpoint}},
    }
    found = aws.find("lambda", "GetFunctionConfiguration", FunctionName=names.function)
    if found is not None and found.get("State") == "Failed":  # it never ran and never will
        aws.change("lambda", "DeleteFunction", FunctionName=names.function)
        found = None
    if found is None:
        aws.change(
            "lambda",
            "CreateFunction",
            FunctionName=names.function,
            Code={"ZipFile": code},
            Tags=names.tags,
            **wanted,
        )
    else:
        found = _wait(aws, names.function, step)
        if any(found.get(key) != value for key, value in wanted.items()):
            aws.change("lambda", "UpdateFunctionConfiguration", FunctionName=names.function, **wanted)
            found = _wait(aws, names.function, step)
        if found["CodeSha256"] != base64.b64encode(hashlib.sha256(code).digest()).decode():
            aws.change("lambda", "UpdateFunctionCode", FunctionName=names.function, ZipFile=code)
    return str(_wait(aws, names.function, step)["FunctionArn"])


def _wait(aws: Aws, name: str, step: Step) -> dict[str, Any]:
    """Wait until the function is active and no update is pending: Lambda refuses another until then."""
    function: dict[str, Any] = {}

    def is_ready() -> bool:
        nonlocal function
        function = aws.find("lambda", "GetFunctionConfiguration", FunctionName=name) or {}
        if function.get("State") != "Pending" and function.get("LastUpdateStatus") != "InProgress":
            return True
        step.show("Pending" if function["State"] == "Pending" else "Updating")
        return False

    aws.wait_until(
        is_ready,
        what=f"The function {name}",
        timeout_seconds=READY_TIMEOUT_SECONDS,
        poll_seconds=min(aws.target.poll_seconds, 2),
    )
    if function.get("State") == "Failed" or function.get("LastUpdateStatus") == "Failed":
        reason = function.get("LastUpdateStatusReason") or function.get("StateReason")
        raise ResourceError(f"The function {name} did not become ready: {reason}.")
    return function
