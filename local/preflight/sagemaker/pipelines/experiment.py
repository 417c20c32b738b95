"""The experiment and the trial that an execution's jobs belong to: a definition's PipelineExperimentConfig.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-experiments.html
"""

from collections.abc import Iterator

from pydantic import BaseModel

from preflight.sagemaker.api.errors import ResourceNotFound
from preflight.sagemaker.pipelines.calls import RoleCalls
from preflight.sagemaker.pipelines.expressions import Facts, Get, references, resolve
from preflight.sagemaker.pipelines.parsing import Parsed, Part


class PipelineExperimentConfig(Part):
    experiment_name: Parsed
    trial_name: Parsed

    def references(self) -> Iterator[Get]:
        return references([self.experiment_name, self.trial_name])


class Experiment(BaseModel):
    """``name`` in small letters, as AWS shows it."""

    name: str
    trial: str

    @classmethod
    def of(cls, config: PipelineExperimentConfig, facts: Facts) -> "Experiment":
        """Raises Unresolved."""
        name, trial = (str(resolve(value, facts)) for value in (config.experiment_name, config.trial_name))
        return cls(name=name.lower(), trial=trial)

    def members(self) -> dict[str, str]:
        """ExperimentConfig of a job, and PipelineExperimentConfig of an execution."""
        return {"ExperimentName": self.name, "TrialName": self.trial}

    def make(self, calls: RoleCalls) -> None:
        """Let both be there. Raises ServiceError for names that AWS does not take."""
        for kind, members in (("Experiment", {"ExperimentName": self.name}), ("Trial", self.members())):
            try:
                calls.as_service(f"Describe{kind}", {f"{kind}Name": members[f"{kind}Name"]})
            except ResourceNotFound:
                calls.as_service(f"Create{kind}", members)
