"""The operations on Experiment."""

from datetime import UTC, datetime

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.experiments.records import ExperimentRecord
from preflight.sagemaker.experiments.request import (
    CreateExperiment,
    DeleteExperiment,
    DescribeExperiment,
    ListExperiments,
    UpdateExperiment,
)
from preflight.sagemaker.experiments.tables import ExperimentTables


class Experiments:
    def __init__(self, tables: ExperimentTables) -> None:
        self._tables = tables
        self._table = tables.experiments
        self._lock = tables.resources.lock

    @operation(CreateExperiment)
    def create(self, scope: Scope, request: CreateExperiment) -> Answer:
        name, arn = request.experiment_name, self._table.arn(scope, request.experiment_name)
        self._table.add(ExperimentRecord(scope=scope, name=name, arn=arn, request=request), request.tags)
        return {"ExperimentArn": arn}

    @operation(DescribeExperiment)
    def describe(self, scope: Scope, request: DescribeExperiment) -> Answer:
        return self._table.describe(scope, request.experiment_name)

    @operation(ListExperiments)
    def list(self, scope: Scope, request: ListExperiments) -> Answer:
        return self._table.page(scope, request)

    @operation(UpdateExperiment)
    def update(self, scope: Scope, request: UpdateExperiment) -> Answer:
        changes = request.model_dump(exclude_unset=True, exclude={"experiment_name"})
        with self._lock:
            experiment = self._table.require(scope, request.experiment_name)
            experiment.request = experiment.request.model_copy(update=changes)
            experiment.last_modified = datetime.now(UTC)
        return {"ExperimentArn": experiment.arn}

    @operation(DeleteExperiment)
    def delete(self, scope: Scope, request: DeleteExperiment) -> Answer:
        """AWS deletes what has no trials."""
        with self._lock:
            experiment = self._table.require(scope, request.experiment_name)
            if any(trial.request.experiment_name == experiment.name for trial in self._tables.trials.of(scope)):
                raise ValidationException(
                    guessed(f"Experiment '{experiment.arn}' is linked to 1 or more trials and cannot be deleted.")
                )
            self._table.remove(experiment)
        return {"ExperimentArn": experiment.arn}
