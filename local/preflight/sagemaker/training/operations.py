"""The operations on TrainingJob."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.api.errors import ResourceInUse, ValidationException
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import roles
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.resources.store import Store
from preflight.sagemaker.resources.tags import tag_resource
from preflight.sagemaker.training import debugger
from preflight.sagemaker.training.channel_rules import channels_of, require_data
from preflight.sagemaker.training.description import describe, summarize
from preflight.sagemaker.training.job import TrainingJob
from preflight.sagemaker.training.rules import require_buckets, require_keys, require_valid

# The API reference calls Ascending the default order; AWS in fact lists the newest job first.
_LISTING = Listing(
    result_key="TrainingJobSummaries",
    name_key="TrainingJobName",
    status_key="TrainingJobStatus",
    status_after_page=True,
)


class TrainingJobs:
    """Operations on TrainingJob."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def create(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        arn = scope.arn("training-job", request["TrainingJobName"])
        services = self._context.services
        self._require_free_name(scope, request["TrainingJobName"], arn)
        require_valid(request, scope.region)
        roles.require_assumable_role(services, scope, request["RoleArn"])
        self._context.launcher.require_image(request["AlgorithmSpecification"]["TrainingImage"], scope.region)
        require_data(services, scope, channels_of(request), request["RoleArn"])
        require_buckets(services, scope, request)
        require_keys(services, scope, request)
        job = TrainingJob(self._context, scope, request)
        with self._context.stores.lock:
            store = self._context.stores[scope]
            self._require_free_name(scope, job.name, arn)
            tag_resource(store, arn, request.get("Tags", []))
            _reuse_warm_pool(store, job)
            store.training_jobs[job.name] = job
        job.start()
        return {"TrainingJobArn": arn}

    def describe(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            return describe(self._require(scope, request["TrainingJobName"]))

    def list(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        """No job has a training plan: CreateTrainingJob refuses them."""
        if "TrainingPlanArnEquals" in request:
            return {_LISTING.result_key: []}
        with self._context.stores.lock:
            summaries = [summarize(job) for job in self._context.stores[scope].training_jobs.values()]
        if pool := request.get("WarmPoolStatusEquals"):
            summaries = [summary for summary in summaries if summary.get("WarmPoolStatus", {}).get("Status") == pool]
        return _LISTING.page(summaries, request)

    def stop(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        self._require(scope, request["TrainingJobName"]).stop()
        return {}

    def update(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        """Profiler settings while the job runs; KeepAlivePeriodInSeconds while its warm pool is there."""
        with self._context.stores.lock:
            job = self._require(scope, request["TrainingJobName"])
            profiler = {key: request[key] for key in ("ProfilerConfig", "ProfilerRuleConfigurations") if key in request}
            if (profiler or "RemoteDebugConfig" in request) and job.status.is_final:
                raise ValidationException(  # words guessed
                    f"The request was rejected because the training job is in status {job.status.status}"
                )
            debugger.require_valid(profiler)
            if "ResourceConfig" in request:
                _keep_warm(job, request["ResourceConfig"]["KeepAlivePeriodInSeconds"])
            if "ProfilerConfig" in profiler:
                profiler["ProfilerConfig"] = {**job.request.get("ProfilerConfig", {}), **profiler["ProfilerConfig"]}
            rules = job.request.get("ProfilerRuleConfigurations", [])
            if "ProfilerRuleConfigurations" in profiler:
                profiler["ProfilerRuleConfigurations"] = [*rules, *profiler["ProfilerRuleConfigurations"]]
            job.request |= profiler
            job.status.touch()
        return {"TrainingJobArn": job.arn}

    def delete(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        """The name is free afterwards; what the job left in S3 and the logs stays."""
        with self._context.stores.lock:
            job = self._require(scope, request["TrainingJobName"])
            if not job.status.is_final:
                raise ResourceInUse(  # words guessed
                    f"The training job {job.arn} cannot be deleted because it is in status {job.status.status}."
                )
            if job.warm_pool.status(datetime.now(UTC)) == "Available":
                raise ResourceInUse(  # words guessed
                    f"The training job {job.arn} cannot be deleted because its warm pool is Available."
                )
            store = self._context.stores[scope]
            del store.training_jobs[job.name]
            store.tags.pop(job.arn, None)
        return {}

    def close(self) -> None:
        """Stop every container: the stack goes down."""
        for store in self._context.stores:
            for job in store.training_jobs.values():
                job.kill()

    def _require(self, scope: Scope, name: str) -> TrainingJob:
        with self._context.stores.lock:
            job = self._context.stores[scope].training_jobs.get(name)
        if job is None:
            raise ValidationException("Requested resource not found.")
        assert isinstance(job, TrainingJob)
        return job

    def _require_free_name(self, scope: Scope, name: str, arn: str) -> None:
        with self._context.stores.lock:
            if name in self._context.stores[scope].training_jobs:
                raise ResourceInUse(
                    "Training job names must be unique within an AWS account and region, "
                    f"and a training job with this name already exists ({arn})"
                )


def _reuse_warm_pool(store: Store, job: TrainingJob) -> None:
    """A job takes over the first pool that fits it."""
    for other in store.training_jobs.values():
        if other.warm_pool.reuse(job.name, job.warm_pool, datetime.now(UTC)):
            return


def _keep_warm(job: TrainingJob, seconds: int) -> None:
    now = datetime.now(UTC)
    status = job.warm_pool.status(now)
    if status not in ("InUse", "Available"):
        raise ValidationException(  # words guessed
            f"KeepAlivePeriodInSeconds of the training job {job.arn} cannot be updated: its warm pool is "
            f"{status or 'not requested'}."
        )
    job.warm_pool.keep_for(seconds, now)
