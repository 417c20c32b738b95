"""Topics, and subscriptions of queues and functions."""

from collections.abc import Iterator

from preflight.state_file.requests import SUBSCRIBERS, Request, pages
from preflight.state_file.source import Source

_OF_TOPICS = ("DisplayName", "Policy", "DeliveryPolicy", "FifoTopic", "ContentBasedDeduplication")
_OF_SUBSCRIPTIONS = ("RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy")


def requests(source: Source) -> Iterator[Request]:
    sns = source.client("sns")
    for topic in pages(sns, "list_topics", "Topics"):
        arn = topic["TopicArn"]
        found = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        yield source.request(
            "sns",
            "CreateTopic",
            Name=arn.rpartition(":")[2],
            Attributes={key: found[key] for key in _OF_TOPICS if found.get(key)},
            Tags=sns.list_tags_for_resource(ResourceArn=arn)["Tags"],
        )
        for each in pages(sns, "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn):
            if each["Protocol"] not in SUBSCRIBERS:
                source.left_out.append(f"the subscription of {each['Endpoint']} to {arn}")
                continue
            attributes = sns.get_subscription_attributes(SubscriptionArn=each["SubscriptionArn"])["Attributes"]
            yield source.request(
                "sns",
                "Subscribe",
                TopicArn=arn,
                Protocol=each["Protocol"],
                Endpoint=each["Endpoint"],
                Attributes={key: attributes[key] for key in _OF_SUBSCRIPTIONS if attributes.get(key)},
            )
