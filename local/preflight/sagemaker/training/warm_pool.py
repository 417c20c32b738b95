"""The warm pool that a training job with KeepAlivePeriodInSeconds leaves behind::

    InUse ─► Available ─► Reused | Terminated

Its states are AWS's; there are no instances to keep here, so a job that reuses a pool starts no sooner. All of this is
called under the resources' lock.
https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from preflight.sagemaker.training.record import TrainingJobRecord


def pool_status(job: TrainingJobRecord, moment: datetime) -> str | None:
    """None for a job that asked for no warm pool."""
    if not _is_asked(job):
        return None
    if job.end_time is None:
        return "InUse"
    if job.pool_reused:
        return "Reused"
    return "Available" if moment < _expiry(job, job.end_time) else "Terminated"


def describe_pool(job: TrainingJobRecord) -> dict[str, Any] | None:
    """WarmPoolStatus of DescribeTrainingJob and ListTrainingJobs."""
    now = datetime.now(UTC)
    status = pool_status(job, now)
    if status is None:
        return None
    shown: dict[str, Any] = {"Status": status}
    if ended := job.end_time:
        until = job.pool_reused or min(now, _expiry(job, ended))
        shown["ResourceRetainedBillableTimeInSeconds"] = max(0, round((until - ended).total_seconds()))
    if job.pool_reused_by:
        shown["ReusedByJob"] = job.pool_reused_by
    return shown


def keep_for(job: TrainingJobRecord, seconds: int) -> None:
    """UpdateTrainingJob's new KeepAlivePeriodInSeconds, counted from the job's end."""
    resources = job.resources.model_copy(update={"keep_alive_period_in_seconds": seconds})
    job.request = job.request.model_copy(update={"resource_config": resources})
    job.pool_updated = datetime.now(UTC)


def reuse(pools: Iterable[TrainingJobRecord], job: TrainingJobRecord) -> None:
    """Let ``job`` take over the first pool that is free and of the same shape, if it asked for one itself."""
    now = datetime.now(UTC)
    if not _is_asked(job):
        return
    for other in pools:
        if _shape(other) == _shape(job) and pool_status(other, now) == "Available":
            other.pool_reused, other.pool_reused_by = now, job.name
            return


def _is_asked(job: TrainingJobRecord) -> bool:
    """A period of 0 asks for none; one that an update sets to 0 ends the pool."""
    return bool(job.resources.keep_alive_period_in_seconds) or job.pool_updated is not None


def _shape(job: TrainingJobRecord) -> tuple[object, ...]:
    resources = job.resources
    return (
        job.request.role_arn,
        resources.instance_type,
        resources.instance_count,
        resources.volume_size_in_gb,
        resources.volume_kms_key_id,
        job.request.vpc_config,
        job.request.enable_network_isolation,
        job.request.enable_inter_container_traffic_encryption,
    )


def _expiry(job: TrainingJobRecord, ended: datetime) -> datetime:
    expiry = ended + timedelta(seconds=job.resources.keep_alive_period_in_seconds or 0)
    return max(expiry, job.pool_updated) if job.pool_updated else expiry
