"""How many instances a job may ask for."""

from preflight.sagemaker.api.errors import ResourceLimitExceeded

INSTANCE_LIMIT = 20  # of one job and type; AWS's own default is lower for most types


def require_instances(instance_type: str, count: int, usage: str) -> None:
    """Raises ResourceLimitExceeded, in AWS's words, for too many; ``usage`` is the quota's word for the kind of job."""
    if count > INSTANCE_LIMIT:
        raise ResourceLimitExceeded.of(f"{instance_type} for {usage} usage", INSTANCE_LIMIT, 0, count)
