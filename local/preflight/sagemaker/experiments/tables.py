"""Where experiments, trials and trial components are, for all their operations."""

from dataclasses import dataclass
from typing import Self

from preflight.sagemaker.experiments.records import (
    EXPERIMENT,
    TRIAL,
    TRIAL_COMPONENT,
    ExperimentRecord,
    TrialComponentRecord,
    TrialRecord,
)
from preflight.sagemaker.resources.table import Resources, Table


@dataclass(frozen=True)
class ExperimentTables:
    resources: Resources
    experiments: Table[ExperimentRecord]
    trials: Table[TrialRecord]
    components: Table[TrialComponentRecord]

    @classmethod
    def create(cls, resources: Resources) -> Self:
        return cls(resources, Table(resources, EXPERIMENT), Table(resources, TRIAL), Table(resources, TRIAL_COMPONENT))
