"""What is on a stack: its jobs, endpoints, functions, URLs and pipeline executions, as its own APIs list them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from preflight.cli.stack_api import RequestRefused, StackApi
from preflight.cli.step_graph import StepNode, step_nodes

RUNNING = ("InProgress", "Stopping", "Executing", "Pending", "Creating", "Updating", "SystemUpdating", "Deleting")
FAILED = ("Failed", "OutOfService", "UpdateRollbackFailed", "RollingBack")
NEWEST = 5
PAGE = 100  # the most that SageMaker's lists give at once


@dataclass(frozen=True)
class JobKind:
    """One kind of job: the word of this command line for it, and how AWS's operations name it."""

    word: str
    resource: str
    summaries: str
    ended: str

    def describe(self, api: StackApi, name: str) -> dict[str, Any]:
        return api.sagemaker(f"Describe{self.resource}", **{f"{self.resource}Name": name})


JOB_KINDS = (
    JobKind("training", "TrainingJob", "TrainingJobSummaries", "TrainingEndTime"),
    JobKind("processing", "ProcessingJob", "ProcessingJobSummaries", "ProcessingEndTime"),
    JobKind("transform", "TransformJob", "TransformJobSummaries", "TransformEndTime"),
    JobKind("tuning", "HyperParameterTuningJob", "HyperParameterTuningJobSummaries", "HyperParameterTuningEndTime"),
)

KINDS = (*(kind.word for kind in JOB_KINDS), "endpoint", "function", "pipeline")  # what has a log


@dataclass(frozen=True)
class Item:
    """One job, endpoint or execution. Times are seconds since 1970; ``note`` is why it failed, or what it has."""

    kind: str
    name: str
    status: str
    created: float
    ended: float | None = None
    note: str = ""

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING


@dataclass(frozen=True)
class Function:
    name: str
    runtime: str
    modified: float


@dataclass(frozen=True)
class Url:
    """A method of a REST API's stage, or a function's own URL, which takes any; ``name`` is the API's or function's."""

    name: str
    method: str
    url: str


@dataclass(frozen=True)
class Execution:
    """One run of a pipeline; ``steps`` are in the order of its definition, empty if they were not asked for."""

    pipeline: str
    arn: str
    item: Item
    steps: Sequence[StepNode] = ()


@dataclass(frozen=True)
class Inventory:
    """What is shown, the newest first, and how many more there are of each."""

    jobs: list[Item]
    endpoints: list[Item]
    functions: list[Function]
    urls: list[Url]
    executions: list[Execution]
    more: dict[str, int]


def take_inventory(api: StackApi, endpoint_url: str, used_services: Iterable[str], *, is_whole: bool) -> Inventory:
    """What runs, and the newest of the rest; everything, if it ``is_whole``."""
    services = set(used_services)
    jobs = sorted(_jobs(api), key=lambda job: job.created, reverse=True)
    shown = jobs if is_whole else _running_and_newest(jobs)
    endpoints = list(_endpoints(api))
    functions = list(_functions(api)) if "lambda" in services else []
    some = functions if is_whole else functions[:NEWEST]
    urls = list(_urls(api, endpoint_url)) if "apigateway" in services else []
    urls += [url for function in some for url in _function_urls(api, function)]
    pipelines = _pipelines(api)
    executions = list(_executions(api, pipelines if is_whole else pipelines[:NEWEST], is_whole=is_whole))
    some_urls = urls if is_whole else urls[:NEWEST]
    return Inventory(
        [_with_reason(api, job) for job in shown],
        [_with_reason(api, endpoint) for endpoint in endpoints],
        some,
        some_urls,
        executions,
        {
            "jobs": len(jobs) - len(shown),
            "functions": len(functions) - len(some),
            "URLs": len(urls) - len(some_urls),
            "pipelines": 0 if is_whole else max(0, len(pipelines) - NEWEST),
        },
    )


def used(health: Mapping[str, str], kept: Collection[str]) -> list[str]:
    """The services that have something: they run, or will find what is ``kept``. To ask others would start them."""
    return [name for name, state in health.items() if state == "running" or name in kept]


def names(api: StackApi, used_services: Iterable[str]) -> list[str]:
    """Of all that has a log, by kind: for completion, and for whoever has mistyped one."""
    found = [job.name for job in sorted(_jobs(api), key=lambda job: job.created, reverse=True)]
    found += [endpoint.name for endpoint in _endpoints(api)]
    if "lambda" in set(used_services):
        found += [function.name for function in _functions(api)]
    return found + [pipeline["PipelineName"] for pipeline in _pipelines(api)]


def newest_execution(api: StackApi, pipeline: str) -> str | None:
    """The ARN of a pipeline's newest execution; None if it has none. Raises RequestRefused if there is no such one."""
    listed = api.sagemaker("ListPipelineExecutions", PipelineName=pipeline, MaxResults=1)
    found = listed["PipelineExecutionSummaries"]
    return str(found[0]["PipelineExecutionArn"]) if found else None


def pipeline_names(api: StackApi) -> list[str]:
    return [str(pipeline["PipelineName"]) for pipeline in _pipelines(api)]


def _jobs(api: StackApi) -> Iterator[Item]:
    for kind in JOB_KINDS:
        for job in api.pages(f"List{kind.resource}s", kind.summaries, MaxResults=PAGE):
            yield Item(
                kind.word,
                job[f"{kind.resource}Name"],
                job[f"{kind.resource}Status"],
                job["CreationTime"],
                job.get(kind.ended),
                _trials(job) if kind.word == "tuning" else "",
            )


def _trials(job: dict[str, Any]) -> str:
    counted = job["TrainingJobStatusCounters"]
    done, failed = counted.get("Completed", 0), counted.get("NonRetryableError", 0)
    return f"{done} trials done, {counted.get('InProgress', 0)} run" + (f", {failed} failed" if failed else "")


def _running_and_newest(jobs: list[Item]) -> list[Item]:
    newest = jobs[:NEWEST]
    return [job for job in jobs if job.is_running or job in newest]


def _endpoints(api: StackApi) -> Iterator[Item]:
    for endpoint in api.pages("ListEndpoints", "Endpoints", MaxResults=PAGE):
        yield Item("endpoint", endpoint["EndpointName"], endpoint["EndpointStatus"], endpoint["CreationTime"])


def _with_reason(api: StackApi, item: Item) -> Item:
    """Why it failed is not in every list."""
    if item.status not in FAILED:
        return item
    resource = next((kind.resource for kind in JOB_KINDS if kind.word == item.kind), "Endpoint")
    try:
        described = api.sagemaker(f"Describe{resource}", **{f"{resource}Name": item.name})
    except RequestRefused:  # it has just been deleted
        return item
    reason = described.get("FailureReason", item.note)
    return Item(item.kind, item.name, item.status, item.created, item.ended, reason)


def _functions(api: StackApi) -> Iterator[Function]:
    found: list[Function] = []
    marker: dict[str, str] = {}
    while True:
        page = api.get("lambda", "/2015-03-31/functions/", **marker)
        for function in page["Functions"]:
            modified = datetime.strptime(function["LastModified"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
            runtime = function.get("Runtime") or function.get("PackageType", "")
            found.append(Function(function["FunctionName"], runtime, modified))
        if not page.get("NextMarker"):
            yield from sorted(found, key=lambda function: function.modified, reverse=True)
            return
        marker = {"Marker": page["NextMarker"]}


def _function_urls(api: StackApi, function: Function) -> list[Url]:
    try:
        listed = api.get("lambda", f"/2021-10-31/functions/{quote(function.name)}/urls")
    except RequestRefused:  # it has just been deleted
        return []
    return [Url(function.name, "ANY", config["FunctionUrl"]) for config in listed["FunctionUrlConfigs"]]


def _urls(api: StackApi, endpoint_url: str) -> Iterator[Url]:
    found = api.get("apigateway", "/restapis", limit="500")["item"]
    for rest in sorted(found, key=lambda rest: float(rest["createdDate"]), reverse=True):
        stages = api.get("apigateway", f"/restapis/{rest['id']}/stages")["item"]
        if not stages:
            continue
        resources = api.get("apigateway", f"/restapis/{rest['id']}/resources", limit="500")["item"]
        for stage in stages:
            base = f"{endpoint_url}/_aws/execute-api/{rest['id']}/{stage['stageName']}"
            for resource in resources:
                for method in resource.get("resourceMethods", {}):
                    yield Url(rest["name"], method, base + resource["path"])


def _pipelines(api: StackApi) -> list[dict[str, Any]]:
    """Those that were started last first."""
    found = list(api.pages("ListPipelines", "PipelineSummaries", MaxResults=PAGE))
    return sorted(found, key=lambda pipeline: pipeline.get("LastExecutionTime", 0), reverse=True)


def _executions(api: StackApi, pipelines: Iterable[dict[str, Any]], *, is_whole: bool) -> Iterator[Execution]:
    """Of each pipeline the newest, what runs, or all; the very newest with its steps."""
    found: list[Execution] = []
    for pipeline in pipelines:
        name = pipeline["PipelineName"]
        listed = api.pages("ListPipelineExecutions", "PipelineExecutionSummaries", PipelineName=name, MaxResults=PAGE)
        executions = [
            _execution(name, each) for each in sorted(listed, key=lambda each: each["StartTime"], reverse=True)
        ]
        found += (
            executions if is_whole else [each for each in executions if each.item.is_running or each is executions[0]]
        )
    found.sort(key=lambda execution: execution.item.created, reverse=True)
    for index, execution in enumerate(found):
        yield with_steps(api, execution) if index == 0 else execution


def _execution(pipeline: str, summary: dict[str, Any]) -> Execution:
    arn = summary["PipelineExecutionArn"]
    reason = summary.get("PipelineExecutionFailureReason", "")
    status, started = summary["PipelineExecutionStatus"], summary["StartTime"]
    return Execution(pipeline, arn, Item("execution", arn.rpartition("/")[2], status, started, None, reason))


def with_steps(api: StackApi, execution: Execution) -> Execution:
    """The same with its steps, and when it ended."""
    described = api.sagemaker("DescribePipelineExecution", PipelineExecutionArn=execution.arn)
    definition = api.sagemaker("DescribePipelineDefinitionForExecution", PipelineExecutionArn=execution.arn)
    listed = api.pages("ListPipelineExecutionSteps", "PipelineExecutionSteps", PipelineExecutionArn=execution.arn)
    steps = step_nodes(definition["PipelineDefinition"], list(listed))
    item = execution.item
    ended = None if item.is_running else described["LastModifiedTime"]
    return Execution(
        execution.pipeline,
        execution.arn,
        Item(item.kind, item.name, item.status, item.created, ended, described.get("FailureReason", item.note)),
        steps,
    )
