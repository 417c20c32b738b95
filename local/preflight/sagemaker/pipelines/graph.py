"""The graph of a pipeline's steps: what each waits for, by what it is given and by DependsOn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.pipelines.definition import ConditionStep, Definition, FailStep, PlainStep, ProcessingStep

AnyStep = PlainStep | ConditionStep


@dataclass(frozen=True)
class Branch:
    """The steps of one outcome of a Condition step."""

    condition: str
    outcome: bool


@dataclass(frozen=True)
class Node:
    step: AnyStep
    parents: frozenset[str]
    branch: Branch | None = None


class Graph:
    """Every step by its name, in the definition's order, those inside of Condition steps among them."""

    def __init__(self, definition: Definition) -> None:
        """Raises ValidationException if the steps do not fit together; some of AWS's own words are guessed."""
        self.nodes: dict[str, Node] = {}
        for step, branch in _flat(definition.steps):
            if step.name in self.nodes:
                raise ValidationException(guessed(f"Step names must be unique within a pipeline: {step.name}"))
            self.nodes[step.name] = Node(step, _parents(step, branch), branch)
        self._require_known(definition)
        self._require_order()

    def upstream(self, names: Sequence[str]) -> set[str]:
        """The steps that those of ``names`` wait for, one after the other, themselves left out."""
        found: set[str] = set()
        left = list(names)
        while left:
            parents = self.nodes[left.pop()].parents - found
            found |= parents
            left += parents
        return found - set(names)

    def _require_known(self, definition: Definition) -> None:
        parameters = {parameter.name for parameter in definition.parameters}
        if len(parameters) < len(definition.parameters):
            raise ValidationException(guessed("Parameter names must be unique within a pipeline."))
        config = definition.pipeline_experiment_config
        for get in config.references() if config else ():
            if get.root == "Steps" or (get.root == "Parameters" and get.name not in parameters):
                raise ValidationException(guessed(f"PipelineExperimentConfig refers to {get.root}.{get.name}"))
        for name, node in self.nodes.items():
            if unknown := sorted(node.parents - self.nodes.keys()):
                raise ValidationException(guessed(f"Step {name} refers to steps that are not there: {unknown}"))
            if any(isinstance(self.nodes[parent].step, FailStep) for parent in node.parents):
                raise ValidationException(guessed(f"Step {name} cannot depend on a Fail step."))
            for get in node.step.references():
                if get.root == "Parameters" and get.name not in parameters:
                    raise ValidationException(guessed(f"Step {name} refers to an unknown parameter: {get.name}"))
                if get.property_file and not _has_property_file(self.nodes[get.name].step, get.property_file):
                    raise ValidationException(
                        guessed(f"Step {name} refers to an unknown property file: {get.property_file} of {get.name}")
                    )

    def _require_order(self) -> None:
        try:
            TopologicalSorter({name: node.parents for name, node in self.nodes.items()}).prepare()
        except CycleError as error:
            steps = " -> ".join(reversed(error.args[1]))
            raise ValidationException(guessed(f"Cycle detected in the pipeline's steps: {steps}")) from None


def _flat(steps: Sequence[AnyStep]) -> Iterator[tuple[AnyStep, Branch | None]]:
    for step in steps:
        yield step, None
        if isinstance(step, ConditionStep):
            for outcome, inside in ((True, step.arguments.if_steps), (False, step.arguments.else_steps)):
                for inner in inside:
                    if isinstance(inner, ConditionStep):
                        raise ValidationException(
                            guessed(f"Condition step {inner.name} cannot be inside of Condition step {step.name}.")
                        )
                    yield inner, Branch(step.name, outcome)


def _parents(step: AnyStep, branch: Branch | None) -> frozenset[str]:
    named = {get.name for get in step.references() if get.root == "Steps"}
    return frozenset({*named, *step.depends_on, *([branch.condition] if branch else ())})


def _has_property_file(step: AnyStep, name: str) -> bool:
    return isinstance(step, ProcessingStep) and any(file.property_file_name == name for file in step.property_files)
