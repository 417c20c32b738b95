"""The coverage tables of the service as people read them: by operation, from the code and botocore's models.

``python -m preflight.cli.coverage_report text|json|markdown``, on the stack's Python: it imports the whole service.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from shutil import get_terminal_size
from textwrap import fill

from botocore.model import ListShape, Shape, StructureShape

from preflight.sagemaker.api.operation import Operation
from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.api.shape import Tree
from preflight.sagemaker.service import METRICS_OPERATIONS, OPERATIONS, RUNTIME_OPERATIONS, SCALING_OPERATIONS

SERVICES = {
    "sagemaker": "SageMaker",
    "sagemaker-runtime": "SageMaker Runtime",
    "sagemaker-metrics": "SageMaker Metrics",
    "application-autoscaling": "Application Auto Scaling",
}
_DECLARED: dict[str, Operation] = OPERATIONS | RUNTIME_OPERATIONS | METRICS_OPERATIONS | SCALING_OPERATIONS

# What AWS shows around the API: what there is of it, and what is missing.
AROUND: tuple[tuple[str, str, str], ...] = (
    (
        "Images",
        "linear-learner, xgboost, frameworks that run scripts, images whose program is declared (preflight images); "
        "with a Docker engine any image",
        "other images without Docker",
    ),
    (
        "CloudWatch Logs",
        "groups /aws/sagemaker/TrainingJobs, /aws/sagemaker/ProcessingJobs and /aws/sagemaker/Endpoints/[endpoint]",
        "",
    ),
    (
        "CloudWatch, AWS/SageMaker",
        "Invocations, InvocationsPerInstance, Invocation4XXErrors, Invocation5XXErrors, InvocationModelErrors, "
        "ModelLatency, OverheadLatency; of asynchronous endpoints the backlog, latencies and failures",
        "concurrency, cold start, streaming and multi-model metrics",
    ),
    (
        "CloudWatch, /aws/sagemaker/TrainingJobs",
        "the algorithm's metrics, by TrainingJobName; CPU, memory and disk utilization, by Host",
        "GPU utilization",
    ),
    (
        "CloudWatch, /aws/sagemaker/ProcessingJobs",
        "CPU, memory and disk utilization, by Host",
        "GPU utilization",
    ),
    ("CloudWatch, /aws/sagemaker/TransformJobs", "CPU and memory utilization, by Host", "GPU utilization"),
    (
        "CloudWatch, /aws/sagemaker/Endpoints",
        "CPU, memory and disk utilization, one datum a minute for each instance; LoadedModelCount",
        "GPU utilization",
    ),
    (
        "EventBridge, source aws.sagemaker",
        "state changes of training and processing jobs, endpoints, endpoint deployments, endpoint configurations, "
        "models and model packages",
        "",
    ),
)


@dataclass(frozen=True)
class Coverage:
    """One operation: ``state`` is ``supported``, ``partly`` (what ``missing`` names is refused) or ``not``."""

    service: str
    operation: str
    state: str
    missing: list[str] = field(default_factory=list)
    described: list[str] = field(default_factory=list)


def coverage() -> list[Coverage]:
    return [
        _coverage_of(service, operation)
        for service in SERVICES
        for operation in sorted(service_model(service).operation_names)
    ]


def _coverage_of(service: str, operation: str) -> Coverage:
    declared = _DECLARED.get(operation)
    if declared is None:
        return Coverage(service, operation, "not")
    shape = service_model(service).operation_model(operation).input_shape
    refused = sorted(case.case for case in declared.refuses)
    missing = [*_unknown_members(shape, declared.known, ""), *refused]
    return Coverage(service, operation, "partly" if missing else "supported", missing, declared.described)


def _unknown_members(shape: Shape, known: Tree, path: str) -> Iterator[str]:
    """The members of the model that the tables do not know, the topmost of each branch."""
    if isinstance(shape, ListShape):
        yield from _unknown_members(shape.member, known, f"{path}[]")
    elif isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            member_path = f"{path}.{name}" if path else name
            if name not in known:
                yield member_path
            elif known[name]:
                yield from _unknown_members(member, known[name], member_path)


def summary(entries: list[Coverage]) -> str:
    counts = {state: sum(entry.state == state for entry in entries) for state in ("supported", "partly", "not")}
    return (
        f"{counts['supported']} operations supported, {counts['partly']} supported but for what is named, "
        f"{counts['not']} not supported (each of these is answered UnsupportedByPreflight)."
    )


def as_text(entries: list[Coverage]) -> str:
    """For a terminal: what is supported, line by line; then the hundreds of operations that are not, in one block."""
    lines = ["Supported, but for what stands below an operation, which is refused by name:"]
    for entry in entries:
        if entry.state != "not":
            lines += [f"  {entry.operation}", *(f"      {missing}" for missing in entry.missing)]
    lines.append("Not supported:")
    names = ", ".join(entry.operation for entry in entries if entry.state == "not")
    lines.append(fill(names, get_terminal_size().columns, initial_indent="  ", subsequent_indent="  "))
    return "\n".join([*lines, summary(entries)])


def as_json(entries: list[Coverage]) -> str:
    by_service: dict[str, dict[str, object]] = {service: {} for service in SERVICES}
    for entry in entries:
        by_service[entry.service][entry.operation] = {
            "state": entry.state,
            "missing": entry.missing,
            "described": entry.described,
        }
    return json.dumps(by_service, indent=2)


def as_markdown(entries: list[Coverage]) -> str:
    lines = [
        "# What of SageMaker is supported",
        "",
        "Made from the code by `preflight coverage --markdown`; do not edit.",
        "",
        summary(entries),
        "What is refused is answered with the error `UnsupportedByPreflight`, HTTP 501, which names it; nothing is "
        "passed over in silence. *Described only* is what Describe shows as asked, and nothing here acts on.",
    ]
    for service, title in SERVICES.items():
        mine = [entry for entry in entries if entry.service == service]
        lines += ["", f"## {title}", "", "| operation | refused | described only |", "| --- | --- | --- |"]
        for entry in mine:
            if entry.state != "not":
                lines.append(f"| {entry.operation} | {_cell(entry.missing)} | {_cell(entry.described)} |")
        names = ", ".join(entry.operation for entry in mine if entry.state == "not")
        lines += ["", f"Not supported: {names}."]
    lines += ["", "## Around it", "", "| where | what | missing |", "| --- | --- | --- |"]
    lines += [f"| {where} | {what} | {missing} |" for where, what, missing in AROUND]
    return "\n".join(lines) + "\n"


def _cell(items: list[str]) -> str:
    return "<br>".join(item.replace("|", "\\|") for item in items)


FORMS = {"text": as_text, "json": as_json, "markdown": as_markdown}

if __name__ == "__main__":
    print(FORMS[sys.argv[1]](coverage()).rstrip("\n"))
