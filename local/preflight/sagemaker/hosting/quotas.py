"""Quotas: how much of hosting one account has in one region. Every instance is a process or a container here.

https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
"""

from collections import Counter
from collections.abc import Iterable

from preflight.sagemaker.api.errors import ResourceLimitExceeded, guessed
from preflight.sagemaker.hosting.record import VariantRecord
from preflight.sagemaker.hosting.request import ServerlessConfig

INSTANCE_LIMIT = 20  # of one type; AWS's own default is lower for most types
SERVERLESS_ENDPOINT_LIMIT = 50
SERVERLESS_CONCURRENCY_LIMIT = 1000

Demand = Counter[tuple[str, int, str]]  # what of: its name, how much there is, and its unit


def demand(variant: VariantRecord, count: int, serverless: ServerlessConfig | None) -> Demand:
    """What ``variant`` takes of each quota with ``count`` instances, or as ``serverless`` says."""
    if serverless is None:
        return Demand({(f"{variant.request.instance_type} for endpoint usage", INSTANCE_LIMIT, "Instances"): count})
    endpoints = guessed("Number of serverless endpoints")
    concurrency = guessed("Maximum total concurrency that can be allocated across all serverless endpoints")
    return Demand(
        {
            (endpoints, SERVERLESS_ENDPOINT_LIMIT, "Endpoints"): 1,
            (concurrency, SERVERLESS_CONCURRENCY_LIMIT, "Units"): serverless.max_concurrency,
        }
    )


def demand_of(variants: Iterable[VariantRecord]) -> Demand:
    """What ``variants`` will take in all when each has what is desired of it."""
    total = Demand()
    for variant in variants:
        total.update(demand(variant, variant.desired_count, variant.desired_serverless))
    return total


def require_room(used: Demand, wanted: Demand) -> None:
    """Raises ResourceLimitExceeded if ``wanted``, on top of what is ``used``, is more than a quota."""
    for quota, delta in wanted.items():
        name, limit, unit = quota
        if delta > 0 and used[quota] + delta > limit:
            raise ResourceLimitExceeded.of(name, limit, used[quota], delta, unit)
