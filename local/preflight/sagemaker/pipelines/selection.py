"""Selective execution: some steps run, and take what they need of others from an earlier execution.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-selective-ex.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.pipelines.definition import Definition
from preflight.sagemaker.pipelines.graph import Graph
from preflight.sagemaker.pipelines.parameters import as_text
from preflight.sagemaker.pipelines.record import ExecutionRecord, StepRecord


@dataclass(frozen=True)
class Selection:
    """``selected`` are the steps that run, None: all. ``reused`` are those that they wait for, of ``source``."""

    selected: tuple[str, ...] | None = None
    source: ExecutionRecord | None = None
    reused: dict[str, StepRecord] = field(default_factory=dict)

    @classmethod
    def of(cls, selected: Sequence[str], graph: Graph, source: ExecutionRecord | None) -> Self:
        """Raises ValidationException, see below."""
        return cls(tuple(selected), source, _reused_steps(graph, selected, source))

    def given(self, definition: Definition) -> dict[str, str]:
        """The values of the source's parameters, as far as the definition still has them."""
        values = self.source.parameters if self.source else {}
        return {each.name: as_text(values[each.name]) for each in definition.parameters if each.name in values}


def _reused_steps(graph: Graph, selected: Sequence[str], source: ExecutionRecord | None) -> dict[str, StepRecord]:
    """The steps of ``source`` that those of ``selected`` wait for, by their names.

    Raises:
        ValidationException: a step is not there, one between two selected ones is not selected, or what they wait for
            is not at hand.
    """
    if unknown := [name for name in selected if name not in graph.nodes]:
        raise ValidationException(guessed(f"The selected steps [{', '.join(unknown)}] are not in the pipeline."))
    chosen = set(selected)
    between = sorted(name for name in graph.upstream(selected) if chosen & graph.upstream([name]))
    if between:
        raise ValidationException(
            guessed(f"All steps between two selected steps must be selected: [{', '.join(between)}] are not.")
        )
    needed = [name for name in graph.nodes if any(name in graph.nodes[each].parents - chosen for each in selected)]
    if not needed:
        return {}
    if source is None:
        raise ValidationException(
            f"Invalid SourcePipelineExecutionArn: null. The selected steps [{', '.join(selected)}] have dependencies "
            f"on [{', '.join(needed)}]"
        )
    missing = [name for name in needed if name not in source.steps or not source.steps[name].has_succeeded]
    if missing:
        raise ValidationException(guessed(f"The steps [{', '.join(missing)}] have not succeeded in {source.arn}."))
    reused = {name: source.steps[name].model_copy(update={"reused_from": source.arn}) for name in needed}
    _require_branches(graph, selected, reused)
    return reused


def _require_branches(graph: Graph, selected: Sequence[str], reused: dict[str, StepRecord]) -> None:
    """Raises ValidationException: a selected step is on the branch that was not taken."""
    for name in selected:
        branch = graph.nodes[name].branch
        condition = reused.get(branch.condition) if branch else None
        if branch and condition and condition.properties["Outcome"] != str(branch.outcome):
            raise ValidationException(
                guessed(f"The selected step {name} is on the branch of {branch.condition} that was not taken.")
            )
