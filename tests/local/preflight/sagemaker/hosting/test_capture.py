"""Data capture of endpoints: the lines, the files, what is chosen, and that no answer waits for it."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from preflight.waiting import wait_until
from tests.local.conftest import Make, make_config, make_model, make_role, refusal, unique, wait_for_endpoint
from tests.local.odd_service import OddService
from tests.local.preflight.sagemaker.transform.conftest import read_objects

BOTH = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
TYPES = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}
NAME = re.compile(r"(\d{4}/\d\d/\d\d/\d\d)/(\d\d)-(\d\d)-(\d\d\d)-[0-9a-f-]{36}\.jsonl")


@pytest.fixture(scope="module")
def odd(stack: Stack, role: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddService]:
    """Files are stored half a second after their first line."""
    service = OddService(stack, role, tmp_path_factory.mktemp("odd"), capture_seconds=0.5)
    yield service
    service.close()


class Captured:
    """An endpoint of one variant, and where what it was asked is captured."""

    def __init__(
        self, odd: OddService, s3: Any, bucket: str, *, variants: int = 1, environment: Any = None, **config: Any
    ) -> None:
        self.odd, self._s3, self._bucket, self.folder = odd, s3, bucket, unique("captured")
        self._variants, self._environment = variants, environment or {}
        self.name = odd.endpoint(self.config(**config))

    def config(self, **members: Any) -> str:
        capture = {
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{self._bucket}/{self.folder}/",
            "CaptureOptions": BOTH,
            "CaptureContentTypeHeader": TYPES,
        } | members
        return self.odd.config(*[self.odd.model(self._environment) for _ in range(self._variants)], capture=capture)

    def ask(self, body: Any = "1,2", **members: Any) -> Any:
        return self.odd.ask(self.name, body, **members)

    def delete(self) -> None:
        """Returns when it is gone."""
        self.odd.call("DeleteEndpoint", EndpointName=self.name)
        assert wait_until(lambda: not self._listed(), 60, 0.02)

    def _listed(self) -> list[Any]:
        return list(self.odd.call("ListEndpoints", NameContains=self.name)["Endpoints"])

    def files(self) -> dict[str, bytes]:
        """By name below ``<destination>/<endpoint>/``."""
        return read_objects(self._s3, self._bucket, f"{self.folder}/{self.name}/")

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for content in self.files().values() for line in content.splitlines()]


@pytest.fixture
def captured(odd: OddService, client: Make, bucket: str) -> Callable[..., Captured]:
    return lambda **members: Captured(odd, client("s3"), bucket, **members)


def test_a_record_has_what_was_asked_and_answered_as_aws_writes_it(captured: Make) -> None:
    endpoint = captured()
    answer = {"body": "0.02", "headers": {"Content-Type": "text/csv; charset=utf-8"}}
    asked = json.dumps(answer) + "\n"
    before = datetime.now(UTC).replace(microsecond=0)
    endpoint.ask(asked, ContentType="text/csv", InferenceId="mine", CustomAttributes="of=mine")
    endpoint.delete()

    [(name, content)] = endpoint.files().items()
    record = json.loads(content)
    metadata = record["eventMetadata"]

    assert content.count(b"\n") == 1 and content.endswith(b"\n")
    assert record["captureData"] == {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": asked, "encoding": "CSV"},
        "endpointOutput": {
            "observedContentType": "text/csv; charset=utf-8",
            "mode": "OUTPUT",
            "data": "0.02",
            "encoding": "CSV",
        },
    }
    assert list(record) == ["captureData", "eventMetadata", "eventVersion"] and record["eventVersion"] == "0"
    assert re.fullmatch(r"[0-9a-f-]{36}", metadata["eventId"]) and metadata["inferenceId"] == "mine"
    moment = datetime.strptime(metadata["inferenceTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert before <= moment <= datetime.now(UTC)
    variant, _, path = name.partition("/")
    found = NAME.fullmatch(path)
    assert variant == "v1" and found
    assert (found[1], found[2], found[3]) == tuple(f"{moment:%Y/%m/%d/%H %M %S}".split())


@pytest.mark.parametrize(
    ("content_type", "body", "types", "data", "encoding"),
    [
        ("application/json", '{"a": 1}', TYPES, '{"a": 1}', "JSON"),
        ("TEXT/CSV;charset=utf-8", "é", TYPES, "é", "CSV"),
        ("text/plain", "é", TYPES, base64.b64encode("é".encode()).decode(), "BASE64"),
        ("text/csv", "1,2", {"JsonContentTypes": ["text/csv"]}, "1,2", "JSON"),
        ("text/csv", "1,2", None, base64.b64encode(b"1,2").decode(), "BASE64"),
        ("text/csv", b"\xff\x00", TYPES, base64.b64encode(b"\xff\x00").decode(), "BASE64"),
    ],
)
def test_types_that_are_named_are_text_and_all_others_base64(
    captured: Make, odd: OddService, content_type: str, body: Any, types: Any, data: str, encoding: str
) -> None:
    endpoint = captured(CaptureContentTypeHeader=types or {}, environment={"ODD_ECHO": "1"})
    odd.runtime.invoke_endpoint(EndpointName=endpoint.name, ContentType=content_type, Body=body)
    endpoint.delete()

    [record] = endpoint.records()
    side = record["captureData"]["endpointInput"]

    assert (side["observedContentType"], side["data"], side["encoding"]) == (content_type, data, encoding)


@pytest.mark.parametrize(
    ("modes", "sides"),
    [
        (["Input"], ["endpointInput"]),
        (["Output"], ["endpointOutput"]),
        (["InputAndOutput"], ["endpointInput", "endpointOutput"]),
    ],
)
def test_only_the_sides_that_are_asked_for_are_captured(captured: Make, modes: list[str], sides: list[str]) -> None:
    endpoint = captured(CaptureOptions=[{"CaptureMode": mode} for mode in modes])
    endpoint.ask()
    endpoint.delete()

    assert [list(record["captureData"]) for record in endpoint.records()] == [sides]


def test_a_file_is_stored_while_the_endpoint_serves_and_the_next_call_begins_another(captured: Make) -> None:
    endpoint = captured()
    endpoint.ask("1")
    assert wait_until(lambda: len(endpoint.files()) == 1, 30, 0.05)
    endpoint.ask("2")
    assert wait_until(lambda: len(endpoint.files()) == 2, 30, 0.05)

    assert sorted(record["captureData"]["endpointInput"]["encoding"] for record in endpoint.records()) == ["BASE64"] * 2


def test_each_variant_has_files_of_its_own(captured: Make) -> None:
    endpoint = captured(variants=2)
    for variant in ("v1", "v2"):
        endpoint.ask(TargetVariant=variant)
    endpoint.delete()

    assert sorted(name.partition("/")[0] for name in endpoint.files()) == ["v1", "v2"]


def test_a_call_that_fails_is_not_captured(captured: Make, odd: OddService) -> None:
    endpoint = captured()
    with pytest.raises(odd.runtime.exceptions.ModelError):
        endpoint.ask({"status": 500})
    endpoint.ask()
    endpoint.delete()

    assert len(endpoint.records()) == 1


def test_sampling_takes_about_its_share_and_none_of_nothing(captured: Make) -> None:
    half, none = captured(InitialSamplingPercentage=50), captured(InitialSamplingPercentage=0)
    for endpoint in (half, none):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _, one=endpoint: one.ask("1"), range(200)))
        endpoint.delete()

    assert 50 < len(half.records()) < 150  # 7 standard deviations
    assert none.files() == {}


def test_an_update_turns_capture_off_and_on_and_loses_nothing(captured: Make, odd: OddService) -> None:
    endpoint = captured()

    def shown() -> Any:
        return odd.call("DescribeEndpoint", EndpointName=endpoint.name)["DataCaptureConfig"]

    def update(**members: Any) -> None:
        config = endpoint.config(**members)
        odd.call("UpdateEndpoint", EndpointName=endpoint.name, EndpointConfigName=config)
        odd.settled(endpoint.name)

    assert (shown()["EnableCapture"], shown()["CaptureStatus"]) == (True, "Started")
    endpoint.ask("1")
    update(EnableCapture=False)
    assert (shown()["EnableCapture"], shown()["CaptureStatus"]) == (False, "Stopped")
    endpoint.ask("2")
    update(InitialSamplingPercentage=100)
    endpoint.ask("3")
    endpoint.delete()

    asked = {base64.b64decode(one["captureData"]["endpointInput"]["data"]) for one in endpoint.records()}
    assert asked == {b"1", b"3"}


def test_a_thousand_calls_side_by_side_are_a_thousand_records(captured: Make) -> None:
    endpoint = captured()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: endpoint.ask(str(number)), range(1000)))
    endpoint.delete()

    records = endpoint.records()
    asked = {base64.b64decode(record["captureData"]["endpointInput"]["data"]) for record in records}
    assert len(records) == 1000 and asked == {str(number).encode() for number in range(1000)}
    assert len({record["eventMetadata"]["eventId"] for record in records}) == 1000


def test_a_role_that_may_not_store_costs_no_answer(
    odd: OddService, captured: Make, client: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reads = {"Effect": "Allow", "Action": ["logs:*", "s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    role = make_role(client("iam"), "sagemaker.amazonaws.com", [reads])
    monkeypatch.setattr(odd, "_role", role)
    endpoint = captured()
    assert endpoint.ask("1")["Body"].read() == b"odd(1)"
    endpoint.delete()

    assert endpoint.files() == {}
    assert f"Data capture of endpoint {endpoint.name}: " in caplog.text and "AccessDenied" in caplog.text


def test_what_cannot_be_captured_is_refused(sagemaker: Any, model: str, bucket: str) -> None:
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/capture",
        "CaptureOptions": BOTH,
    }

    def said(variant: dict[str, Any], **members: Any) -> str:
        variants = [{"VariantName": "v", "ModelName": model} | variant]
        request = {"EndpointConfigName": unique("config"), "ProductionVariants": variants}
        return refusal(sagemaker.create_endpoint_config, **request, DataCaptureConfig=capture | members)[0]

    instance = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    serverless = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    assert said(serverless) == "ValidationException"
    assert said(instance, KmsKeyId="alias/not-there") == "ValidationException"
    assert said(instance, InitialSamplingPercentage=101) == "ValidationException"


def test_what_is_captured_of_an_endpoint_that_ends_leaves_no_folder(captured: Make, odd: OddService) -> None:
    endpoint = captured()
    endpoint.ask()
    assert wait_until(lambda: list(odd.folder.rglob("*.jsonl")), 30, 0.01)
    endpoint.delete()

    assert not [path for path in Path(odd.folder).rglob("*") if endpoint.name in path.name]


def test_what_is_captured_last_is_stored_while_the_stack_stops(client: Make, artifact: str, tmp_path: Path) -> None:
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    archive = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    own = Stack(port=free_port(), home=tmp_path)
    own.up()
    try:
        session = boto3.Session("test", "test", region_name="us-east-1")
        services = ("sagemaker", "sagemaker-runtime", "s3", "iam")
        sagemaker, runtime, s3, iam = (session.client(name, endpoint_url=own.endpoint_url) for name in services)
        s3.create_bucket(Bucket="own")
        s3.put_object(Bucket="own", Key="model.tar.gz", Body=archive)
        model = make_model(sagemaker, make_role(iam, "sagemaker.amazonaws.com"), "s3://own/model.tar.gz")
        capture = {"InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://own/captured", "CaptureOptions": BOTH}
        config = make_config(sagemaker, model, together={"DataCaptureConfig": capture})
        sagemaker.create_endpoint(EndpointName="own", EndpointConfigName=config)
        wait_for_endpoint(sagemaker, "own")
        runtime.invoke_endpoint(EndpointName="own", ContentType="text/csv", Body="4,1")
    finally:
        own.down()

    ending = own.log_file.read_text().partition("received signal")[2]
    assert "AWS s3.PutObject => 200" in ending and "could not be stored" not in ending
