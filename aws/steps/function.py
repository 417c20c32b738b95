"""Lambda functions: made as wanted, and called by whom they are for. The first: handler, encoder, schema in one zip."""

import base64
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws.client import Aws
from aws.dataset import Dataset
from aws.errors import ResourceError
from aws.names import Names
from aws.report import Step
from aws.steps.storage import ASYNC_PREFIX

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
HANDLER = "handler.handler"
STATEMENT_IDS = {"apigateway.amazonaws.com": "api-gateway", "events.amazonaws.com": "event-bridge"}
# The runtime is the Python that runs this, so what works here is what runs there.
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold: the same files give the same bytes
READY_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Function:
    """A function as it is wanted, but for its code. ``variables`` are its environment."""

    name: str
    handler: str
    role_arn: str
    variables: Mapping[str, str]
    memory_mb: int
    timeout_seconds: int


def variables(names: Names, *, asynchronous: bool) -> dict[str, str]:
    """What the function between API and endpoint is told: whom it asks; where its questions go, if they are to wait."""
    questions = {"ASYNC_INPUT": f"s3://{names.bucket}/{ASYNC_PREFIX}in"} if asynchronous else {}
    return {"ENDPOINT_NAME": names.endpoint, **questions}


def build_zip(dataset: Dataset) -> bytes:
    """The code of the function between API and endpoint."""
    return zipped(
        {
            "handler.py": PROJECT_FOLDER / "lambda" / "handler.py",
            "encoder.py": PROJECT_FOLDER / "data_prep" / "encoder.py",
            "schema.json": dataset.schema_path,
        }
    )


def zipped(members: Mapping[str, Path]) -> bytes:
    """Files by their names in a zip, as Lambda takes code; the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, path in members.items():
            member = zipfile.ZipInfo(name, ZIP_DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16  # Lambda runs as another user: all may read
            archive.writestr(member, path.read_bytes())
    return buffer.getvalue()


def ensure_function(aws: Aws, names: Names, function: Function, code: bytes, step: Step) -> str:
    """Create the function, or update what differs of its code and configuration. Returns its ARN.

    https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    """
    name = step.result = function.name
    wanted: dict[str, Any] = {
        "Role": function.role_arn,
        "Runtime": RUNTIME,
        "Handler": function.handler,
        "MemorySize": function.memory_mb,
        "Timeout": function.timeout_seconds,
        "Environment": {"Variables": dict(function.variables)},
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


def ensure_permission(aws: Aws, function_name: str, principal: str, source_arn: str) -> None:
    """Let this one source, and no other of its service, call the function.

    https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
    """
    statement_id = STATEMENT_IDS[principal]
    found = aws.find("lambda", "GetPolicy", FunctionName=function_name) or {"Policy": '{"Statement": []}'}
    statements = {statement["Sid"]: statement for statement in json.loads(found["Policy"])["Statement"]}
    current = statements.get(statement_id)
    if current is not None:
        if current.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn") == source_arn:
            return
        why = "it is for another source"
        aws.change("lambda", "RemovePermission", why=why, FunctionName=function_name, StatementId=statement_id)
    aws.change(
        "lambda",
        "AddPermission",
        why="this source, and no other, may call the function",
        FunctionName=function_name,
        StatementId=statement_id,
        Action="lambda:InvokeFunction",
        Principal=principal,
        SourceArn=source_arn,
    )
