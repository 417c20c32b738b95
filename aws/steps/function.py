"""The Lambda function: our handler, the encoder and the schema in one zip."""

import base64
import hashlib
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

from aws.client import Aws
from aws.config import FunctionSettings
from aws.dataset import Dataset
from aws.errors import ResourceError
from aws.names import Names
from aws.report import Step

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
HANDLER = "handler.handler"
# The runtime is the Python that runs this, so what works here is what runs there.
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold: the same files give the same bytes
READY_TIMEOUT_SECONDS = 300


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


def ensure_function(aws: Aws, names: Names, settings: FunctionSettings, role_arn: str, code: bytes, step: Step) -> str:
    """Create the function, or update what differs of its code and configuration. Returns its ARN.

    https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    """
    name = step.result = names.function
    wanted: dict[str, Any] = {
        "Role": role_arn,
        "Runtime": RUNTIME,
        "Handler": HANDLER,
        "MemorySize": settings.memory_mb,
        "Timeout": settings.timeout_seconds,
        "Environment": {"Variables": {"ENDPOINT_NAME": names.endpoint}},
    }
    found = aws.find("lambda", "GetFunctionConfiguration", FunctionName=name)
    if found is not None and found.get("State") == "Failed":
        why = f"it is Failed ({found.get('StateReason')}): it never ran and never will"
        aws.change("lambda", "DeleteFunction", why=why, FunctionName=name)
        found = None
    if found is None:
        made: dict[str, Any] = {"FunctionName": name, "Code": {"ZipFile": code}, "Tags": names.tags, **wanted}
        aws.change("lambda", "CreateFunction", why="it does not exist", **made)
    else:
        _update(aws, name, _wait(aws, name, step), wanted, code, step)
    _require_ready(_wait(aws, name, step))
    return aws.arn("lambda", f"function:{name}")


def _update(aws: Aws, name: str, found: dict[str, Any], wanted: dict[str, Any], code: bytes, step: Step) -> None:
    differing = [key for key, value in wanted.items() if found.get(key) != value]
    if differing or found.get("LastUpdateStatus") == "Failed":
        why = f"it has another {', '.join(differing)}" if differing else "its last update failed"
        aws.change("lambda", "UpdateFunctionConfiguration", why=why, FunctionName=name, **wanted)
        _require_ready(_wait(aws, name, step))
    if found["CodeSha256"] != base64.b64encode(hashlib.sha256(code).digest()).decode():
        aws.change("lambda", "UpdateFunctionCode", why="its code is another", FunctionName=name, ZipFile=code)


def _wait(aws: Aws, name: str, step: Step) -> dict[str, Any]:
    """Wait until the function is active and no update is pending: Lambda refuses another until then."""

    def is_ready(function: dict[str, Any]) -> bool:
        if function.get("State") != "Pending" and function.get("LastUpdateStatus") != "InProgress":
            return True
        step.show("Pending" if function["State"] == "Pending" else "Updating")
        return False

    return aws.wait(
        "lambda",
        "GetFunctionConfiguration",
        is_ready,
        what=f"The function {name}",
        timeout_seconds=READY_TIMEOUT_SECONDS,
        poll_seconds=min(aws.target.poll_seconds, 2),
        FunctionName=name,
    )


def _require_ready(function: dict[str, Any]) -> None:
    if "Failed" in (function.get("State"), function.get("LastUpdateStatus")):
        reason = function.get("LastUpdateStatusReason") or function.get("StateReason")
        raise ResourceError(f"The function {function['FunctionName']} did not become ready: {reason}.")
