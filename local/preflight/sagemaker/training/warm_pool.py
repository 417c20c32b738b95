"""The warm pool a training job with KeepAlivePeriodInSeconds leaves behind.

Its states are AWS's; there are no instances to keep here, so a job that reuses a pool starts no sooner.
https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from preflight.sagemaker.jobs.status import TrainingStatus


class WarmPool:
    """InUse ─► Available ─► Reused | Terminated; free when the job of ``job_status`` has ended.

    Call under the stores' lock.
    """

    def __init__(self, request: Mapping[str, Any], job_status: TrainingStatus) -> None:
        resources = request["ResourceConfig"]
        self.keep_alive_seconds: int = resources.get("KeepAlivePeriodInSeconds", 0)
        self._asked = "KeepAlivePeriodInSeconds" in resources and self.keep_alive_seconds > 0
        self._job_status = job_status
        self._updated: datetime | None = None
        self._reused: tuple[datetime, str] | None = None
        members = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")
        flags = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption")
        self._shape = (
            request["RoleArn"],
            [resources.get(member) for member in members],
            request.get("VpcConfig"),
            [request.get(flag, False) for flag in flags],
        )

    def keep_for(self, seconds: int, moment: datetime) -> None:
        """UpdateTrainingJob's new KeepAlivePeriodInSeconds, counted from the job's end."""
        self.keep_alive_seconds = seconds
        self._updated = moment

    def reuse(self, job_name: str, other: "WarmPool", moment: datetime) -> bool:
        """Whether the job of ``other`` takes this pool over: it is free and of the same shape."""
        if not other._asked or self._shape != other._shape or self.status(moment) != "Available":
            return False
        self._reused = (moment, job_name)
        return True

    def status(self, moment: datetime) -> str | None:
        """None for a job that asked for no warm pool."""
        if not self._asked:
            return None
        if self._job_status.end_time is None:
            return "InUse"
        if self._reused:
            return "Reused"
        return "Available" if moment < self._expiry() else "Terminated"

    def describe(self) -> dict[str, Any] | None:
        """WarmPoolStatus of DescribeTrainingJob and ListTrainingJobs."""
        now = datetime.now(UTC)
        status = self.status(now)
        if status is None:
            return None
        shown: dict[str, Any] = {"Status": status}
        if ended := self._job_status.end_time:
            until = self._reused[0] if self._reused else min(now, self._expiry())
            shown["ResourceRetainedBillableTimeInSeconds"] = max(0, round((until - ended).total_seconds()))
        if self._reused:
            shown["ReusedByJob"] = self._reused[1]
        return shown

    def _expiry(self) -> datetime:
        ended = self._job_status.end_time
        assert ended is not None
        expiry = ended + timedelta(seconds=self.keep_alive_seconds)
        return max(expiry, self._updated) if self._updated else expiry
