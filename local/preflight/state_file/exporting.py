"""A stack into a file. Nothing of the stack changes."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from preflight.state_file.archive import Writer
from preflight.state_file.requests import Request, clients_of
from preflight.state_file.services import apis, events, functions, iam, s3, sns, sqs, ssm
from preflight.state_file.source import Source
from preflight.state_file.stack_documents import read_documents

# In the order in which they are made anew: a role before the function that has it, rules after all that they watch.
_GLOBAL = (iam, s3)
_REGIONAL = (ssm, sqs, functions, sns, apis, events)
_REQUESTS_A_MEMBER = 1000
NEVER = (
    "log lines, metrics, alarms, KMS keys, secrets, access keys, messages, sessions, scaling, layers, function URLs, "
    "uploads that are not complete, "
    "and what acts by itself: schedules, pollers of queues, notifications of buckets"
)


@dataclass(frozen=True)
class Exported:
    """``counts`` has how many things of each kind there are; ``left_out`` names what was there and is not in it."""

    counts: Counter[str]
    left_out: list[str]


_COUNTED = {
    "CreateBucket": "bucket",
    "PutObject": "object",
    "CreateRole": "role",
    "CreateFunction": "function",
    "CreateRestApi": "REST API",
    "CreateQueue": "queue",
    "CreateTopic": "topic",
    "PutRule": "rule",
    "PutParameter": "parameter",
}


def export_stack(endpoint_url: str, region: str, path: Path) -> Exported:
    """Write what the stack at ``endpoint_url`` holds: SageMaker's resources, and those of the other services.

    These are read in ``region`` and in every one in which SageMaker has something.

    Raises:
        OSError: nothing has changed at ``path``.
        botocore's errors: the stack refuses something; likewise.
    """
    clients = clients_of(endpoint_url)
    with Writer.open(path) as writer:
        documents, left_out = read_documents(endpoint_url)
        for document in documents:
            writer.put_document(document)
        regions = {region, *(document["record"]["scope"]["region"] for document in documents)}
        counts: Counter[str] = Counter({"resource of SageMaker's": len(documents)})
        source = Source(clients, region, lambda chunks: {"$bytes": writer.put_bytes(chunks)}, left_out)
        batch: list[Request] = []
        for request in _all_requests(source, regions):
            counts[_COUNTED.get(request.operation, "")] += 1
            batch.append(request)
            if len(batch) == _REQUESTS_A_MEMBER:
                writer.put_requests([each.as_data() for each in batch])
                batch = []
        writer.put_requests([each.as_data() for each in batch])
        writer.put_manifest(left_out)
    del counts[""]
    return Exported(counts, left_out)


def _all_requests(source: Source, regions: Collection[str]) -> Iterator[Request]:
    for service in _GLOBAL:
        yield from service.requests(source)
    for service in _REGIONAL:
        for region in sorted(regions):
            source.region = region
            yield from service.requests(source)
