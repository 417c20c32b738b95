"""The steps of a pipeline execution as a graph: what each waits for, and how far it has come."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

NOT_STARTED = "NotStarted"


@dataclass(frozen=True)
class StepNode:
    """One step; ``after`` are those that it waits for, in the definition's order. Times are seconds since 1970.

    A step inside of a ``condition`` step is in the ``branch`` of its being true or false.
    """

    name: str
    type: str
    status: str
    after: tuple[str, ...]
    condition: str | None = None
    branch: bool | None = None
    started: float | None = None
    ended: float | None = None
    note: str = ""


def step_nodes(definition: str, listed: Sequence[dict[str, Any]]) -> list[StepNode]:
    """Each step of a definition with what ListPipelineExecutionSteps says of it, if it has started."""
    known = {step["StepName"]: step for step in listed}
    found = list(_flat(json.loads(definition)["Steps"], None, None))
    order = [step["Name"] for step, _, _ in found]
    nodes = []
    for step, condition, branch in found:
        said = known.get(step["Name"], {})
        waits_for = {*_references(step), *step.get("DependsOn", ()), *([condition] if condition else ())}
        nodes.append(
            StepNode(
                step["Name"],
                step["Type"],
                said.get("StepStatus", NOT_STARTED),
                tuple(name for name in order if name in waits_for),
                condition,
                branch,
                said.get("StartTime"),
                said.get("EndTime"),
                said.get("FailureReason") or _outcome(said),
            )
        )
    return nodes


def parent_of(nodes: Sequence[StepNode]) -> dict[str, str | None]:
    """Below which step each stands in a tree: of those that it waits for, the one that is reached last."""
    by_name = {node.name: node for node in nodes}
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in depths:
            depths[name] = 1 + max((depth(parent) for parent in by_name[name].after), default=0)
        return depths[name]

    return {node.name: max(node.after, key=depth, default=None) for node in nodes}


def others_of(nodes: Sequence[StepNode], node: StepNode, below: str | None) -> list[str]:
    """What it waits for besides ``below`` and whatever that one waits for."""
    by_name = {each.name: each for each in nodes}

    def upstream(name: str) -> set[str]:
        return {name}.union(*(upstream(parent) for parent in by_name[name].after))

    known = upstream(below) if below else set()
    return [name for name in node.after if name not in known]


def _flat(steps: Any, condition: str | None, branch: bool | None) -> Iterator[tuple[Any, str | None, bool | None]]:
    for step in steps:
        yield step, condition, branch
        if step["Type"] == "Condition":
            yield from _flat(step["Arguments"].get("IfSteps", ()), step["Name"], True)
            yield from _flat(step["Arguments"].get("ElseSteps", ()), step["Name"], False)


def _references(value: Any) -> Iterator[str]:
    """The steps whose properties a step uses, those of the steps inside of a Condition step left out."""
    if isinstance(value, dict):
        path = value.get("Get")
        if isinstance(path, str) and path.startswith("Steps."):
            yield path.removeprefix("Steps.").replace("[", ".").partition(".")[0]
        for key, member in value.items():
            if key not in ("IfSteps", "ElseSteps"):
                yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)


def _outcome(said: dict[str, Any]) -> str:
    outcome = said.get("Metadata", {}).get("Condition", {}).get("Outcome")
    return f"is {outcome}" if outcome else ""
