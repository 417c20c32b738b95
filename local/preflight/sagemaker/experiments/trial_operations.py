"""The operations on Trial, a group of runs."""

from datetime import UTC, datetime

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.experiments.records import TrialRecord
from preflight.sagemaker.experiments.request import CreateTrial, DeleteTrial, DescribeTrial, ListTrials, UpdateTrial
from preflight.sagemaker.experiments.tables import ExperimentTables


class Trials:
    def __init__(self, tables: ExperimentTables) -> None:
        self._tables = tables
        self._table = tables.trials
        self._lock = tables.resources.lock

    @operation(CreateTrial)
    def create(self, scope: Scope, request: CreateTrial) -> Answer:
        name, arn = request.trial_name, self._table.arn(scope, request.trial_name)
        with self._lock:
            experiment = self._tables.experiments.require(scope, request.experiment_name)
            asked = request.model_copy(update={"experiment_name": experiment.name})
            self._table.add(TrialRecord(scope=scope, name=name, arn=arn, request=asked), request.tags)
        return {"TrialArn": arn}

    @operation(DescribeTrial)
    def describe(self, scope: Scope, request: DescribeTrial) -> Answer:
        return self._table.describe(scope, request.trial_name)

    @operation(ListTrials)
    def list(self, scope: Scope, request: ListTrials) -> Answer:
        experiment, component = request.experiment_name, request.trial_component_name
        with self._lock:
            names = {trial.name for trial in self._table.of(scope)}
            if experiment:
                name = self._tables.experiments.require(scope, experiment).name
                names = {each.name for each in self._table.of(scope) if each.request.experiment_name == name}
            if component:
                names &= self._tables.components.require(scope, component).trials.keys()
            return self._table.page(scope, request, lambda summary: summary["TrialName"] in names)

    @operation(UpdateTrial)
    def update(self, scope: Scope, request: UpdateTrial) -> Answer:
        changes = request.model_dump(exclude_unset=True, exclude={"trial_name"})
        with self._lock:
            trial = self._table.require(scope, request.trial_name)
            trial.request = trial.request.model_copy(update=changes)
            trial.last_modified = datetime.now(UTC)
        return {"TrialArn": trial.arn}

    @operation(DeleteTrial)
    def delete(self, scope: Scope, request: DeleteTrial) -> Answer:
        """AWS deletes what has no trial components."""
        with self._lock:
            trial = self._table.require(scope, request.trial_name)
            if any(trial.name in component.trials for component in self._tables.components.of(scope)):
                raise ValidationException(
                    guessed(f"Trial '{trial.arn}' is linked to 1 or more trial components and cannot be deleted.")
                )
            self._table.remove(trial)
        return {"TrialArn": trial.arn}
