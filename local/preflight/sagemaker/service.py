"""SageMaker: the families of its operations merged, and how each request goes through.

Operations know nothing of HTTP or LocalStack: ``(scope, request) -> answer``, the request typed, the answer in the
shape of botocore's service model; a refusal is a ``ServiceError``.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from preflight.sagemaker.api.answer import Answer
from preflight.sagemaker.api.errors import (
    SerializationException,
    ServiceError,
    UnknownOperationException,
    UnsupportedByPreflight,
)
from preflight.sagemaker.api.json_protocol import CONTENT_TYPE, read_request, write_answer, write_error
from preflight.sagemaker.api.operation import Operation, operations_of
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.api.validation import validate
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.experiments.component_operations import TrialComponentMetrics, TrialComponents
from preflight.sagemaker.experiments.experiment_operations import Experiments
from preflight.sagemaker.experiments.job_components import JobComponents
from preflight.sagemaker.experiments.lineage import Lineage
from preflight.sagemaker.experiments.tables import ExperimentTables
from preflight.sagemaker.experiments.trial_operations import Trials
from preflight.sagemaker.hosting import invocation_request
from preflight.sagemaker.hosting.async_invocation import AsyncInvocations
from preflight.sagemaker.hosting.async_request import INVOKE_ENDPOINT_ASYNC
from preflight.sagemaker.hosting.endpoint_config_operations import EndpointConfigs
from preflight.sagemaker.hosting.endpoint_operations import Endpoints
from preflight.sagemaker.hosting.invocation import Invocations
from preflight.sagemaker.hosting.record import EndpointRecord
from preflight.sagemaker.jobs.interrupted import end_interrupted
from preflight.sagemaker.jobs.running import RunningJobs
from preflight.sagemaker.launching.container import Launcher
from preflight.sagemaker.pipelines.callback_operations import PipelineCallbacks
from preflight.sagemaker.pipelines.calls import Refusal, let_pass
from preflight.sagemaker.pipelines.execution_operations import PipelineExecutions
from preflight.sagemaker.pipelines.operations import Pipelines
from preflight.sagemaker.processing.operations import ProcessingJobs
from preflight.sagemaker.registry.group_operations import ModelPackageGroups
from preflight.sagemaker.registry.package_operations import ModelPackages
from preflight.sagemaker.resources.keeping import Document, Keeper
from preflight.sagemaker.resources.operations import TagOperations
from preflight.sagemaker.resources.sharing import Shared, documents, take_in
from preflight.sagemaker.scaling.alarms import Alarm
from preflight.sagemaker.scaling.autoscaler import Autoscaler
from preflight.sagemaker.scaling.policy_operations import ScalingPolicies
from preflight.sagemaker.scaling.record import SERVICE as SCALING
from preflight.sagemaker.scaling.schedule_operations import ScheduledActions
from preflight.sagemaker.scaling.target_operations import ScalableTargets
from preflight.sagemaker.search.operations import Searches
from preflight.sagemaker.serving.model_operations import Models
from preflight.sagemaker.settings import Settings
from preflight.sagemaker.training.operations import TrainingJobs
from preflight.sagemaker.transform.operations import TransformJobs
from preflight.sagemaker.tuning.operations import TuningJobs

FAMILIES: tuple[type, ...] = (
    TrainingJobs,
    ProcessingJobs,
    TransformJobs,
    TuningJobs,
    ModelPackageGroups,
    ModelPackages,
    Models,
    EndpointConfigs,
    Endpoints,
    TagOperations,
    Searches,
    Experiments,
    Trials,
    TrialComponents,
    Lineage,
    Pipelines,
    PipelineExecutions,
    PipelineCallbacks,
)
OPERATIONS: dict[str, Operation] = {each.name: each for family in FAMILIES for each, _ in operations_of(family)}
RUNTIME_OPERATIONS: dict[str, Operation] = {
    each.name: each for each in (*invocation_request.OPERATIONS, INVOKE_ENDPOINT_ASYNC)
}
METRICS_OPERATIONS: dict[str, Operation] = {each.name: each for each, _ in operations_of(TrialComponentMetrics)}
SCALING_FAMILIES: tuple[type, ...] = (ScalableTargets, ScalingPolicies, ScheduledActions)
SCALING_OPERATIONS: dict[str, Operation] = {
    each.name: each for family in SCALING_FAMILIES for each, _ in operations_of(family)
}
_BY_SERVICE = {"sagemaker": OPERATIONS, "sagemaker-metrics": METRICS_OPERATIONS, SCALING: SCALING_OPERATIONS}


class SageMaker:
    """The service. One instance serves every account and region."""

    def __init__(self, settings: Settings, launcher: Launcher | None = None, refusal: Refusal = let_pass) -> None:
        """``launcher`` takes the place of the one that ``settings`` would choose.

        ``refusal`` tells what the policies of a pipeline's role do not allow.
        """
        self._context = context = ServiceContext.create(settings, launcher)
        self.launcher = context.launcher
        self._running = running = RunningJobs(settings.training_slots, context.resources.lock)
        experiments = ExperimentTables.create(context.resources)
        context.resources.observe(JobComponents(experiments).observe)
        training = TrainingJobs(context, running)
        packages = ModelPackages(context)
        models = Models(context, packages)
        configs = EndpointConfigs(context, models)
        self._autoscaler = autoscaler = Autoscaler(context, self.call)
        self._endpoints = endpoints = Endpoints(context, configs, models, autoscaler.targets.variants_of)
        executions = PipelineExecutions(context, running, self.call, refusal)
        self.invocations = Invocations(context, endpoints)
        self.async_invocations = AsyncInvocations(context, endpoints)
        families = (
            training,
            ProcessingJobs(context, running),
            TransformJobs(context, running, models),
            TuningJobs(context, running, training),
            ModelPackageGroups(context, packages),
            packages,
            models,
            configs,
            endpoints,
            TagOperations(context.resources),
            Searches(context.resources),
            Experiments(experiments),
            Trials(experiments),
            TrialComponents(experiments),
            TrialComponentMetrics(experiments),
            Lineage(context.resources),
            Pipelines(context, executions),
            executions,
            PipelineCallbacks(executions.callbacks),
            ScalableTargets(context, autoscaler),
            ScalingPolicies(context, autoscaler),
            ScheduledActions(context, autoscaler),
        )
        self._run: dict[str, Callable[[Scope, Any], dict[str, Any]]] = {
            each.name: partial(run, family) for family in families for each, run in operations_of(type(family))
        }
        self._notes: list[str] = []  # of what was kept and cannot be read
        self._keeper = Keeper(context.resources, settings.kept_folder) if settings.kept_folder else None
        if self._keeper:
            self._take_up(self._keeper)

    @property
    def notes(self) -> list[str]:
        """What is to be said of what is kept: what could not be read, and what cannot be written."""
        problem = self._keeper.problem if self._keeper else ""
        return [*self._notes, problem] if problem else self._notes

    def answer(self, scope: Scope, operation_name: str, body: bytes, service: str = "sagemaker") -> Answer:
        """Answer one request as it comes and goes over HTTP: of the control plane, of Metrics, of Auto Scaling."""
        headers = {"Content-Type": CONTENT_TYPE, "x-amzn-RequestId": str(uuid.uuid4())}
        try:
            if operation_name not in service_model(service).operation_names:
                name = operation_name or "Nothing"
                raise UnknownOperationException(f"{name} is no operation of SageMaker that Preflight knows.")
            operation = service_model(service).operation_model(operation_name)
            answer = self.call(operation_name, scope, read_request(operation.input_shape, body), service)
        except ServiceError as error:
            return Answer(error.status, write_error(error), headers)
        except RecursionError:  # a SearchExpression may hold others
            refused = SerializationException("The request is nested too deeply.")
            return Answer(refused.status, write_error(refused), headers)
        return Answer(200, write_answer(answer) if operation.output_shape else b"", headers)

    def tags_of(self, arn: str) -> Mapping[str, str]:
        """The tags of a resource; none if it is not there."""
        return self._context.resources.tags.of(arn)

    def call(
        self, operation_name: str, scope: Scope, request: Mapping[str, Any], service: str = "sagemaker"
    ) -> dict[str, Any]:
        """Check ``request`` against the model, parse it, and carry it out.

        Raises:
            ServiceError: in AWS's words, or naming what Preflight does not support yet.
        """
        operation = _BY_SERVICE[service].get(operation_name)
        if operation is None:
            raise UnsupportedByPreflight(operation_name)
        validate(service_model(service).operation_model(operation_name), request)
        operation.require_supported(request)
        return self._run[operation_name](scope, operation.request.model_validate(request))

    def call_scaling_policy(self, policy_arn: str, alarm: Mapping[str, Any]) -> None:
        """CloudWatch's action when an alarm, as DescribeAlarms shows it, goes into ALARM. Returns at once."""
        self._autoscaler.call_policy(policy_arn, Alarm.of(alarm))

    def _take_up(self, keeper: Keeper) -> None:
        """Go on where the stack that was here before has ended."""
        self._notes = keeper.restore()
        end_interrupted(self._context.resources)
        self._endpoints.resume()
        self.async_invocations.resume()
        self._autoscaler.wake()
        keeper.start()

    def documents(self) -> Shared:
        """What another stack can take in."""
        return documents(self._context.resources)

    def take_in(self, found: Iterable[Document], *, is_trial: bool = False) -> int:
        """Enter what another stack had, all or nothing, without starting any of it; returns how much it is.

        A trial only says whether it could be done.

        Raises:
            NotTaken
        """
        with self._context.resources.lock:
            records = take_in(self._context.resources, found, is_trial=is_trial)
            if not is_trial:
                self._endpoints.take_in(record for record in records if isinstance(record, EndpointRecord))
        return len(records)

    def close(self) -> None:
        """Stop every process and container: the stack goes down."""
        if self._keeper:
            self._keeper.close()  # while all is as it was asked to be
        self._autoscaler.close()
        self._context.close()
        self._running.close()
        self.async_invocations.close()
        self._endpoints.close()
        self.launcher.close()
