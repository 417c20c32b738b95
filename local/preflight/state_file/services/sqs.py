"""Queues, without what waits in them."""

from collections.abc import Iterator

from preflight.state_file.requests import Request, pages
from preflight.state_file.source import Source

_SHOWN_ONLY = (
    *("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible"),
    *("CreatedTimestamp", "LastModifiedTimestamp", "QueueArn"),
)


def requests(source: Source) -> Iterator[Request]:
    sqs = source.client("sqs")
    for url in pages(sqs, "list_queues", "QueueUrls"):
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        name = url.rpartition("/")[2]
        yield source.request(
            "sqs",
            "CreateQueue",
            QueueName=name,
            Attributes={key: value for key, value in found.items() if key not in _SHOWN_ONLY},
            tags=sqs.list_queue_tags(QueueUrl=url).get("Tags"),
        )
        if any(found.get(key, "0") != "0" for key in _SHOWN_ONLY[:3]):
            source.left_out.append(f"the messages in the queue {name}")
