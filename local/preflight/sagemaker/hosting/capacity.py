"""CapacityChange: UpdateEndpointWeightsAndCapacities on its way, and back if an instance does not start.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.hosting.fleet import Fleet
from preflight.sagemaker.hosting.quotas import Demand, demand
from preflight.sagemaker.hosting.record import VariantRecord
from preflight.sagemaker.hosting.request import DesiredWeightAndCapacity, ServerlessConfig
from preflight.sagemaker.hosting.variant import Variant
from preflight.sagemaker.hosting.variant_rules import require_concurrency


@dataclass(frozen=True)
class _Aim:
    """What one variant is to be."""

    weight: float
    count: int
    serverless: ServerlessConfig | None


class CapacityChange:
    """From what the variants of ``fleet`` are to what is ``wanted`` of them."""

    def __init__(self, fleet: Fleet, wanted: Sequence[DesiredWeightAndCapacity]) -> None:
        """Raises ValidationException if that cannot be asked of these variants."""
        names = [item.variant_name for item in wanted]
        if len(set(names)) < len(names):
            raise ValidationException(guessed("Variant names must be unique in DesiredWeightsAndCapacities."))
        self._aims: list[tuple[Variant, _Aim, _Aim]] = []  # of each: the variant, what it was, what it is to be
        for item in wanted:
            variant = fleet.find_variant(item.variant_name)
            if variant is None:
                raise ValidationException(guessed(f'Could not find variant "{item.variant_name}".'))
            record = variant.record
            before = _Aim(record.weight, record.desired_count, record.serverless)
            can_be_none = fleet.record.config.request.async_inference_config is not None  # requests wait
            self._aims.append((variant, before, _aim(record, item, can_be_none=can_be_none)))

    def growth(self) -> Demand:
        """What it takes of each quota beyond what the variants have."""
        growth = Demand()
        for variant, before, aim in self._aims:
            growth.update(demand(variant.record, aim.count, aim.serverless))
            growth.subtract(demand(variant.record, before.count, before.serverless))
        return growth

    def begin(self) -> None:
        """Traffic follows the new weights at once; ``run`` does the rest. Call under the resources' lock."""
        for variant, before, aim in self._aims:
            _set_desired(variant.record, aim)
            variant.record.set_status("Updating", _scaling(before.count, aim.count))

    def run(self) -> None:
        """Raises ServingError if an instance does not start; ``roll_back`` is next."""
        for variant, _, aim in self._aims:
            _reach(variant, aim)

    def roll_back(self) -> None:
        """Make the variants what they were."""
        for variant, before, _ in self._aims:
            _set_desired(variant.record, before)
            _reach(variant, before)


def _set_desired(record: VariantRecord, aim: _Aim) -> None:
    record.weight = record.desired_weight = aim.weight
    record.desired_count, record.desired_serverless = aim.count, aim.serverless


def _reach(variant: Variant, aim: _Aim) -> None:
    variant.scale(aim.count)
    variant.record.serverless = aim.serverless
    variant.record.set_status(None)


def _scaling(before: int, after: int) -> str:
    """StatusMessage of a variant whose count changes; AWS publishes the words for growth."""
    direction = "out" if after > before else "in"
    return f"Scaling {direction} desired instance count to {after}." if after != before else ""


def _aim(record: VariantRecord, item: DesiredWeightAndCapacity, *, can_be_none: bool) -> _Aim:
    """Raises ValidationException if ``item`` asks for what the variant does not have."""
    count, update, name = item.desired_instance_count, item.serverless_update_config, record.name
    if count is None and update is None and item.desired_weight is None:
        raise ValidationException(
            guessed(f"DesiredWeight or DesiredInstanceCount must be specified for variant {name}.")
        )
    if count is not None and record.serverless:
        raise ValidationException(
            guessed(f"DesiredInstanceCount cannot be specified for the serverless variant {name}.")
        )
    if count == 0 and not can_be_none:
        raise ValidationException(guessed(f"DesiredInstanceCount of variant {name} must be 1 or more."))
    if update is not None and record.serverless is None:
        raise ValidationException(
            guessed(f"ServerlessUpdateConfig cannot be specified for variant {name}, which is not serverless.")
        )
    serverless = record.serverless
    if serverless:
        if update:
            serverless = ServerlessConfig.model_validate({**serverless.as_asked(), **update.as_asked()})
        require_concurrency(name, serverless)
    return _Aim(
        record.weight if item.desired_weight is None else item.desired_weight,
        record.desired_count if count is None else count,
        serverless,
    )
