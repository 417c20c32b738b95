"""Quotas: how much of hosting one account has in one region. Every instance is a process or a container here.

https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from preflight.sagemaker.api.errors import ResourceLimitExceeded
from preflight.sagemaker.hosting.variant import Variant

INSTANCE_LIMIT = 20  # of one type; AWS's own default is lower for most types
SERVERLESS_ENDPOINT_LIMIT = 50
SERVERLESS_CONCURRENCY_LIMIT = 1000

Demand = Counter[tuple[str, int, str]]  # what of: its name, how much there is, and its unit


def demand(variant: Variant, count: int, serverless: Mapping[str, int] | None) -> Demand:
    """What ``variant`` takes of each quota with ``count`` instances, or as ``serverless`` says."""
    if serverless is None:
        return Demand({(f"{variant.config['InstanceType']} for endpoint usage", INSTANCE_LIMIT, "Instances"): count})
    concurrency = "Maximum total concurrency that can be allocated across all serverless endpoints"
    return Demand(  # words guessed, but for the form
        {
            ("Number of serverless endpoints", SERVERLESS_ENDPOINT_LIMIT, "Endpoints"): 1,
            (concurrency, SERVERLESS_CONCURRENCY_LIMIT, "Units"): serverless["MaxConcurrency"],
        }
    )


def demand_of(variants: Iterable[Variant]) -> Demand:
    """What ``variants`` take together, once they are as they are to be."""
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
