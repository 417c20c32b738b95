"""Files for ``preflight state import`` whose makers had something else in mind: each is refused before it does any."""

import json
import pickle
import re
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.stack import Stack
from preflight.state_file.archive import FileProblem
from preflight.state_file.importing import import_file
from tests.local.conftest import unique

MAX_BYTES = 1_000_000
MANIFEST = ("manifest.json", json.dumps({"format": 1}))
ROLE = "arn:aws:iam::000000000000:role/r"
SCOPE = {"account_id": "000000000000", "region": "us-east-1"}
Make = Callable[..., Any]
Member = tuple[str | zipfile.ZipInfo, str | bytes]


def request(service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    return {"service": service, "region": "us-east-1", "operation": operation, "parameters": parameters}


def requests_member(*requests: Any) -> Member:
    return "requests/1.json", json.dumps(requests)


def function(code: Any) -> dict[str, Any]:
    described = {"FunctionName": "f", "Role": ROLE, "Runtime": "python3.12", "Handler": "a.b"}
    return request("lambda", "CreateFunction", Code=code, **described)


def document(kind: str = "model-package-group", tags: Any = None, **record: Any) -> Member:
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:{kind}/strange"
    asked = {"ModelPackageGroupName": "strange"}
    whole = {"scope": SCOPE, "name": "strange", "arn": arn, "request": asked, **record}
    return "sagemaker/1.json", json.dumps({"format": 1, "kind": kind, "tags": tags or {}, "record": whole})


def link(name: str, target: str) -> Member:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target


class Runs:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('code of a file ran')",)


RULE = {"Name": "r", "ScheduleExpression": "rate(1 minute)"}
SUBSCRIPTION = {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Protocol": "http", "Endpoint": "http://elsewhere"}
HOT = {"S3Bucket": "hot-reload", "S3Key": "/etc"}
STRANGE: dict[str, tuple[str, list[Member]]] = {  # with words of the refusal
    "a pickle of a service": ("nothing that", [MANIFEST, ("services/s3/s3.store", pickle.dumps(Runs()))]),
    "a pickle called a document": ("cannot be read", [MANIFEST, ("sagemaker/1.json", pickle.dumps(Runs()))]),
    "a pickle called requests": ("cannot be read", [MANIFEST, ("requests/1.json", pickle.dumps(Runs()))]),
    "a way out of the folder": ("nothing that", [MANIFEST, ("../manifest.json", "{}")]),
    "an absolute path": ("nothing that", [MANIFEST, ("/tmp/bytes/1", "{}")]),
    "a link": ("nothing that", [MANIFEST, link("bytes/1", "/etc/passwd")]),
    "more than may be unpacked": ("more than 0.95", [MANIFEST, ("bytes/1", b"\0" * (MAX_BYTES + 1))]),
    "no manifest": ("manifest.json in it cannot be read", [requests_member()]),
    "another form": ("newer Preflight", [("manifest.json", json.dumps({"format": 2}))]),
    "no JSON": ("cannot be read", [("manifest.json", "{")]),
    "JSON too deep": ("cannot be read", [MANIFEST, ("sagemaker/1.json", "[" * 100_000)]),
    "a request that runs a function": (
        "Invoke, which no import does",
        [MANIFEST, requests_member(request("lambda", "Invoke", FunctionName="f"))],
    ),
    "a request of another service": ("'ec2'", [MANIFEST, requests_member(request("ec2", "RunInstances"))]),
    "a request that deletes": (
        "DeleteBucket, which no import does",
        [MANIFEST, requests_member(request("s3", "DeleteBucket", Bucket="b"))],
    ),
    "a request of another shape": (
        "not as AWS takes it",
        [MANIFEST, requests_member(request("s3", "CreateBucket", Buckets="b"))],
    ),
    "requests that are none": ("no list", [MANIFEST, ("requests/1.json", '{"service": "s3"}')]),
    "bytes that are elsewhere": (
        "not in the file",
        [
            MANIFEST,
            requests_member(request("s3", "PutObject", Bucket="b", Key="k", Body={"$bytes": "../../x"})),
        ],
    ),
    "code that is a folder of this machine": ("somebody's machine", [MANIFEST, requests_member(function(HOT))]),
    "a rule that acts by itself": (
        "a schedule acts by itself",
        [MANIFEST, requests_member(request("events", "PutRule", **RULE))],
    ),
    "a subscription of a web address": (
        "nothing may be sent to 'http'",
        [MANIFEST, requests_member(request("sns", "Subscribe", **SUBSCRIPTION))],
    ),
    "a document of no kind": ("'rocket'", [MANIFEST, document("rocket")]),
    "a document without what it needs": ("'endpoint' cannot be read", [MANIFEST, document("endpoint")]),
    "a name that leads out": ("no resource can have that name", [MANIFEST, document(name="../../strange")]),
    "an account that leads out": (
        "do not belong together",
        [MANIFEST, document(scope={"account_id": "../../..", "region": "us-east-1"})],
    ),
    "a name inside that leads out": (
        "leads out of its folder",
        [MANIFEST, document(request={"ModelPackageGroupName": "../x"})],
    ),
    "an ARN of another account": (
        "do not belong together",
        [MANIFEST, document(arn="arn:aws:sagemaker:us-east-1:111111111111:x/strange")],
    ),
    "a document that is a list": ("cannot be read", [MANIFEST, ("sagemaker/1.json", "[]")]),
    "an endpoint that would start at once": (
        "it is at work",
        [
            MANIFEST,
            document("endpoint", request=None, config_name="c", status="Creating"),
        ],
    ),
    "one thing twice": ("described twice", [MANIFEST, document(), ("sagemaker/2.json", document()[1])]),
}


def packed(path: Path, members: list[Member]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("strange", STRANGE)
def test_a_strange_file_is_refused_and_nothing_of_it_is_done(
    stack: Stack, client: Make, tmp_path: Path, strange: str
) -> None:
    bucket = unique("of-a-stranger")
    first = ("requests/0.json", json.dumps([request("s3", "CreateBucket", Bucket=bucket)]))
    words, members = STRANGE[strange]
    path = packed(tmp_path / "file", [first, *members])

    with pytest.raises(FileProblem, match=re.escape(words)) as refused:
        import_file(stack.endpoint_url, path, MAX_BYTES)

    assert bucket not in [each["Name"] for each in client("s3").list_buckets()["Buckets"]]
    assert "strange" not in str(client("sagemaker").list_model_package_groups(NameContains="strange"))
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_archive_is_refused(stack: Stack, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(FileProblem, match="cannot be unpacked"):
        import_file(stack.endpoint_url, path, MAX_BYTES)


def test_what_is_there_already_is_not_mixed_with_a_file(
    stack: Stack, client: Make, bucket: str, tmp_path: Path
) -> None:
    other = unique("of-a-file")
    requests = [request("s3", "CreateBucket", Bucket=name) for name in (other, bucket)]

    with pytest.raises(FileProblem, match=f"s3's {bucket} already"):
        import_file(stack.endpoint_url, packed(tmp_path / "file", [MANIFEST, requests_member(*requests)]), MAX_BYTES)

    assert other not in [each["Name"] for each in client("s3").list_buckets()["Buckets"]]
