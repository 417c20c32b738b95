"""What the container gets of an object, and what becomes of its answers."""

import gzip
import json
import struct
from collections.abc import Callable

import pytest

from tests.local.odd_service import OddService
from tests.local.preflight.sagemaker.transform.conftest import Transform, orders

LINE = {"SplitType": "Line"}
MIB = 1 << 20


def test_an_object_that_is_not_split_is_one_request(transform: Transform) -> None:
    job = transform("a\nb\n")
    assert job.outputs == {"data.txt.out": b"odd(a\nb\n)"}
    assert job.status == "Completed"


def test_single_record_sends_a_line_at_a_time(transform: Transform) -> None:
    job = transform("a\nb\nc", source=LINE, BatchStrategy="SingleRecord", output={"AssembleWith": "Line"})
    assert job.output == "odd(a\n)\nodd(b\n)\nodd(c)\n"


def test_multi_record_fills_the_payload_with_whole_lines(transform: Transform) -> None:
    lines = [f"{number:0{700 * 1024}d}\n" for number in range(3)]
    job = transform("".join(lines), source=LINE, BatchStrategy="MultiRecord", MaxPayloadInMB=1)
    assert job.output == f"odd({lines[0]})odd({lines[1]})odd({lines[2]})"
    job = transform("".join(lines), source=LINE, BatchStrategy="MultiRecord", MaxPayloadInMB=2)
    assert job.output == f"odd({lines[0]}{lines[1]})odd({lines[2]})"


def test_an_answer_that_ends_its_line_gets_no_second_newline(transform: Transform) -> None:
    job = transform(
        f"{orders(body='1\n')}\n{orders(body='2')}\n",
        source=LINE,
        BatchStrategy="SingleRecord",
        output={"AssembleWith": "Line"},
    )
    assert job.output == "1\n2\n"


def test_a_record_over_the_limit_fails_its_object_alone(transform: Transform) -> None:
    job = transform({"big": "x" * MIB * 2, "small": "a\n"}, source=LINE, MaxPayloadInMB=1)
    assert job.outputs == {"small.out": b"odd(a\n)"}
    assert (job.status, job.description["FailureReason"]) == (
        "Failed",
        "ClientError: See job logs for more information",
    )


def test_an_empty_object_that_is_split_has_an_empty_result(transform: Transform) -> None:
    assert transform("", source=LINE).outputs == {"data.txt.out": b""}


def recordio(*records: bytes) -> bytes:
    return b"".join(
        struct.pack("<II", 0xCED7230A, len(record)) + record + b"\0" * (-len(record) % 4) for record in records
    )


def tfrecord(*records: bytes) -> bytes:
    return b"".join(struct.pack("<QI", len(record), 1) + record + struct.pack("<I", 2) for record in records)


@pytest.mark.parametrize(("split_type", "pack"), [("RecordIO", recordio), ("TFRecord", tfrecord)])
def test_binary_records_are_sent_bare_when_alone_and_wrapped_together(
    transform: Transform, split_type: str, pack: Callable[..., bytes]
) -> None:
    packed = pack(b"one", b"three")
    source, echo = {"SplitType": split_type}, {"ODD_ECHO": "1"}
    single = transform({"x": packed}, source=source, environment=echo, BatchStrategy="SingleRecord")
    multi = transform({"x": packed}, source=source, environment=echo, BatchStrategy="MultiRecord")
    assert single.outputs == {"x.out": b"onethree"}
    assert multi.outputs == {"x.out": packed}


def test_an_object_that_ends_within_a_record_has_no_result(transform: Transform) -> None:
    job = transform({"x": recordio(b"one", b"three")[:-3]}, source={"SplitType": "RecordIO"})
    assert (job.status, job.outputs) == ("Failed", {})


def test_gzip_is_unpacked_before_it_is_split(transform: Transform) -> None:
    packed = gzip.compress(b"a\n") + gzip.compress(b"b\n")
    job = transform({"x.gz": packed}, source={"CompressionType": "Gzip", **LINE}, BatchStrategy="SingleRecord")
    assert job.outputs == {"x.gz.out": b"odd(a\n)odd(b\n)"}


def test_what_is_not_gzip_fails_in_the_log(transform: Transform) -> None:
    job = transform({"x.gz": "plain"}, source={"CompressionType": "Gzip"})
    assert job.status == "Failed"
    assert "is not gzip" in job.log[-1]


def test_without_a_limit_an_object_goes_through_in_chunks(transform: Transform) -> None:
    body = b"0123456789" * 2 * MIB
    job = transform({"x": body}, environment={"ODD_ECHO": "1"}, MaxPayloadInMB=0)
    assert job.outputs == {"x.out": body}


def test_answers_keep_the_order_of_the_records(transform: Transform) -> None:
    records = [orders(body=f"{number} ", delay=0.2 if number == 0 else 0) for number in range(6)]
    job = transform("\n".join(records), source=LINE, BatchStrategy="SingleRecord", MaxConcurrentTransforms=3)
    assert job.output == "0 1 2 3 4 5 "


def test_requests_of_one_object_and_of_the_next_are_made_side_by_side(transform: Transform) -> None:
    order = orders(meet=4, body="met")
    together = transform(
        {"a": f"{order}\n{order}\n", "b": order, "c": order},
        source=LINE,
        BatchStrategy="SingleRecord",
        MaxConcurrentTransforms=4,
    )
    assert together.outputs == {"a.out": b"metmet", "b.out": b"met", "c.out": b"met"}


def test_the_container_sees_the_types_of_the_job_and_aws_own_client(transform: Transform) -> None:
    job = transform(orders(show=True), source={"ContentType": "text/odd"}, output={"Accept": "text/plain"})
    headers = json.loads(job.output)["headers"]
    assert (headers["Content-Type"], headers["Accept"]) == ("text/odd", "text/plain")
    assert headers["User-Agent"] == "Go-http-client/1.1"


def test_the_environment_says_that_it_is_a_batch_and_what_was_asked(transform: Transform) -> None:
    asked = {"MaxPayloadInMB": 7, "BatchStrategy": "SingleRecord", "MaxConcurrentTransforms": 2}
    shown = json.loads(transform(orders(show=True), **asked).output)["environment"]
    assert shown["SAGEMAKER_BATCH"] == "true"
    assert shown["SAGEMAKER_MAX_PAYLOAD_IN_MB"] == "7"
    assert shown["SAGEMAKER_BATCH_STRATEGY"] == "SINGLE_RECORD"
    assert shown["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] == "2"


def test_what_was_not_asked_for_is_not_in_the_environment_and_the_jobs_own_wins(transform: Transform) -> None:
    job = transform(orders(show=True), environment={"MINE": "model", "HERS": "model"}, Environment={"MINE": "job"})
    shown = json.loads(job.output)["environment"]
    assert (shown["MINE"], shown["HERS"]) == ("job", "model")
    assert not [name for name in shown if name.startswith("SAGEMAKER_MAX")]


def test_a_pipeline_transforms_as_one(odd: OddService, transform: Transform) -> None:
    pipeline = odd.model({"ODD_NAME": "first"}, {"ODD_NAME": "second"})
    assert transform("x", model=pipeline).output == "second(first(x))"
