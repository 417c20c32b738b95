"""The operations on TrialComponent, a run, and on its trials and metrics."""

from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.experiments.records import MetricSummary, TrialComponentRecord
from preflight.sagemaker.experiments.request import (
    AssociateTrialComponent,
    BatchPutMetrics,
    CreateTrialComponent,
    DeleteTrialComponent,
    DescribeTrialComponent,
    DisassociateTrialComponent,
    ListTrialComponents,
    TrialComponentMembers,
    UpdateTrialComponent,
)
from preflight.sagemaker.experiments.tables import ExperimentTables

_MAPS = ("parameters", "input_artifacts", "output_artifacts")


class TrialComponents:
    def __init__(self, tables: ExperimentTables) -> None:
        self._tables = tables
        self._table = tables.components
        self._lock = tables.resources.lock

    @operation(CreateTrialComponent)
    def create(self, scope: Scope, request: CreateTrialComponent) -> Answer:
        name, arn = request.trial_component_name, self._table.arn(scope, request.trial_component_name)
        self._table.add(TrialComponentRecord(scope=scope, name=name, arn=arn, request=request), request.tags)
        return {"TrialComponentArn": arn}

    @operation(DescribeTrialComponent)
    def describe(self, scope: Scope, request: DescribeTrialComponent) -> Answer:
        """By its name or its ARN."""
        return self._table.describe(scope, request.trial_component_name.rpartition("/")[2])

    @operation(ListTrialComponents)
    def list(self, scope: Scope, request: ListTrialComponents) -> Answer:
        """The SDK asks for a job's by the job's ARN in small letters."""
        source = request.source_arn and request.source_arn.lower()
        with self._lock:
            trial = self._tables.trials.require(scope, request.trial_name) if request.trial_name else None
            experiment = (
                self._tables.experiments.require(scope, request.experiment_name) if request.experiment_name else None
            )
            names = {
                each.name
                for each in self._table.of(scope)
                if (trial is None or trial.name in each.trials)
                and (experiment is None or experiment.name in each.trials.values())
                and (source is None or (each.source and each.source.arn.lower() == source))
            }
            return self._table.page(scope, request, lambda summary: summary["TrialComponentName"] in names)

    @operation(UpdateTrialComponent)
    def update(self, scope: Scope, request: UpdateTrialComponent) -> Answer:
        """Parameters and artifacts are added to those there are; a name that is there takes the new value."""
        with self._lock:
            component = self._table.require(scope, request.trial_component_name)
            removed: dict[str, tuple[str, ...]] = {name: getattr(request, f"{name}_to_remove") for name in _MAPS}
            change(component, request, removed)
        return {"TrialComponentArn": component.arn}

    @operation(DeleteTrialComponent)
    def delete(self, scope: Scope, request: DeleteTrialComponent) -> Answer:
        """AWS deletes what is in no trial."""
        with self._lock:
            component = self._table.require(scope, request.trial_component_name)
            if component.trials:
                raise ValidationException(
                    f"TrialComponent '{component.arn}' is linked to 1 or more trials and cannot be deleted."
                )
            self._table.remove(component)
        return {"TrialComponentArn": component.arn}

    @operation(AssociateTrialComponent)
    def associate(self, scope: Scope, request: AssociateTrialComponent) -> Answer:
        with self._lock:
            component = self._table.require(scope, request.trial_component_name)
            trial = self._tables.trials.require(scope, request.trial_name)
            component.trials[trial.name] = trial.request.experiment_name
        return {"TrialComponentArn": component.arn, "TrialArn": trial.arn}

    @operation(DisassociateTrialComponent)
    def disassociate(self, scope: Scope, request: DisassociateTrialComponent) -> Answer:
        with self._lock:
            component = self._table.require(scope, request.trial_component_name)
            trial = self._tables.trials.require(scope, request.trial_name)
            component.trials.pop(trial.name, None)
        return {"TrialComponentArn": component.arn, "TrialArn": trial.arn}


class TrialComponentMetrics:
    """The one operation of SageMaker Metrics that is here."""

    def __init__(self, tables: ExperimentTables) -> None:
        self._table = tables.components
        self._lock = tables.resources.lock

    @operation(BatchPutMetrics)
    def put(self, scope: Scope, request: BatchPutMetrics) -> Answer:
        with self._lock:
            component = self._table.require(scope, request.trial_component_name)
            for data in request.metric_data:
                if summary := component.metrics.get(data.metric_name):
                    summary.add(data)
                else:
                    component.metrics[data.metric_name] = MetricSummary.of(data)
        return {}


def change(
    component: TrialComponentRecord, members: TrialComponentMembers, removed: dict[str, tuple[str, ...]]
) -> None:
    """Give a component the ``members`` that are set, and take from its maps what is ``removed``. Under the lock."""
    update: dict[str, Any] = {
        name: getattr(members, name)
        for name in members.model_fields_set & TrialComponentMembers.model_fields.keys() - set(_MAPS)
    }
    for name in _MAPS:
        kept = {
            key: value for key, value in getattr(component.request, name).items() if key not in removed.get(name, ())
        }
        update[name] = {**kept, **getattr(members, name)}
    component.request = component.request.model_copy(update=update)
    component.last_modified = datetime.now(UTC)
