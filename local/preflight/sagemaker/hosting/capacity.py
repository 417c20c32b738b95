"""CapacityChange: UpdateEndpointWeightsAndCapacities on its way, and back if an instance does not start.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.hosting.fleet import Fleet
from preflight.sagemaker.hosting.production_variant import require_concurrency
from preflight.sagemaker.hosting.quotas import Demand, demand
from preflight.sagemaker.hosting.variant import Variant


@dataclass(frozen=True)
class _Aim:
    """What one variant is to be."""

    weight: float
    count: int
    serverless: dict[str, int] | None


class CapacityChange:
    """From what the variants of ``fleet`` are to what ``wanted``, a list of DesiredWeightAndCapacity, asks for."""

    def __init__(self, fleet: Fleet, wanted: "list[Mapping[str, Any]]") -> None:
        """Raises ValidationException if that cannot be asked of these variants."""
        names = [item["VariantName"] for item in wanted]
        if len(set(names)) < len(names):
            raise ValidationException("Variant names must be unique in DesiredWeightsAndCapacities.")  # words guessed
        self._aims: list[tuple[Variant, _Aim, _Aim]] = []  # of each: the variant, what it was, what it is to be
        for item in wanted:
            variant = fleet.find_variant(item["VariantName"])
            if variant is None:
                raise ValidationException(f'Could not find variant "{item["VariantName"]}".')  # words guessed
            before = _Aim(variant.weight, variant.desired_count, variant.serverless)
            self._aims.append((variant, before, _aim(variant, item)))

    def growth(self) -> Demand:
        """What it takes of each quota beyond what the variants have."""
        growth = Demand()
        for variant, before, aim in self._aims:
            growth.update(demand(variant, aim.count, aim.serverless))
            growth.subtract(demand(variant, before.count, before.serverless))
        return growth

    def begin(self) -> None:
        """Traffic follows the new weights at once; ``run`` does the rest."""
        for variant, before, aim in self._aims:
            variant.weight = variant.desired_weight = aim.weight
            variant.desired_count, variant.desired_serverless = aim.count, aim.serverless
            variant.set_status("Updating", _scaling(before.count, aim.count))

    def run(self) -> None:
        """Raises HostingError if an instance does not start; ``roll_back`` is next."""
        for variant, _, aim in self._aims:
            variant.scale(aim.count)
            variant.serverless = aim.serverless
            variant.set_status(None)

    def roll_back(self) -> None:
        """Make the variants what they were."""
        for variant, before, _ in self._aims:
            variant.weight = variant.desired_weight = before.weight
            variant.desired_count, variant.desired_serverless = before.count, before.serverless
            variant.scale(before.count)
            variant.serverless = before.serverless
            variant.set_status(None)


def _scaling(before: int, after: int) -> str:
    """StatusMessage of a variant whose count changes; AWS publishes the words for growth."""
    direction = "out" if after > before else "in"
    return f"Scaling {direction} desired instance count to {after}." if after != before else ""


def _aim(variant: Variant, item: Mapping[str, Any]) -> _Aim:
    """Raises ValidationException if ``item`` asks for what ``variant`` does not have."""
    count, update = item.get("DesiredInstanceCount"), item.get("ServerlessUpdateConfig")
    if count is None and update is None and "DesiredWeight" not in item:
        raise ValidationException(  # words guessed
            f"DesiredWeight or DesiredInstanceCount must be specified for variant {variant.name}."
        )
    if count is not None and variant.serverless:
        raise ValidationException(  # words guessed
            f"DesiredInstanceCount cannot be specified for the serverless variant {variant.name}."
        )
    if count == 0:
        raise ValidationException(f"DesiredInstanceCount of variant {variant.name} must be 1 or more.")  # words guessed
    if update is not None and variant.serverless is None:
        raise ValidationException(  # words guessed
            f"ServerlessUpdateConfig cannot be specified for variant {variant.name}, which is not serverless."
        )
    serverless = variant.serverless and {**variant.serverless, **(update or {})}
    if serverless:
        require_concurrency(variant.name, serverless)
    return _Aim(
        item.get("DesiredWeight", variant.weight), variant.desired_count if count is None else count, serverless
    )
